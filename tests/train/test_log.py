import io
import json
from pathlib import Path

import pytest
from accelerate import Accelerator

from seq2seq.train.checkpoint import Progress
from seq2seq.train.log import TrainingLog, duration


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_a_time_span_reads_as_people_say_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_terminal_has_one_live_line_and_a_file_has_all(tmp_path: Path) -> None:
    screens = []
    for stream in (Terminal(), io.StringIO()):
        log = TrainingLog(tmp_path / "m.jsonl", Accelerator(cpu=True), stream=stream)
        log.progress("step 1 of 2")
        log.progress("step 2 of 2")
        log.say("done")
        screens.append(stream.getvalue())
    wipe = "\r" + " " * len("step 1 of 2") + "\r"
    assert screens[0] == f"step 1 of 2{wipe}step 2 of 2{wipe}done\n"
    assert screens[1] == "step 1 of 2\nstep 2 of 2\ndone\n"


def test_every_line_of_metrics_is_an_object_with_kind_and_step(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path / "m.jsonl", Accelerator(cpu=True), stream=io.StringIO())
    log.record("train", 5, {"loss": 1.5, "note": "x"})
    log.close()
    line = json.loads((tmp_path / "m.jsonl").read_text())
    assert (line["kind"], line["step"], line["loss"], line["note"]) == ("train", 5, 1.5, "x")


def test_numbers_reach_tensorboard(tmp_path: Path) -> None:
    event_accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    accelerator = Accelerator(cpu=True, log_with="tensorboard", project_dir=tmp_path)
    accelerator.init_trackers("run")
    log = TrainingLog(tmp_path / "m.jsonl", accelerator, stream=io.StringIO())
    log.record("dev", 7, {"bleu": 31.5, "note": "not a number"})
    log.close()
    events = event_accumulator.EventAccumulator(str(tmp_path / "run")).Reload()
    scalar = events.Scalars("dev/bleu")[0]
    assert (scalar.step, scalar.value) == (7, pytest.approx(31.5))
    assert events.Tags()["scalars"] == ["dev/bleu"]


def test_a_resumed_log_forgets_what_will_be_done_again(tmp_path: Path) -> None:
    """Lines of the validation at step 10 too, which a signal came before the end of."""
    path = tmp_path / "m.jsonl"
    places = [("train", 5), ("dev", 5), ("train", 10), ("dev", 10), ("train", 20)]
    lines = [json.dumps({"kind": kind, "step": step}) for kind, step in places]
    path.write_text("\n".join(lines) + '\n{"kind": "tr')
    resumed = Progress(step=10, validated_step=5)
    log = TrainingLog(path, Accelerator(cpu=True), resumed=resumed, stream=io.StringIO())
    log.record("train", 20, {"loss": 1.0})
    log.close()
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["kind"], line["step"]) for line in found] == [*places[:3], places[4]]
