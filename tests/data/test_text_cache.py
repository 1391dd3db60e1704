"""Large text is read and cleaned once; what is kept is what reading gives, or is read anew."""

import os
import threading
from pathlib import Path

import pytest

from seq2seq.data import text_cache
from seq2seq.data.encoded_corpora import Cache
from seq2seq.data.parallel_text import ParallelText, read_text
from seq2seq.data.text_cache import read_cached_text
from seq2seq.recipe import CleaningSpec, ContextSpec, CorpusSpec, DataSpec


@pytest.fixture(autouse=True)
def any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_cache, "LARGE_BYTES", 1)


@pytest.fixture
def spec(write) -> DataSpec:
    folder = write(
        {
            "a.tsv": "source\ttarget\na b\tc\n\tempty\nd\te\u0301\nd\te\u0301\nin dev\tx y\n",
            "b.tsv": "source\ttarget\nf\tg\nh\ti\n",
            "dev.tsv": "source\ttarget\nin dev\tx y\n",
            "test.tsv": "source\ttarget\nnew\tneu\n",
        }
    )
    return DataSpec(
        folder=str(folder),
        train=(
            CorpusSpec(file="a.tsv"),
            CorpusSpec(file="b.tsv", weight=2),
            CorpusSpec(file="a.tsv"),
        ),
        dev=CorpusSpec(file="dev.tsv"),
        test={"t": CorpusSpec(file="test.tsv")},
    )


def content(text: ParallelText) -> list[object]:
    named = [*text.train.items(), ("dev", text.dev), *text.tests.items()]
    rows = [(name, {c: table[c] for c in table.schema.names}) for name, table in named]
    rest = (text.weights, text.cleaning, text.report, text.alone_share, text.hashes())
    return [rows, text.numbers.tolist(), *rest]


def unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(spec: DataSpec) -> ParallelText:
        raise AssertionError("read again")

    monkeypatch.setattr(text_cache, "read_text", refuse)


@pytest.mark.parametrize(
    "context", [ContextSpec(), ContextSpec(source_sentences=1, alone_share=0.5)]
)
def test_a_second_process_takes_what_the_first_has_kept(
    spec: DataSpec, context: ContextSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    spec = spec.model_copy(update={"context": context})
    cache = Cache(tmp_path / "cache", said.append)
    wanted = content(read_text(spec))
    assert content(read_cached_text(spec, cache)) == wanted
    assert said == []
    unreadable(monkeypatch)
    assert content(read_cached_text(spec, cache)) == wanted
    (folder,) = (tmp_path / "cache").iterdir()
    assert said == [f"text: as it was read and cleaned before, kept in {folder}"]


@pytest.mark.parametrize("change", ["text", "dev", "cleaning"])
def test_whatever_changes_is_read_anew(
    spec: DataSpec, change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path / "cache")
    read_cached_text(spec, cache)
    if change == "cleaning":
        spec = spec.model_copy(update={"cleaning": CleaningSpec(max_length_ratio=9)})
    else:
        path = Path(spec.folder) / {"text": "b.tsv", "dev": "dev.tsv"}[change]
        path.write_text(path.read_text("utf-8").replace("i", "j"), "utf-8")
    with monkeypatch.context() as patch:
        unreadable(patch)
        with pytest.raises(AssertionError, match="read again"):
            read_cached_text(spec, cache)
    assert content(read_cached_text(spec, cache)) == content(read_text(spec))


def test_what_is_damaged_is_said_and_read_anew(spec: DataSpec, tmp_path: Path) -> None:
    said: list[str] = []
    cache = Cache(tmp_path / "cache", said.append)
    read_cached_text(spec, cache)
    wanted, (folder,) = content(read_text(spec)), (tmp_path / "cache").iterdir()
    for path in sorted(folder.iterdir()):
        sound = path.read_bytes()
        place = len(sound) // 2
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        assert content(read_cached_text(spec, cache)) == wanted
        told = said.pop()
        assert told.startswith(f"warning: {folder}: "), path
        assert told.endswith("; the text is read anew")
        assert path.read_bytes() == sound
    assert said == []


@pytest.mark.parametrize("why", ["small", "no cache", "pipe"])
def test_little_text_and_what_comes_through_a_pipe_are_not_kept(
    spec: DataSpec, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(None if why == "no cache" else tmp_path / "cache")
    if why == "pipe":  # its content tells nothing of what comes next time
        path = Path(spec.folder, "b.tsv")
        content_of_b = path.read_bytes()
        path.unlink()
        os.mkfifo(path)
        for _ in range(2):
            threading.Thread(target=path.write_bytes, args=(content_of_b,), daemon=True).start()
            assert len(read_cached_text(spec, cache).train["b.tsv"]) == 2
        assert not (tmp_path / "cache").exists()
        return
    if why == "small":
        monkeypatch.setattr(text_cache, "LARGE_BYTES", 10_000)
    assert content(read_cached_text(spec, cache)) == content(read_text(spec))
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_cannot_be_written_stops_nothing(spec: DataSpec, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said: list[str] = []
    text = read_cached_text(spec, Cache(tmp_path / "file", said.append))
    assert content(text) == content(read_text(spec))
    assert "cannot be written" in said[0]
