"""TMX and XLIFF: the pairs and counts of files worked by hand, and what is refused."""

import gzip
from pathlib import Path

import pytest
from lxml import etree

from seq2seq.data.corpus import iterate_pairs, read_corpus
from seq2seq.data.findings import Noticed, findings_of
from seq2seq.data.translation_xml import is_language, iterate_elements, segment_text
from seq2seq.errors import DataError
from seq2seq.recipe import CorpusSpec


def tmx(*units: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>\n') -> str:
    return f'{head}<tmx version="1.4"><header srclang="en-GB"/><body>\n' + "\n".join(
        f"<tu>{unit}</tu>" for unit in units
    ) + "</body></tmx>\n"  # fmt: skip


def text(code: str, segment: str) -> str:
    return f'<tuv xml:lang="{code}"><seg>{segment}</seg></tuv>'


def look(folder: Path, name: str, *fields: str, **more) -> tuple[list[tuple[str, str]], list[str]]:
    """The pairs of a file, and what reading it noticed but for its normal form."""
    noticed = Noticed()
    names = dict(zip(("source_field", "target_field"), fields, strict=False))
    spec = CorpusSpec(file=name, **names, **more)
    pairs = list(iterate_pairs(read_corpus(spec, folder=folder, noticed=noticed)))
    found = [finding.to_text() for finding in findings_of({"a": noticed}) if finding.pairs]
    return pairs, found


def test_a_memory_gives_a_pair_for_each_unit_whatever_the_order_of_its_texts(write):
    content = tmx(
        text("en-GB", "Close &amp; lock &#x2014; now.") + text("es-ES", "Cierre <![CDATA[<ya>]]>."),
        text("es-ES", "Uno\n   dos") + text("EN-gb", " One two ") + text("fr", "Un"),
    )
    folder = write({"a.tmx": content, "b.TMX.gz": gzip.compress(content.encode())})
    expected = [("Close & lock — now.", "Cierre <ya>."), ("One two", "Uno dos")]
    assert look(folder, "a.tmx", "en", "es") == (expected, [])
    turned = [(target, source) for source, target in expected]
    assert look(folder, "b.TMX.gz", "es-ES", "en_GB") == (turned, [])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "latin-1"])
def test_the_encoding_of_a_memory_is_what_xml_says(write, encoding):
    named = {"utf-16-le": "UTF-16", "utf-8-sig": "UTF-8", "latin-1": "ISO-8859-1"}
    head = f'<?xml version="1.0" encoding="{named.get(encoding, encoding)}"?>'
    content = tmx(text("en", "café") + text("es", "ñandú"), head=head).encode(encoding)
    assert look(write({"a.tmx": content}), "a.tmx", "en", "es")[0] == [("café", "ñandú")]


INLINE = [
    ('Press <bpt i="1">&lt;b&gt;</bpt>Start<ept i="1">&lt;/b&gt;</ept> now', "Press Start now", 2),
    ("a <hi>b <ph>{0}</ph> c</hi> d", "a b c d", 2),
    ("wo<it>x</it>rd", "word", 1),
    ("one<ph>&lt;br/&gt;</ph>two", "one two", 1),
    ('one<x ctype="lb"/>two', "one two", 1),
    ("one<ph>\\n</ph>two", "one two", 1),
    ("Hello <ph>{name}</ph>, come in <ph/><ph/> .", "Hello, come in.", 3),
    ("one<x/> <x/>two", "one two", 2),
    ("Bonjour <ph/> !", "Bonjour !", 1),
    ("use <bpt/>.NET<ept/> here", "use .NET here", 2),
    ("a<bpt>code<sub>in it</sub></bpt>b", "ab", 1),
    ('<mrk mtype="seg">One.</mrk> <g id="1">Two.</g>', "One. Two.", 2),
    ("<!-- no -->a<?no no?>b", "ab", 0),
    ("  a\n\tb  ", "a b", 0),
    ("", "", 0),
]


@pytest.mark.parametrize(("segment", "expected", "tags"), INLINE)
def test_the_code_of_inline_tags_is_no_text_and_what_they_enclose_is(segment, expected, tags):
    parser = etree.XMLParser(remove_comments=True, remove_pis=True)
    element = etree.fromstring(f"<seg>{segment}</seg>", parser)
    assert segment_text(element, "here") == (expected, tags)


