"""The corpus as a whole: big enough, short enough, the same at every run, as its manifest says."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import pytest

from seq2seq.cli.app import main
from seq2seq.data.corpus import read_corpus
from seq2seq.errors import DataError
from seq2seq.pronouns import corpus
from seq2seq.pronouns.corpus import write_corpus
from seq2seq.pronouns.documents import documents_of
from seq2seq.pronouns.draw import Draw
from seq2seq.pronouns.items import Item, Row, _differing_words, differing_spans, read_rows
from seq2seq.pronouns.lexicon import Lexicon
from seq2seq.pronouns.selectional import selectional_items
from seq2seq.recipe import ContextSpec, CorpusSpec

from .small_corpus import digest


@dataclass(frozen=True)
class Written:
    """What the command wrote of the rows in memory, and what it printed."""

    folder: Path
    printed: str

    @cached_property
    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text("utf-8"))
        return found


@pytest.fixture(scope="module")
def written(es_rows: dict[str, list[Row]], tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Of the rows that all tests share: to make them again would take most of the time."""

    def made_before(language: str, *, seed: int) -> dict[str, list[Row]]:
        assert (language, seed) == ("es", 1)
        return es_rows

    folder = tmp_path_factory.mktemp("corpus")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "corpus_rows", made_before)
        return Written(folder, run_command(folder, seed=1))


