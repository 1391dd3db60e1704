"""What is tried: spoiled recipes, corpora, model folders, probe sets and command lines.

An input is a function of its kind, the seed and its number, so that any of them can be made again.
"""

import atexit
import gzip
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import pyarrow
import pyarrow.parquet
import zstandard

from tests.fuzz.mutations import (
    NUMBERS,
    TEXTS,
    dump_json,
    spoil_bytes,
    spoil_file,
    spoil_json,
    spoil_text_file,
)

MODEL = Path(__file__).parent.parent / "golden" / "digits"
CASES = 12
LINES = ["1 2 3", "9 0 4", "5 5 1 2", "7 1", "3"]


@dataclass(frozen=True)
class Input:
    """One call of the command in a folder of its own.

    Attributes:
        arguments: Behind ``seq2seq``.
        stdin: What is piped into it.
        lines: Lines that stdout must have where the command ends well; None where that is open.
        interruption: What happens to the command: "reader left" or "full disk" of its stdout, the
            name of a signal, or nothing.
        after_seconds: When the signal comes.
    """

    arguments: tuple[str, ...]
    stdin: bytes = b""
    lines: int | None = None
    interruption: str = ""
    after_seconds: float = 0.0


def line_count(content: bytes) -> int:
    """Lines as every program that counts line feeds counts them, a last one without end too."""
    return content.count(b"\n") + (bool(content) and not content.endswith(b"\n"))


RECIPE = """\
source_language = "en"
target_language = "es"
seed = 1
[data]
folder = "."
cache = "cache"
dev = { source = "dev.en", target = "dev.es" }
[[data.train]]
file = "train.tsv"
source_field = "1"
target_field = "2"
license = "CC0-1.0"
weight = 1.0
[data.test.t]
source = "dev.en"
target = "dev.es"
[data.cleaning]
long = "drop"
max_source_pieces = 64
[tokenizer]
kind = "bpe"
vocab_size = 60
[model]
width = 16
ffn_width = 16
heads = 2
encoder_layers = 1
decoder_layers = 1
dropout = 0.0
[train]
precision = "fp32"
steps = 1
batch_tokens = 256
warmup_steps = 0
peak_lr = 1e-3
validate_every_steps = 1
validation_beams = 1
trackers = []
[decode]
beams = 1
[score]
tokenized = false
"""


# Whatever a spoiled recipe asks for, training it must not take long.
SMALL = [
    word
    for key, value in {"train.steps": 1, "train.batch_tokens": 64, "train.accumulate": 1, "model.width": 16,
                       "model.ffn_width": 16, "model.encoder_layers": 1, "model.decoder_layers": 1,
                       "tokenizer.vocab_size": 60, "train.processes": 1}.items()
    for word in ("--set", f"{key}={value}")
]  # fmt: skip


def _write_corpus(folder: Path) -> None:
    (folder / "dev.en").write_text("".join(f"{one}\n" for one in LINES), encoding="utf-8")
    (folder / "dev.es").write_text("".join(f"{one}\n" for one in LINES), encoding="utf-8")
    rows = "".join(f"{one} {one}\t{one} {one}\n" for one in LINES)
    (folder / "train.tsv").write_text(rows, encoding="utf-8")


def _toml(draw: Random) -> str:
    """A value as TOML writes it, or nearly."""
    odd = ["1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "0x" + "f" * 5000, "9" * 4400, "nan", "-inf", "1e400",
           "[" * 400 + "]" * 400, "{a = 1}", "[]", "{}", "''", '"""\n"""', "true", "'../x'", "+5", "1_000", ".5",
           '"\\u0000"', '"\\ud800"', "[1, 'a']", "[[1]]"]  # fmt: skip
    if draw.random() < 0.5:
        return draw.choice(odd)
    value = draw.choice(
        [*TEXTS[:40], *NUMBERS[:10], True, False, "auto", "none", "drop", [], ["x"]]
    )
    return json.dumps(value) if not isinstance(value, str) or "'" in value else f"'{value}'"


