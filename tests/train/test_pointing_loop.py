"""The loop with guidance and bottleneck: one window equals one batch, the log says both."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from seq2seq.data.marks import Marks
from seq2seq.data.prepare import EpochData
from seq2seq.data.ragged import Ragged
from seq2seq.recipe import TrainSpec
from seq2seq.train.batch_stream import BatchStream, BatchStreamSpec
from seq2seq.train.checkpoint import Progress
from seq2seq.train.criterion.transformer import TransformerCriterion
from seq2seq.train.log import TrainingLog
from seq2seq.train.loop import Loop
from seq2seq.train.selection import Validation
from seq2seq.train.stop import Stop
from tests.train.test_guided_attention import model
from tests.train.test_loop import metrics, weights


class MarkedPairs:
    """Sixty pairs of random pieces; every third has nothing marked."""

    def __init__(self) -> None:
        random = np.random.default_rng(5)
        lengths = random.integers(4, 9, 60)
        source, target = (
            Ragged.of([[*random.integers(4, 30, n), 2] for n in lengths]) for _ in range(2)
        )

        def some(place: int) -> Ragged:
            return Ragged.of([[place] if pair % 3 else [] for pair in range(60)])

        nothing = Ragged.of([[]] * 60)
        marks = Marks(some(2), some(3), some(0), nothing, nothing, some(1))
        self._epoch = EpochData(source, target, marks)

    def epoch(self, number: int) -> EpochData:
        return self._epoch


def new_loop(folder: Path, *, share: float = 0.0, **values: object) -> Loop:
    spec = TrainSpec.model_validate(
        {"steps": 4, "warmup_steps": 0, "peak_lr": 0.01, "log_every_steps": 1, "clip_norm": 0.0,
         "validate_every_steps": 1000, "save_every_steps": 1000, "batch_tokens": 32,
         "guided_attention": {"weight": 5.0, "layer": 1, "head": 0},
         "bottleneck": {"share": share}, **values}
    )  # fmt: skip
    accelerator = Accelerator(cpu=True)
    criterion = TransformerCriterion(model(), spec)
    stream = BatchStreamSpec(spec.batch_tokens, pad_id=1, seed=1, bottleneck_share=share)
    return Loop(
        accelerator,
        criterion,
        torch.optim.SGD(criterion.parameters(), lr=0.01),
        BatchStream(MarkedPairs(), stream),  # type: ignore[arg-type]
        spec=spec,
        checkpoints=folder / "checkpoints",
        writes_checkpoints=True,
        progress=Progress(),
        validate=lambda _: Validation("bleu", 0.0, 0.0, 0.0, {}),
        stop=Stop(accelerator),
        log=TrainingLog(folder / "metrics.jsonl", accelerator, stream=io.StringIO()),
        flops_per_token=(1.0, 1.0),
        peak_flops=1.0,
    )


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_window_of_micro_batches_has_the_gradient_of_one_big_batch(
    tmp_path: Path, share: float
) -> None:
    whole = new_loop(tmp_path / "a", share=share, batch_tokens=10_000, steps=1)
    pieces = new_loop(tmp_path / "b", share=share, steps=1)
    count = pieces.stream.batches_in_epoch()
    assert whole.stream.batches_in_epoch() == 1
    assert count > 4
    pieces.spec = pieces.spec.model_copy(update={"accumulate": count})
    before = weights(whole).clone()
    for loop in (whole, pieces):
        loop.run()
    assert (weights(whole) - before).abs().max() > 1e-3
    torch.testing.assert_close(weights(pieces), weights(whole), atol=1e-6, rtol=0)
    lines = [metrics(tmp_path / name, "train")[0] for name in "ab"]
    for name in ("loss_nats_per_token", "guided_nats_per_sentence"):
        assert lines[0][name] == pytest.approx(lines[1][name], abs=1e-5)


def test_a_batch_in_the_bottleneck_has_another_loss_than_one_outside(tmp_path: Path) -> None:
    losses = []
    for share in (0.0, 1.0):
        new_loop(tmp_path / str(share), share=share, steps=1).run()
        losses.append(metrics(tmp_path / str(share), "train")[0]["nll_nats_per_token"])
    assert abs(losses[0] - losses[1]) > 1e-3


def test_the_log_says_how_guidance_and_bottleneck_stand(tmp_path: Path) -> None:
    loop = new_loop(tmp_path, share=0.5, steps=40, log_every_steps=20)
    loop.run()
    first, last = metrics(tmp_path, "train")
    assert last["guided_nats_per_sentence"] < first["guided_nats_per_sentence"] - 0.3
    assert 0.2 < first["bottleneck_share"] < 0.8


def test_a_log_without_them_is_as_it_was(tmp_path: Path) -> None:
    loop = new_loop(tmp_path, steps=1, guided_attention={}, bottleneck={})
    loop.run()
    (line,) = metrics(tmp_path, "train")
    assert line.keys() == {
        "kind", "step", "time", "epoch", "loss_nats_per_token", "nll_nats_per_token",
        "learning_rate", "gradient_norm", "tokens_per_second", "padding_share",
        "matrix_peak_share", "elapsed_seconds",
    }  # fmt: skip


def test_which_batches_go_through_the_bottleneck_does_not_depend_on_where_one_begins() -> None:
    def flags(
        start: int, count: int, *, world: int = 1, rank: int = 0, shares: bool = False
    ) -> list[bool]:
        spec = BatchStreamSpec(32, 1, 1, world, rank, shares=shares, bottleneck_share=0.5)
        stream = BatchStream(MarkedPairs(), spec)  # type: ignore[arg-type]
        stream.seek(0, start)
        return [batch.bottleneck for batch in stream.window(count)]

    whole = flags(0, 16)
    assert set(whole) == {True, False}
    assert flags(9, 7) == whole[9:]
    assert flags(0, 8, world=2, rank=1) == whole[1::2]
    assert flags(0, 16, world=2, rank=1, shares=True) == whole