def run_command(folder: Path, *, seed: int) -> str:
    """What ``seq2seq corpus pronouns`` prints while it writes into a folder."""
    arguments = ("--languages", "es", "--out", str(folder), "--seed", str(seed))
    printed = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.setattr(sys, "argv", ["seq2seq", "corpus", "pronouns", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
    assert end.value.code in (0, None)
    return printed.getvalue()


def test_training_is_large_and_its_sentences_short(rows: dict[str, list[Row]]) -> None:
    lengths = [len(row.source.split()) for row in rows["train"]]
    assert len(lengths) >= 20_000
    assert sum(lengths) / len(lengths) <= 12
    assert sum(length > 16 for length in lengths) / len(lengths) < 0.04


def test_the_same_seed_gives_the_same_rows_in_another_process(root: Path) -> None:
    """Sets have another order there."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.pronouns.small_corpus", "1"],
        env={**os.environ, "PYTHONHASHSEED": "5"}, cwd=root, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ended.stdout.strip() == digest(seed=1), ended.stderr


def test_what_is_written_is_read_back(
    es_rows: dict[str, list[Row]], written: Written, tmp_path: Path
) -> None:
    """Of training, which is shuffled, the first thousands of rows."""
    for split, rows in es_rows.items():
        part = tmp_path / f"{split}.jsonl"
        with (written.folder / f"{split}.es.jsonl").open(encoding="utf-8") as whole:
            part.write_text("".join(islice(whole, 4000)), encoding="utf-8")
        assert read_rows(part) == rows[:4000], split


def test_another_seed_draws_others(
    es_items: dict[str, list[Item]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first draw of all is enough to see it."""
    drawn: list[list[Item]] = []

    def draw_dev(draw: Draw) -> NoReturn:
        drawn.append(selectional_items(draw, "dev"))
        raise DataError("that is enough")

    monkeypatch.setattr(corpus, "draw_splits", draw_dev)
    for seed in (1, 2):
        with pytest.raises(AssertionError):
            run_command(tmp_path, seed=seed)
    again, other = drawn
    assert again == es_items["dev"][: len(again)]
    assert [item.source for item in other] != [item.source for item in again]


def test_the_command_writes_and_counts_what_the_demo_trains_on(
    written: Written, root: Path
) -> None:
    for line in written.printed.splitlines():
        rows, *_, name = line.split()
        assert Path(name).read_bytes().count(b"\n") == int(rows.replace(",", ""))
    demo = tomllib.loads((root / "recipes" / "demo.toml").read_text(encoding="utf-8"))["data"]
    files = {corpus["file"] for corpus in (*demo["train"], demo["dev"], *demo["test"].values())}
    assert files <= {path.name for path in written.folder.iterdir()}


def test_the_manifest_tells_what_the_files_hold(written: Written) -> None:
    assert written.manifest["licence"] == "Apache-2.0"
    assert written.manifest["seed"] == 1
    assert {entry["name"] for entry in written.manifest["files"]} == {
        path.name for path in written.folder.iterdir() if path.name != "manifest.json"
    }
    for entry in written.manifest["files"]:
        content = (written.folder / entry["name"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        found = [json.loads(line) for line in content.splitlines()]
        assert len(found) == entry["rows"]
        assert sum(entry["families"].values()) == entry["rows"]
        assert len({row["item"]["quad"] for row in found if "item" in row}) == entry["quads"]


def test_every_set_is_written(written: Written) -> None:
    assert [file["split"] for file in written.manifest["files"]] == [
        "train", "dev", "T0", "T1", "T2", "T3", "T4", "T5", "T6",
        "dev_T5", "dev_T6", "dev_natural", "natural",
        "control_neutral", "control_pleonastic", "control_same_gender", "control_cataphoric",
        "two_sentence", "conjunctions", "handwritten", "documents_train", "documents",
    ]  # fmt: skip


def test_an_unknown_language_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"language 'xx', needed one of 'es'"):
        write_corpus(tmp_path / "out", ("es", "xx"))
    assert not (tmp_path / "out").exists()


def test_nothing_of_a_corpus_that_is_written_stays_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def few_rows(*_: str, seed: int) -> dict[str, list[Row]]:
        assert differing_spans("es rojo", "es roja")
        assert _differing_words.cache_info().currsize
        return {"train": [], "two_sentence": []}

    monkeypatch.setattr(corpus, "corpus_rows", few_rows)
    write_corpus(tmp_path)
    assert not _differing_words.cache_info().currsize


def test_controls_are_what_they_say(items: dict[str, list[Item]], language: str) -> None:
    for item in items["control_neutral"] + items["control_pleonastic"]:
        assert item.gold is None
        assert item.good == item.bad
    for item in items["control_same_gender"]:
        assert item.gold is not None
        one, other = (noun.gender for noun in item.candidates)
        assert language == "vi-cl" or one == other
        assert (item.good == item.bad) == (one == other)
    for item in items["control_cataphoric"]:
        assert item.pronoun < item.candidates[0].source_span
        assert item.source.startswith("Because it was ")
        assert item.good.startswith(("Como ", "Weil ", "Comme ", "Vì "))


def test_fillers_hold_a_pronoun_only_to_show_which_one_a_noun_takes(
    fillers: list[Row], language: str, lexicon: Lexicon
) -> None:
    assert len(fillers) >= 8_000
    found = [row.source for row in fillers if " it " in f" {row.source.lower()} "]
    assert bool(found) == (language in ("es", "de", "fr"))
    for source in found:
        assert len(lexicon.nouns.keys() & set(re.findall(r"[\w-]+", source))) == 1, source


def test_a_filler_with_a_pronoun_says_what_it_means(fillers: list[Row], language: str) -> None:
    for row in fillers:
        item = row.item
        it = " it " in f" {row.source.lower()} "
        assert (item is not None) == (it or " the one that " in row.source), row.source
        if item is None or not it:
            continue
        (noun,) = item.candidates
        assert (row.source, row.target) == (item.source, item.good)
        assert row.source[slice(*item.pronoun)].lower() == "it"
        assert row.source[slice(*item.cue_span)] == item.cue
        assert row.source[slice(*noun.source_span)] == noun.noun
        assert (item.antecedent, item.distractor) == (noun, None)
        if language == "es":  # an adjective such as "azul" shows no gender
            continue
        # French also shows it in the adjective
        assert next(row.target[slice(*span)].lower() for span in item.good_spans) in (
            "er", "sie", "es", "il", "elle", "qu'il", "qu'elle", "puisqu'il", "puisqu'elle",
        )  # fmt: skip


def test_two_sentences_are_the_quads_of_t0_that_were_one(items: dict[str, list[Item]]) -> None:
    again = {item.id.replace("-two/", "/"): item for item in items["two_sentence"]}
    joined = [item for item in items["T0"] if ". It " not in item.source]
    assert again.keys() == {item.id for item in joined}
    for item in joined:
        twin = again[item.id]
        assert ". It " in twin.source
        assert [n.noun for n in twin.candidates] == [n.noun for n in item.candidates]
        assert (twin.cue, twin.gold, twin.schema, twin.voice) == (
            item.cue, item.gold, item.schema, item.voice,
        )  # fmt: skip


def test_documents_are_the_two_sentences_of_an_item_and_only_the_second_differs(
    language: str, items: dict[str, list[Item]]
) -> None:
    for split in ("two_sentence", "train"):
        documents = documents_of(items[split])
        if language == "vi":  # one pronoun for all things: nothing shows who is meant
            assert not documents
            continue
        assert len(documents) >= 800
        whole = {item.source: item for item in items[split]}
        for one in documents:
            item = whole[f"{one.source_context} {one.source}"]
            assert one.source.startswith("It ")
            assert f"{one.target_context} {one.target}" == item.good
            assert f"{one.target_context} {one.bad}" == item.bad
            assert one.good == one.target != one.bad


def test_documents_are_read_as_a_corpus_with_context(written: Written) -> None:
    spec = CorpusSpec(
        file="documents.es.jsonl",
        source_context_field="source_context",
        target_context_field="target_context",
    )
    context = ContextSpec(source_sentences=1, target_sentences=1)
    data = read_corpus(spec, folder=written.folder, context=context)
    rows = {entry["name"]: entry["rows"] for entry in written.manifest["files"]}
    assert rows[str(spec.file)] == len(data)
    for side in ("source_context", "target_context"):
        assert {len(before) for before in data[side]} == {1}


def test_there_are_two_hundred_natural_pairs(language: str, items: dict[str, list[Item]]) -> None:
    if language in ("es", "de", "fr"):
        assert len({item.pair for item in items["natural"]}) >= 200
        assert len({item.pair for item in items["handwritten"]}) >= 200


def test_golds_are_half_first_and_in_german_as_often_feminine_as_masculine(
    items: dict[str, list[Item]], language: str
) -> None:
    for split, some in items.items():
        if split.startswith("control_") and split != "control_cataphoric":
            continue
        written = split == "handwritten" or (language == "de" and split == "natural")
        genders = Counter(i.antecedent.gender for i in some if i.antecedent is not None)
        assert written or genders["m"] == genders["f"], split
        assert Counter(item.gold for item in some)[0] == len(some) / 2, split