def test_what_gives_no_pair_is_counted_with_its_line(write):
    content = tmx(
        text("en", "one") + text("es", "uno"),
        text("en", "two"),
        text("en", "three") + text("en", "3") + text("en", "III") + text("es", "tres"),
        text("en", "<hi>four</hi>") + "<tuv><seg>cuatro</seg></tuv>" + text("es", ""),
    )
    pairs, found = look(write({"a.tmx": content}), "a.tmx", "en", "es")
    assert pairs == [("one", "uno"), ("three", "tres"), ("four", "")]
    assert found == [
        "units without 'es': 1 left out (as line 4)",
        "further texts in 'en' of a unit: 2 left out (as line 5, line 5)",
        "texts without a language: 1 left out (as line 6)",
        "units with inline tags: 1 read without them (as line 6)",
    ]


def test_kinds_of_a_language_in_different_units_are_read_and_said(write):
    content = tmx(
        text("en-GB", "colour") + text("es", "color"),
        text("en-US", "color") + text("es", "color"),
        text("en-US", "gray") + text("en-GB", "grey") + text("en", "grizzled") + text("es", "gris"),
    )
    folder = write({"a.tmx": content})
    pairs, found = look(folder, "a.tmx", "en", "es")
    assert pairs == [("colour", "color"), ("color", "color"), ("grizzled", "gris")]
    assert found == [
        "units whose 'en' is en-GB: 1 read (as line 3)",
        "units whose 'en' is en-US: 1 read (as line 4)",
        "units whose 'en' is en: 1 read (as line 5)",
    ]
    pairs, found = look(folder, "a.tmx", "en-US", "es")
    assert pairs == [("color", "color"), ("gray", "gris")]
    assert found == ["units without 'en-US': 1 left out (as line 3)"]


def test_a_line_beyond_what_16_bits_count_is_named(write):
    content = tmx("\n" * 70_000 + text("en", "a") + text("es", "b"), text("en", "only"))
    assert look(write({"a.tmx": content}), "a.tmx", "en", "es")[1] == [
        "units without 'es': 1 left out (as line 70004)"
    ]


def test_units_are_forgotten_once_they_are_read(write):
    folder = write({"a.tmx": tmx(*[text("en", str(n)) for n in range(2000)])})
    beside = [
        len(unit.getparent())
        for event, name, unit in iterate_elements(folder / "a.tmx", "tmx", ("tu",))
        if (event, name) == ("end", "tu")
    ]
    assert len(beside) == 2000
    assert max(beside) < 1000  # what is read of the file at once
    assert beside[-1] == 2


ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(9))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            tmx(text("en-GB", "a") + text("es", "b"), text("fr", "c")),
            r"a.tmx: no unit holds both 'en' and 'de'; its languages, with units, are "
            r"en-GB \(1\), es \(1\), fr \(1\); give two of these codes",
        ),
        (
            tmx(text("en-GB", "a") + text("en-US", "a") + text("de", "b")),
            r"a.tmx: line 3: 'en' may be en-GB or en-US, needed one; name the one meant",
        ),
        (tmx(), r"a.tmx: no pairs in it, needed at least one"),
        ("", r"a.tmx: line 1: not XML that can be read \(.*\), needed what the name says"),
        ("<tmx><tu></tmx>", r"a.tmx: line 1: not XML that can be read \(Opening and ending tag"),
        (tmx(text("en", "a\n&nbsp;b")), r"a.tmx: line 4: not XML .*Entity 'nbsp' not defined"),
        (
            tmx(text("en", "a&nbsp;b") + text("de", "c"), head='<!DOCTYPE tmx SYSTEM "tmx14.dtd">'),
            r"a.tmx: line 2: holds the entity '&nbsp;', needed text and the entities of XML alone",
        ),
        ("<html><body/></html>", r"a.tmx: its outermost element is 'html', needed 'tmx'"),
        ("PK\x03\x04", r"a.tmx: line 1: not XML that can be read \(Start tag expected"),
        (
            tmx(head=f"<!DOCTYPE tmx [{ENTITIES}]>"),
            r"a.tmx: declares entities of its own \(e0, e1, e2\), which may be endless",
        ),
        (
            tmx(text("en", "&e8;"), head=f"<!DOCTYPE tmx [{ENTITIES}]>"),
            r"a.tmx: declares entities of its own",
        ),
        (
            tmx(text("&e8;", "a"), head=f"<!DOCTYPE tmx [{ENTITIES}]>"),
            r"a.tmx: .*(declares entities of its own|entity amplification)",
        ),
        (
            tmx(head='<!DOCTYPE tmx [<!ENTITY f SYSTEM "file:///etc/hostname">]>'),
            r"a.tmx: declares entities of its own \(f\)",
        ),
        (tmx(text("en", "<hi>" * 300 + "</hi>" * 300)), r"a.tmx: line 3: not XML .*depth"),
        (tmx('<tuv xml:lang="en"/>' + text("de", "b")), r"line 3: 0 segments in a 'tuv', needed"),
        ('<?xml version="1.0" encoding="x-9"?><tmx/>', r"line 1: not XML .*nsupported encoding"),
    ],
)  # fmt: skip
def test_a_memory_that_cannot_be_read_says_file_and_line(write, content, message):
    with pytest.raises(DataError, match=message):
        look(write({"a.tmx": content}), "a.tmx", "en", "de")


