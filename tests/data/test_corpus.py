"""Reading corpora: every format gives the same pairs, and what cannot be read says where."""

import csv
import gzip
import io
import json
import os
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from seq2seq.data.corpus import iterate_pairs, read_corpus
from seq2seq.data.findings import Noticed, findings_in, findings_of
from seq2seq.errors import DataError
from seq2seq.recipe import CorpusSpec

# each holds something that a careless reader breaks at
PAIRS = [
    ('"No, he said', 'Nein, sagte er"'),
    ("one\u2028segment\x85still", "ein Segment"),
    ("a, comma", "ein; Komma"),
    ("", "leer"),
]


def read(folder: Path, **spec) -> list[tuple[str, str]]:
    return list(iterate_pairs(read_corpus(CorpusSpec(**spec), folder=folder)))


def lines(side: int) -> str:
    return "".join(pair[side] + "\n" for pair in PAIRS)


PACKED = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}


@pytest.mark.parametrize("ending", PACKED)
def test_two_text_files_give_a_pair_for_each_line_feed(write, ending):
    pack = PACKED[ending]
    folder = write(
        {f"a.en{ending}": pack(lines(0).encode()), f"a.de{ending}": pack(lines(1).encode())}
    )
    assert read(folder, source=f"a.en{ending}", target=f"a.de{ending}") == PAIRS


@pytest.mark.parametrize("ending", PACKED)
def test_a_lone_quote_in_a_tsv_file_swallows_nothing(write, ending):
    rows = "".join(f"{source}\t{target}\n" for source, target in PAIRS).encode()
    folder = write({f"a.tsv{ending}": PACKED[ending](rows)})
    assert read(folder, file=f"a.tsv{ending}", source_field="1", target_field="2") == PAIRS


def test_columns_of_a_tsv_file_are_found_by_the_names_in_its_first_line(write):
    folder = write({"a.tsv": "de\tnote\ten\nHaus\tx\thouse\n"})
    found = read(folder, file="a.tsv", source_field="en", target_field="de")
    assert found == [("house", "Haus")]


def test_quoted_csv_fields_may_hold_commas_quotes_and_line_ends(write):
    folder = write({"a.csv": 'source,target\n"a, ""b""","c\nd"\ne,f\n'})
    assert read(folder, file="a.csv") == [('a, "b"', "c\nd"), ("e", "f")]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_names_in_its_first_line_say_what_separates_a_csv_file(write, separator):
    rows = [("source", "note", "target"), ('a; "b", c', "x", "d\te"), ("f", "y", "g")]
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    folder = write({"a.CSV": text.getvalue()})
    assert read(folder, file="a.CSV") == [('a; "b", c', "d\te"), ("f", "g")]


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_a_tsv_file_with_the_quotes_of_csv_is_read_as_meant_where_the_corpus_says_so(
    write, quoting
):
    rows = [("source", "target"), ('He said "stop" twice.', "plain"), ("a\tb", "c\nd")]
    text = io.StringIO()
    csv.writer(text, delimiter="\t", quoting=quoting).writerows(rows)
    folder = write({"a.tsv.GZ": gzip.compress(text.getvalue().encode())})
    assert read(folder, file="a.tsv.GZ", quoted=True) == rows[1:]


def looked_at(folder: Path, **spec) -> list[str]:
    """What reading a corpus notices, but for its normal form."""
    noticed = Noticed()
    read_corpus(CorpusSpec(**spec), folder=folder, noticed=noticed)
    return [
        found.to_text() for found in findings_of({"a": noticed}) if "none" not in found.to_text()
    ]


KEPT = "kept as written, 'quoted = true' of the corpus reads them as meant"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"He said ""stop""."\tx\nplain\tplain\n', [f"1 {KEPT} (as line 1)"]),
        ('"a"\t"b"\n"c"\t"d"\n', [f"2 {KEPT} (as every line)"]),
        ('x\t"He said ""stop""."\nplain\tplain\n', [f"1 {KEPT} (as line 1)"]),
        ('"a"\t"b"\nc\t"d"\n', []),
        ('"No," he said, "not so."\t"Nein", sagte er, "so nicht."\n', []),
        ('5"\t5""\n', []),
    ],
)
def test_fields_that_look_quoted_are_counted_and_kept(write, text, found):
    folder = write({"a.tsv": text})
    fields = {"source_field": "1", "target_field": "2"}
    assert looked_at(folder, file="a.tsv", **fields) == [
        f"fields quoted as in CSV: {said}" for said in found
    ]