def recipe(draw: Random, folder: Path) -> Input:
    """A recipe with spoiled keys, values or bytes; checked, examined or begun."""
    _write_corpus(folder)
    lines = RECIPE.splitlines()
    for _ in range(draw.choice([1, 1, 2, 4])):
        place = draw.randrange(len(lines))
        key, equals, _ = lines[place].partition(" = ")
        match draw.randrange(6):
            case 0:
                lines[place] = ""
            case 1:
                lines.insert(place, lines[draw.randrange(len(lines))])
            case 2:
                lines[place] = f"{draw.choice(TEXTS)} = {_toml(draw)}"
            case _:
                lines[place] = (
                    f"{key}{equals}{_toml(draw)}"
                    if equals
                    else f'[data.test."{draw.choice(TEXTS)}"]'
                )
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    path = folder / "r.toml"
    path.write_bytes(spoil_bytes(draw, content) if draw.random() < 0.2 else content)
    if draw.random() < 0.05:
        spoil_file(draw, path)
    name = "r.toml"
    if draw.random() < 0.05:
        name = draw.choice([".", "a" * 300, "r.toml/x", "\udc80", "", "dev.en", "/dev/null"])
    overrides = []
    if draw.random() < 0.3:
        keys = [
            "seed",
            "train.steps",
            "data.train.0.weight",
            "data.test.t",
            "tokenizer",
            "train.trackers",
            "data",
        ]
        overrides = ["--set", f"{draw.choice(keys)}={_toml(draw)}"]
    command = draw.choice([["recipe", "check"]] * 5 + [["doctor"], ["train"]])
    if command[0] == "train":
        overrides = [*overrides, *SMALL]
    return Input((*command, name, *(overrides if command[0] != "doctor" else ())))


TMX = """<?xml version="1.0" encoding="UTF-8"?>
<tmx version="1.4"><header srclang="en" datatype="plaintext" segtype="sentence" adminlang="en" o-tmf="x"
 creationtool="x" creationtoolversion="1"/><body>
<tu><tuv xml:lang="en"><seg>Press <bpt i="1">&lt;b&gt;</bpt>A<ept i="1">&lt;/b&gt;</ept> &amp; B.</seg></tuv>
<tuv xml:lang="es"><seg>Pulse A y B.</seg></tuv></tu>
<tu><tuv xml:lang="es"><seg>Uno.</seg></tuv><tuv xml:lang="en"><seg>One.</seg></tuv></tu>
</body></tmx>
"""
XLIFF = """<?xml version="1.0"?>
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2"><file source-language="en" target-language="es"
 original="f" datatype="plaintext"><body><trans-unit id="1"><source>One <g id="1">two</g></source>
<target>Uno <g id="1">dos</g></target></trans-unit></body></file></xliff>
"""
PAIRS = {
    "c.tsv": "source\ttarget\n1 2\tuno dos\n3\ttres\n",
    "c.csv": 'source,target\n"1, 2","uno, dos"\n3,tres\n',
    "c.jsonl": '{"source": "1 2", "target": "uno dos"}\n{"source": "3", "target": "tres"}\n',
    "c.json": '[{"source": "1 2", "target": "uno dos"}, {"source": "3", "target": "tres"}]',
    "c.tmx": TMX,
    "c.xlf": XLIFF,
}


PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstandard.compress}


@cache
def _bomb() -> bytes:
    """A line of 4 GiB in 400 KB."""
    return zstandard.compress(bytes(1 << 24)) * 256


def corpus(draw: Random, folder: Path) -> Input:
    """Spoiled text, columns or translation memories; examined, scored or translated."""
    if draw.random() < 0.45:
        return _columns(draw, folder)
    lines = [draw.choice([*LINES, *TEXTS]) for _ in range(draw.randrange(1, 7))]
    content = "".join(f"{one}\n" for one in lines).encode("utf-8", "surrogatepass")
    if draw.random() < 0.4:
        content = spoil_bytes(draw, content)
    path = folder / draw.choice(["text", "text.es", "text.gz", "text.zst"])
    packed = path.suffix in PACK and draw.random() < 0.7
    path.write_bytes(PACK[path.suffix](content) if packed else content)
    if draw.random() < 0.1:
        spoil_file(draw, path)
    if path.suffix == ".zst" and draw.random() < 0.1:
        path.write_bytes(_bomb())
    metrics = [
        word
        for name in draw.sample(["bleu", "chrf", "chrf++", "ter", "rouge"], 2)
        for word in ("--metric", name)
    ]
    plain = path.suffix in ("", ".es")
    match draw.randrange(3):
        case 0:
            (folder / "ref").write_bytes(content if draw.random() < 0.7 else b"a\n")
            return Input(
                (
                    "score",
                    path.name,
                    "--reference",
                    "ref",
                    *metrics,
                    *draw.choice([(), ("--json",)]),
                )
            )
        case 1:
            given = path.read_bytes() if path.is_file() and not path.is_symlink() else None
            utf_16 = given is not None and given[:2] in (b"\xff\xfe", b"\xfe\xff")
            known = None if given is None or utf_16 or not plain else line_count(given)
            return Input(
                ("translate", str(MODEL), "--input", path.name, "--beam", "1"), lines=known
            )
        case _:
            return Input(("translate", str(MODEL), "--beam", "1"), stdin=content)