def test_a_memory_that_is_not_packed_as_its_name_says_is_refused(write):
    folder = write({"a.tmx.gz": tmx(text("en", "a") + text("de", "b"))})
    with pytest.raises(DataError, match=r"a.tmx.gz: not a whole gzip file"):
        look(folder, "a.tmx.gz", "en", "de")


@pytest.mark.parametrize(
    ("wanted", "found", "fits"),
    [
        ("en", "en-GB", True),
        ("EN", "en_us", True),
        ("en-GB", "en-GB", True),
        ("en-GB", "en", False),
        ("en-GB", "en-US", False),
        ("en", "es", False),
        ("zh", "zh-TW", True),
        ("zh", "cmn", True),
        ("zh-Hans", "zh-CN", True),
        ("zh-Hans", "zh-TW", False),
        ("source", "en", False),
    ],
)
def test_a_language_serves_who_asks_for_it_or_for_one_it_is_a_kind_of(wanted, found, fits):
    assert is_language(wanted, found) is fits


FIRST = """<?xml version="1.0" encoding="UTF-8"?>
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2" xmlns:sdl="http://sdl.com">
<file original="a" source-language="en-GB" target-language="es"><body>
<group><trans-unit id="1"><source>Press <g id="1">Start</g><x id="2"/>.</source>
<seg-source><mrk mtype="seg" mid="1">Press Start.</mrk></seg-source>
<target state="final">Pulse <g id="1">Inicio</g>.</target>
<alt-trans><source>Press</source><target>Presione</target></alt-trans></trans-unit></group>
<trans-unit id="2"><source>Later</source></trans-unit>
<trans-unit id="3"><source>Copy</source><target state="needs-translation">Copy</target></trans-unit>
<trans-unit id="4"><source>Empty</source><target/></trans-unit>
</body></file>
<file original="b" source-language="en" target-language="fr"><body>
<trans-unit id="1"><source>Door</source><target>Porte</target></trans-unit></body></file></xliff>
"""
SECOND = """<xliff version="2.1" srcLang="en" trgLang="es"
 xmlns="urn:oasis:names:tc:xliff:document:2.0"
 xmlns:mtc="urn:oasis:names:tc:xliff:matches:2.0"><file id="f"><unit id="1"><mtc:matches>
<mtc:match><source>x</source><target>y</target></mtc:match></mtc:matches>
<originalData><data id="d1">&lt;b&gt;</data></originalData>
<segment state="translated"><source>A <pc id="1">bold</pc> move.</source>
<target>Un paso <pc id="1">audaz</pc>.</target></segment>
<ignorable><source> </source></ignorable>
<segment><source>One<ph id="2" type="fmt" subType="xlf:lb"/>two</source></segment>
</unit></file></xliff>
"""
READ = [
    "units with inline tags: 1 read without them (as line 4)",
    "units without a translation: 1 left out (as line 8)",
    "translations marked as not done yet: 1 read (as line 9)",
]


@pytest.mark.parametrize(
    ("fields", "turned"), [((), False), (("en", "es"), False), (("es", "en-GB"), True)]
)
def test_documents_in_xliff_1_give_the_pairs_of_their_units(write, fields, turned):
    pairs, found = look(write({"a.xlf": FIRST}), "a.xlf", *fields)
    expected = [("Press Start.", "Pulse Inicio."), ("Copy", "Copy"), ("Empty", "")]
    if turned:
        expected = [(target, source) for source, target in expected]
    if fields:
        assert (pairs, found) == (expected, [*READ, "units from en to fr: 1 left out (as line 13)"])
    else:
        assert (pairs, found) == ([*expected, ("Door", "Porte")], READ)


def test_documents_in_xliff_2_give_the_pairs_of_their_segments(write):
    pairs, found = look(write({"a.XLIFF": SECOND}), "a.XLIFF")
    assert pairs == [("A bold move.", "Un paso audaz.")]
    assert found == [
        "units with inline tags: 1 read without them (as line 6)",
        "units without a translation: 1 left out (as line 9)",
    ]


def test_a_document_in_other_languages_names_them(write):
    folder = write({"a.xlf": FIRST})
    with pytest.raises(
        DataError,
        match=r"a.xlf: no document from 'en' to 'de'; its units are from en-GB to es \(4\), from "
        r"en to fr \(1\); give these codes",
    ):
        look(folder, "a.xlf", "en", "de")