@pytest.mark.parametrize(
    ("first", "count"), [("en\tde", 1), ("Source\ttarget", 1), ("no\tnein danke", 0), ("1\t2", 0)]
)
def test_a_header_in_a_file_read_by_numbers_is_said(write, first, count):
    folder = write({"a.tsv": f"{first}\nhouse\tHaus\n"})
    found = looked_at(folder, file="a.tsv", source_field="1", target_field="2")
    assert found == ["first line that looks like a header: 1 kept as a pair (as line 1)"][:count]


ROWS = [{"translation": {"en": "[house]", "de": "Haus"}}, {"translation": {"en": None, "de": "x"}}]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.JSON.gz"])
def test_a_json_file_may_be_one_array_of_objects(write, name, indent):
    text = json.dumps(ROWS, indent=indent).encode()
    folder = write({name: gzip.compress(text) if "gz" in name else text})
    fields = {"source_field": "translation.en", "target_field": "translation.de"}
    assert read(folder, file=name, **fields) == [("[house]", "Haus"), ("", "x")]


def test_a_json_file_may_hold_one_object_a_line(write):
    folder = write({"a.json": "".join(json.dumps(row) + "\n" for row in ROWS)})
    fields = {"source_field": "translation.en", "target_field": "translation.de"}
    assert read(folder, file="a.json", **fields) == [("[house]", "Haus"), ("", "x")]


def test_a_column_that_nobody_asks_for_may_be_named_twice(write):
    folder = write({"a.tsv": "note\tsource\tnote\ttarget\nx\ta\ty\tb\n"})
    assert read(folder, file="a.tsv") == [("a", "b")]


@pytest.mark.parametrize("long_has_32_bits", [False, True])
def test_a_csv_field_may_be_longer_than_the_readers_usual_limit(
    write, monkeypatch, long_has_32_bits
):
    set_limit = csv.field_size_limit

    def refuse(limit: int) -> int:
        if limit > 2**31 - 1:
            raise OverflowError("Python int too large to convert to C long")
        return set_limit(limit)

    before = set_limit(131_072)
    if long_has_32_bits:
        monkeypatch.setattr(csv, "field_size_limit", refuse)
    document = "a word, " * 20_000
    folder = write({"a.csv": f'source,target\n"{document}",short\n'})
    try:
        assert read(folder, file="a.csv") == [(document, "short")]
    finally:
        set_limit(before)


def test_both_halves_of_a_surrogate_pair_are_one_character(write):
    folder = write({"a.jsonl": '{"source": "\\ud83d\\ude00", "target": "b"}\n'})
    assert read(folder, file="a.jsonl") == [("\U0001f600", "b")]


def test_json_lines_are_read_through_dotted_paths_and_null_is_empty(write):
    rows = [{"translation": {"en": s or None, "de": t}} for s, t in PAIRS]
    folder = write({"a.jsonl": "".join(json.dumps(row) + "\n" for row in rows)})
    fields = {"source_field": "translation.en", "target_field": "translation.de"}
    assert read(folder, file="a.jsonl", **fields) == PAIRS


def test_parquet_is_read_flat_and_nested(tmp_path):
    rows = [{"translation": {"en": s, "de": t}, "en": s, "de": t} for s, t in PAIRS]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    for prefix in ("", "translation."):
        fields = {"source_field": f"{prefix}en", "target_field": f"{prefix}de"}
        assert read(tmp_path, file="a.parquet", **fields) == PAIRS


ODD = [
    ("co\u00adoperate", "plain"),
    ("plain", "Vie\u0323\u0302t"),
    ("\ufeffe\u0301\0", "\u200b"),
    ("می\u200cخواهم", "👩\u200d🔬"),
]
CLEAN = [("cooperate", "plain"), ("plain", "Việt"), ("é", ""), ODD[3]]


def test_training_text_gets_its_normal_form_and_what_that_changes_is_counted(write):
    folder = write({"a.tsv": "".join(f"{s}\t{t}\n" for s, t in ODD)})
    spec = CorpusSpec(file="a.tsv", source_field="1", target_field="2")
    noticed = Noticed()
    rows = read_corpus(spec, folder=folder, noticed=noticed)
    assert list(iterate_pairs(rows)) == CLEAN
    assert [finding.to_text() for finding in findings_of({"a": noticed})] == [
        "invisible characters: 2 cleaned (as row 1, row 3)",
        "letters not composed as in NFC: 2 composed (as row 2, row 3)",
        "NUL bytes: 1 cleaned (as row 3)",
    ]