@cache
def _parquet() -> bytes:
    stream = io.BytesIO()
    table = pyarrow.table({"source": ["1 2", "3"], "target": ["uno dos", "tres"]})
    pyarrow.parquet.write_table(table, stream)
    return stream.getvalue()


def _columns(draw: Random, folder: Path) -> Input:
    name = draw.choice([*sorted(PAIRS), "c.parquet"])
    path = folder / name
    content = PAIRS[name].encode() if name in PAIRS else _parquet()
    path.write_bytes(spoil_bytes(draw, content) if draw.random() < 0.9 else content)
    if draw.random() < 0.1:
        spoil_file(draw, path)
    if draw.random() < 0.1:
        other = folder / draw.choice(
            ["c.TSV", "c.zip", "c.xlsx", "c.parquet", "c.tsv.gz", "c.tmx.gz", "c"]
        )
        if path.is_file() and not path.is_symlink():
            path = path.rename(other)
    fields = draw.choice(
        [("en", "es"), ("source", "target"), ("1", "2"), ("a.b", "0"), ("", "\x01"), ("9", "99")]
    )
    return Input(("doctor", path.name, "--source-field", fields[0], "--target-field", fields[1]))


def model(draw: Random, folder: Path) -> Input:
    """A model folder one or two of whose files are spoiled."""
    shutil.copytree(MODEL, folder / "m")
    for name in draw.sample(sorted(p.name for p in MODEL.iterdir()), draw.choice([1, 1, 2])):
        spoil_text_file(draw, folder / "m" / name)
    if draw.random() < 0.1:
        weights = folder / "m" / "model.safetensors"
        if weights.is_dir():
            weights.rmdir()
        weights.unlink(missing_ok=True)
        index = {
            "weight_map": {
                "model.shared.weight": draw.choice(["../x", "/etc/passwd", "a", 3, None, "model"])
            }
        }
        content = dump_json(spoil_json(draw, index))
        (folder / "m" / "model.safetensors.index.json").write_bytes(content)
    text = "".join(f"{one}\n" for one in LINES[:2]).encode()
    engine = draw.choice(["native", "native", "transformers"])
    if draw.random() < 0.15:
        return Input(("attention", "m", "1 2 3", "--out", "a.html"))
    return Input(("translate", "m", "--beam", "1", "--engine", engine), stdin=text, lines=2)