def test_references_of_held_out_data_stay_as_they_are_written(write):
    folder = write({"a.tsv": "".join(f"{s}\t{t}\n" for s, t in ODD)})
    spec = CorpusSpec(file="a.tsv", source_field="1", target_field="2")
    noticed = Noticed()
    rows = read_corpus(spec, folder=folder, held_out=True, noticed=noticed)
    assert rows["source"][:] == [source for source, _ in CLEAN]
    assert rows["target"][:] == [target for _, target in ODD]
    assert [finding.to_text() for finding in findings_in({"dev": noticed})] == [
        "dev: invisible characters in sources: 2 cleaned (as row 1, row 3)",
        "dev: letters not composed as in NFC in sources: 1 composed (as row 3)",
        "dev: NUL bytes in sources: 1 cleaned (as row 3)",
    ]


def test_max_rows_takes_the_first_and_does_not_look_at_the_rest(write):
    folder = write({"a.tsv": b"a\tb\nc\td\n\xff\n"})
    spec = {"file": "a.tsv", "source_field": "1", "target_field": "2", "max_rows": 2}
    assert read(folder, **spec) == [("a", "b"), ("c", "d")]


@pytest.mark.parametrize(
    ("files", "spec", "message"),
    [
        (
            {"a": "x\ny\n", "b": "x\n"},
            {"source": "a", "target": "b"},
            r"b: has 1 lines, .*a has 2; needed the same number",
        ),
        (
            {"a": "x\n", "b": "x\ny\nz\n"},
            {"source": "a", "target": "b"},
            r"a: has 1 lines, .*b has 3; needed the same number",
        ),
        (
            {"a": b"good\nb\xe4d\n", "b": "x\ny\n"},
            {"source": "a", "target": "b"},
            r"a: line 2: byte 0xe4 at position 2 is not UTF-8",
        ),
        ({"a": "", "b": ""}, {"source": "a", "target": "b"}, r"a \+ b: no pairs in it"),
        ({"a.tsv": "source\ttarget\n"}, {"file": "a.tsv"}, r"a.tsv: no pairs in it"),
        (
            {"a.tsv": "sorce\ttarget\nx\ty\n"},
            {"file": "a.tsv"},
            r"a.tsv: line 1 names no column 'source'; did you mean 'sorce'\?; for a file without",
        ),
        (
            {"a.tsv": "a\tb\nc\n"},
            {"file": "a.tsv", "source_field": "1", "target_field": "2"},
            r"a.tsv: line 2 has 1 columns, line 1 has 2; needed the same",
        ),
        (
            {"a.tsv": "a\tb\nc\td\te\n"},
            {"file": "a.tsv", "source_field": "1", "target_field": "2"},
            r"line 2 has 3 columns, line 1 has 2",
        ),
        (
            {"a.tsv": "a\tb\n"},
            {"file": "a.tsv", "source_field": "1", "target_field": "3"},
            r"a.tsv: line 1 has 2 columns, needed column 3",
        ),
        (
            {"a.tsv": "source\ttarget\ttarget\nx\ty\tz\n"},
            {"file": "a.tsv"},
            r"a.tsv: line 1: names column 'target' 2 times, needed it once; rename those not",
        ),
        (
            {"a.csv": 'source,target\na,b\n"c,d\n'},
            {"file": "a.csv"},
            r"a.csv: line 3: not CSV \(unexpected end of data\)",
        ),
        (
            {"a.jsonl": '{"source": "a", "target": "b"}\n\n'},
            {"file": "a.jsonl"},
            r"a.jsonl: line 2: not JSON .* needed one object a line",
        ),
        (
            {"a.jsonl": '{"source": "a", "targets": "b"}\n'},
            {"file": "a.jsonl"},
            r"a.jsonl: line 1: no column 'target'; did you mean 'targets'\?",
        ),
        (
            {"a.jsonl": '{"source": "a", "target": "b"}\n'},
            {"file": "a.jsonl", "source_field": "source.en"},
            r"line 1: no column 'en'; the value there is text, not an object",
        ),
        (
            {"a.jsonl": '{"source": "a", "target": ["b"]}\n'},
            {"file": "a.jsonl"},
            r"line 1: column 'target' holds list \"\['b'\]\", needed text",
        ),
        (
            {"a.jsonl": 2 * '{"source": "a", "target": "b \\ud83d"}\n'},
            {"file": "a.jsonl"},
            r"a.jsonl: line 1: column 'target' holds half a surrogate pair, '\\ud83d' at "
            r"position 3, needed whole characters; write both halves, or take the half out",
        ),
        (
            {"a.jsonl": '{"source": "a", "target": "b", "id": ' + "9" * 5000 + "}\n"},
            {"file": "a.jsonl"},
            r"a.jsonl: line 1: JSON with a value that cannot be read \(.*5000 digits.*\), needed",
        ),
        (
            {"a.jsonl": '{"source": "a", "target": "b", "id": ' + "[" * 200_000 + "}\n"},
            {"file": "a.jsonl"},
            r"a.jsonl: line 1: .* with a value that cannot be read .*(recursion|overflow).* needed",
        ),
        (
            {"a.tsv": '"source"\t"target"\n"x"\t"y"\n'},
            {"file": "a.tsv"},
            r"line 1 names no column 'source'.*; its names are quoted as in CSV: set quoted = true",
        ),
        (
            {"a.tsv": 'source\ttarget\nx\t"two\nlines"\n'},
            {"file": "a.tsv"},
            r"line 3 has 1 columns, line 1 has 2; needed the same",
        ),
        (
            {"a.tsv": 'source\ttarget\n"two\nlines"\ty\n'},
            {"file": "a.tsv"},
            r"line 2 has 1 columns.*; a text begins with a quote: .* set quoted = true",
        ),
        (
            {"a.csv": "a;b\n"},
            {"file": "a.csv", "source_field": "1", "target_field": "2"},
            r"a.csv: line 1 has 1 columns, needed column 2; it holds semicolons or tabs",
        ),
        (
            {"a.json": '[{"source": "a", "target": "b"}, {"source": "c"}]'},
            {"file": "a.json"},
            r"a.json: entry 2: no column 'target'; there are source",
        ),
        (
            {"a.jsonl": '[["a", "b"]]'},
            {"file": "a.jsonl"},
            r"a.jsonl: entry 1: no column 'source'; the value there is an array, not an object",
        ),
        (
            {"a.jsonl": '["a", "b"]\n["c", "d"]\n'},
            {"file": "a.jsonl"},
            r"a.jsonl: not JSON \(Extra data: line 2.*, or one array of objects",
        ),
        (
            {"a.json": '{\n "data": []\n}'},
            {"file": "a.json"},
            r"a.json: line 1: not JSON .*needed one object a line, or one array of objects",
        ),
        ({"a.json": "[]"}, {"file": "a.json"}, r"a.json: no pairs in it"),
        ({"a.json": ""}, {"file": "a.json"}, r"a.json: no pairs in it"),
        (
            {"a.txt": "x"},
            {"file": "a.txt"},
            r"a.txt: unknown kind '.txt', needed .tsv, .csv, .*; text without columns; give two",
        ),
        ({"a.xlsx": "x"}, {"file": "a.xlsx"}, r"kind '.xlsx', .*; a spreadsheet; save it as 'CSV"),
        (
            {"a.tar.gz": "x"},
            {"file": "a.tar.gz"},
            r"unknown kind '.tar.gz', .*; an archive; unpack",
        ),
        ({"a.docx": "x"}, {"file": "a.docx"}, r"unknown kind '.docx', .*; a document; save its"),
        ({}, {"file": "."}, r": a folder, needed a file of pairs; name a file in it"),
        ({"a.csv": b"PK\x03\x04"}, {"file": "a.csv"}, r"a.csv: this is a ZIP archive"),
        ({"a.parquet": "x"}, {"file": "a.parquet"}, r"a.parquet: not a Parquet file"),
        (
            {"a.csv": "source,\rtarget\nx,y\n"},
            {"file": "a.csv"},
            r"a.csv: line 1: not CSV \(new-line character seen in unquoted field",
        ),
        ({}, {"file": "a.parquet"}, r"a.parquet: no such file"),
        ({}, {"file": "a.tsv"}, r"a.tsv: no such file"),
    ],
)
def test_what_cannot_be_read_says_file_and_line(write, files, spec, message):
    folder = write(files)
    with pytest.raises(DataError, match=message):
        read(folder, **spec)