@cache
def finished_run() -> Path:
    """A folder with a corpus, its recipe and the run that was trained with it."""
    folder = Path(tempfile.mkdtemp(prefix="seq2seq-fuzz-run-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _write_corpus(folder)
    (folder / "r.toml").write_text(RECIPE, encoding="utf-8")
    process = get_context("fork").Process(target=_train_in, args=(folder,))
    process.start()
    process.join()
    assert process.exitcode == 0
    return folder


def _train_in(folder: Path) -> None:
    """In a process that is left as it is: a training sets up more than it takes down."""
    from seq2seq.train.run import train

    os.chdir(folder)
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        train(Path("r.toml"), run_folder=Path("run"))


def run(draw: Random, folder: Path) -> Input:
    """The folder of a finished run, one or two of whose files are spoiled."""
    shutil.copytree(finished_run(), folder, dirs_exist_ok=True)
    files = sorted(path for path in (folder / "run").rglob("*") if path.is_file())
    for path in draw.sample(files, draw.choice([1, 1, 2])):
        spoil_text_file(draw, path)
    text = "".join(f"{one}\n" for one in LINES[:2]).encode()
    resume = ("train", "r.toml", "--run", "run", "--resume", "--set", "train.steps=2")
    match draw.randrange(6):
        case 0:
            return Input(("translate", "run", "--beam", "1"), stdin=text, lines=2)
        case 1:
            return Input(("doctor", "run"))
        case 2:
            return Input(("publish", "run", "me/x", "--dry-run", "--license", "mit"))
        case 3:
            return Input(("export", "run", "--to", "hub"))
        case _:
            return Input(resume)


ITEM = {
    "item_schema": 1, "id": "a", "quad": "q", "pair": "p", "block": "b", "language": "es", "family": "causal",
    "schema": "s", "cue": "old", "voice": "active", "split": "T1", "source": "The cup hit the box because it was old.",
    "pronoun": [28, 30], "cue_span": [35, 38], "clause": [20, 38],
    "candidates": [
        {"noun": "cup", "kind": "", "role": "agent", "gender": "f", "source_span": [4, 7], "target_span": [3, 7]},
        {"noun": "box", "kind": "", "role": "patient", "gender": "m", "source_span": [16, 19], "target_span": [17, 21]},
    ],
    "gold": 0, "good": "La taza golpeó la caja porque era vieja.", "bad": "La taza golpeó la caja porque era viejo.",
    "good_spans": [[34, 39]], "bad_spans": [[34, 39]], "tags": [],
}  # fmt: skip
CANDIDATES = {
    "id": "a", "lang": "en", "text": "The cup hit the box because it was old.",
    "pronoun": {"text": "it", "start": 28},
    "candidates": [{"text": "The cup", "start": 0, "correct": True}, {"text": "the box", "start": 12, "correct": False}],
}  # fmt: skip
GAP = (
    "ID\tText\tPronoun\tPronoun-offset\tA\tA-offset\tA-coref\tB\tB-offset\tB-coref\tURL\n"
    "t-1\tAnn saw Eve and she left.\tshe\t16\tAnn\t0\tTRUE\tEve\t8\tFALSE\thttp://x\n"
)
PROBE_TEXTS = {
    "p.tsv": GAP,
    "p.txt": "1 [The driver] hit the nurse because [he] was old.\n2 The driver hit [the nurse] because [he] was old.\n",
    "p.xml": "<collection><schema><text><txt1>The cup hit the box because</txt1><pron>it</pron><txt2>was old.</txt2>"
    "</text><quote><quote1></quote1><pron>it</pron><quote2>was old</quote2></quote><answers><answer>The cup</answer>"
    "<answer>the box</answer></answers><correctAnswer>A</correctAnswer></schema></collection>",
}


def probe_set(draw: Random, folder: Path) -> Input:
    """A probe set of some format with a spoiled field or byte."""
    chosen_on = folder / "dev.jsonl"
    other = {"cue": "new", "source": ITEM["source"].replace("old", "new")}  # not what is reported
    chosen_on.write_bytes(b"".join(_cases(ITEM | other, "dev")))
    if draw.random() < 0.7:
        rows = _cases(draw.choice([ITEM, ITEM, CANDIDATES]), "test")
        place = draw.randrange(len(rows))
        rows[place] = dump_json(spoil_json(draw, json.loads(rows[place]))) + b"\n"
        path = folder / "p.jsonl"
        path.write_bytes(b"".join(rows))
    else:
        name = draw.choice(sorted(PROBE_TEXTS))
        path = folder / name
        path.write_bytes(spoil_bytes(draw, PROBE_TEXTS[name].encode()))
    if draw.random() < 0.05:
        spoil_file(draw, path)
    if draw.random() < 0.15:
        (folder / "h").write_text("La caja.\n" * CASES, encoding="utf-8")
        return Input(("score", "h", "--items", path.name))
    common = ("--select-on", "dev.jsonl", "--out", "out", "--no-causal")
    return Input(("probe", str(MODEL), "--items", path.name, *common))


def _cases(entry: dict[str, Any], name: str) -> list[bytes]:
    """Lines that can be used, in pairs: the first noun is right, then the second."""
    rows = []
    for number in range(CASES):
        case = entry | {"id": f"{name}{number}"}
        right = number % 2
        if "gold" in case:
            shared = {key: f"{name}{number // 2}" for key in ("pair", "block", "quad")}
            case |= shared | {"gold": right}
        else:
            nouns = [one | {"correct": n == right} for n, one in enumerate(case["candidates"])]
            case |= {"candidates": nouns, "url": f"{name}{number // 2}"}
        rows.append(dump_json(case) + b"\n")
    return rows


COMMANDS = ["train", "translate", "summarize", "export", "score", "compare", "attention", "probe", "doctor",
            "corpus", "recipe", "demo", "publish"]  # fmt: skip
OPTIONS = ["--input", "--output", "--beam", "--n-best", "--long", "--engine", "--json", "--reference", "--source",
           "--metric", "--language", "--tokenize", "--tokenized", "--set", "--run", "--out", "--to", "--items",
           "--most", "--target", "--image", "--languages", "--help", "--version", "--lowercase", "--select-on",
           "--dry-run", "--quantize"]  # fmt: skip


def command_line(draw: Random, folder: Path) -> Input:
    """Words of the command line in any order, with odd values."""
    _write_corpus(folder)
    (folder / "r.toml").write_text(RECIPE, encoding="utf-8")
    if draw.random() < 0.5:
        return _nearly_right(draw)
    words = [draw.choice(COMMANDS) if draw.random() < 0.95 else _word(draw)]
    if words[0] == "corpus":
        words.append(draw.choice(["pronouns", "x"]))
    if words[0] == "recipe":
        words.append(draw.choice(["check", "explain", "x"]))
    for _ in range(draw.randrange(6)):
        words.append(draw.choice(OPTIONS) if draw.random() < 0.5 else _word(draw))
    if words[0] in ("train", "demo", "corpus"):
        words.append("--no-such-option")  # none may begin its work, which takes long
    return Input(tuple(words), stdin=draw.choice([b"", b"1 2\n", b"\xff\n", b"1\x00\n"]))


RIGHT = [
    ["translate", str(MODEL), "--input", "dev.en", "--output", "out", "--beam", "1"],
    ["translate", str(MODEL), "--input", "dev.en", "--n-best", "2", "--beam", "2", "--json"],
    ["summarize", str(MODEL), "--input", "dev.en", "--long", "truncate"],
    ["score", "dev.es", "--reference", "dev.es", "--metric", "chrf", "--language", "es"],
    [
        "score",
        "dev.es",
        "--reference",
        "dev.es",
        "--reference",
        "dev.en",
        "--metric",
        "bleu",
        "--json",
    ],
    ["compare", "dev.es", "dev.en", "--reference", "dev.es", "--metric", "bleu"],
    ["attention", str(MODEL), "1 2", "--target", "2 1", "--out", "a.html"],
    ["doctor", "train.tsv", "--source-field", "1", "--target-field", "2"],
    ["recipe", "check", "r.toml", "--set", "train.steps=5"],
    ["recipe", "explain", "train.steps"],
]


def _nearly_right(draw: Random) -> Input:
    """A command line that works, with a word exchanged, doubled or left out."""
    words = list(draw.choice(RIGHT))
    for _ in range(draw.choice([0, 1, 1, 2])):
        place = draw.randrange(1, len(words))
        match draw.randrange(4):
            case 0:
                del words[place]
            case 1:
                words.insert(place, draw.choice(OPTIONS))
            case _:
                words[place] = _word(draw)
        if len(words) < 2:
            break
    stdin = draw.choice([b"", b"1 2\n", b"\xff\n"])
    if draw.random() < 0.7:
        return Input(tuple(words), stdin)
    kind = draw.choice(["reader left", "reader left", "full disk", "SIGINT", "SIGTERM", "SIGHUP"])
    after = draw.choice([0.0, 0.01, 0.1, 0.5])
    return Input(tuple(words), stdin, interruption=kind, after_seconds=after)


def _word(draw: Random) -> str:
    known = ["dev.en", "dev.es", "train.tsv", "r.toml", "m", "out", "-", ".", "native", "ctranslate2", "3", "1",
             "bleu", "chrf", "es", "zh", "train.steps", "/dev/full", "/dev/null", "dev.en/x", str(MODEL)]  # fmt: skip
    odd = [one for one in TEXTS if "\x00" not in one] + [
        str(one) for one in NUMBERS if one != NUMBERS[14]
    ]
    odd += ["9" * 5000, "a/" * 3000, "./" * 2000 + "dev.en"]
    return draw.choice(known) if draw.random() < 0.6 else draw.choice(odd)


KINDS: dict[str, Callable[[Random, Path], Input]] = {
    "recipe": recipe,
    "corpus": corpus,
    "model": model,
    "run": run,
    "probe": probe_set,
    "command": command_line,
}


def make(kind: str, seed: int, number: int, folder: Path) -> Input:
    """Make an input and the files that it needs."""
    return KINDS[kind](Random(f"{kind} {seed} {number}"), folder)