def test_a_flipped_bit_in_a_parquet_page_that_has_a_checksum_is_noticed(tmp_path):
    path = tmp_path / "a.parquet"
    table = pyarrow.table({"source": ["owl", "mouse"], "target": ["Eule", "Maus"]})
    pyarrow.parquet.write_table(
        table, path, write_page_checksum=True, compression="none", use_dictionary=False
    )
    content = path.read_bytes()
    path.write_bytes(content.replace(b"mouse", b"house"))
    with pytest.raises(DataError, match=r"a\.parquet: not a Parquet file .*CRC checksum"):
        read(tmp_path, file="a.parquet")


def test_no_flipped_bit_in_the_footer_of_a_parquet_file_loses_a_row(tmp_path):
    path = tmp_path / "a.parquet"
    table = pyarrow.table({"source": ["owl", "mouse"], "target": ["Eule", "Maus"]})
    pyarrow.parquet.write_table(table, path, store_schema=False, write_statistics=False)
    content = path.read_bytes()
    said = []
    for place in range(len(content) - int.from_bytes(content[-8:-4], "little") - 8, len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 4
        path.write_bytes(flipped)
        try:
            assert len(read(tmp_path, file="a.parquet")) == 2
        except DataError as error:
            said.append(str(error))
    assert any("0 rows of 2" in one for one in said)


@pytest.mark.parametrize(
    "column",
    [
        pyarrow.array([2**30], pyarrow.date32()),
        pyarrow.StringArray.from_buffers(
            1, pyarrow.py_buffer(bytes([0, 0, 0, 0, 1, 0, 0, 0])), pyarrow.py_buffer(b"\xff")
        ),
    ],
    ids=["a date of no calendar", "text that is not UTF-8"],
)
def test_a_value_of_a_parquet_file_that_python_lacks_is_an_error_of_its_file(tmp_path, column):
    table = pyarrow.table({"source": column, "target": ["Eule"]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet: not a Parquet file that can be read"):
        read(tmp_path, file="a.parquet")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_parquet_file_that_is_no_file_is_not_waited_for(tmp_path, make):
    make(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet: no regular file, needed a Parquet file"):
        read(tmp_path, file="a.parquet")


def test_a_parquet_file_without_the_column_says_so(tmp_path):
    pyarrow.parquet.write_table(pyarrow.table({"source": ["a"]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a.parquet: no column 'target'; there are source"):
        read(tmp_path, file="a.parquet")


def test_a_parquet_file_with_the_column_twice_says_so(tmp_path):
    columns = [pyarrow.array([text]) for text in "abc"]
    table = pyarrow.Table.from_arrays(columns, names=["source", "target", "target"])
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a.parquet: names column 'target' 2 times, needed it"):
        read(tmp_path, file="a.parquet")


@pytest.fixture
def two_configurations(write) -> Path:
    """A folder that datasets reads as it reads a dataset of the Hub."""
    row = json.dumps({"translation": {"en": "house", "de": "Haus"}}) + "\n"
    head = "configs:\n- config_name: one\n  data_files: a.jsonl\n"
    more = "- config_name: two\n  data_files: b.jsonl\n"
    return write({"a.jsonl": row, "b.jsonl": row, "README.md": f"---\n{head}{more}---\n"})


FIELDS = {"source_field": "translation.en", "target_field": "translation.de"}


def test_a_dataset_of_the_hub_is_read_through_datasets(two_configurations):
    spec = {"hub": str(two_configurations), "config": "two", **FIELDS}
    assert read(Path(), **spec) == [("house", "Haus")]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (FIELDS, r"has several configurations, needed 'config'; .*'one', 'two'"),
        ({"config": "three", **FIELDS}, r"BuilderConfig 'three' not found. Available: \['one'"),
        ({"config": "one", "split": "tset", **FIELDS}, r"Unknown split \"tset\""),
        ({"config": "one"}, r"no column 'source'; there are translation"),
        (
            {"config": "one", **FIELDS, "target_field": "translation.du"},
            r"row 1: no column 'du'; there are en, de",
        ),
    ],
)
def test_what_the_hub_lacks_is_one_clear_line(two_configurations, spec, message):
    with pytest.raises(DataError, match=message):
        read(Path(), hub=str(two_configurations), **spec)


def test_without_a_network_the_message_says_so():
    with pytest.raises(DataError, match=r"dataset 'no/such': the Hub cannot be reached .*network"):
        read(Path(), hub="no/such")
