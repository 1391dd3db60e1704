"""The loop on a made-up corpus of random pieces: what an update is, and what a run decides."""

import io
import json
import math
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from seq2seq.data.batches import Batch
from seq2seq.data.prepare import EpochData
from seq2seq.data.ragged import Ragged
from seq2seq.errors import TrainingError
from seq2seq.model.config import build_config
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import TrainSpec
from seq2seq.train.batch_stream import BatchStream, BatchStreamSpec
from seq2seq.train.checkpoint import (
    Candidate,
    Progress,
    newest_sound_checkpoint,
    read_progress,
    restore,
    steps_saved,
)
from seq2seq.train.criterion.criterion import Criterion, Losses, Update
from seq2seq.train.criterion.transformer import TransformerCriterion
from seq2seq.train.log import TrainingLog
from seq2seq.train.loop import Loop
from seq2seq.train.precision import restore_loss_scale
from seq2seq.train.selection import Validation
from seq2seq.train.stop import Stop

VOCAB = 40


class RandomPairs:
    """Sixty pairs of two to eight random pieces, each ending with the end-of-sentence piece."""

    def __init__(self) -> None:
        random = np.random.default_rng(5)

        def sentence() -> np.ndarray:
            return np.append(random.integers(4, VOCAB, random.integers(2, 9)), 2)

        sources, targets = ([sentence() for _ in range(60)] for _ in range(2))
        self._epoch = EpochData(Ragged.of(sources), Ragged.of(targets))

    def epoch(self, number: int) -> EpochData:
        return self._epoch


def new_criterion(*, dropout: float = 0.0, rdrop_weight: float = 0.0) -> Criterion:
    torch.manual_seed(3)
    config = build_config(
        "m2m_100", vocab_size=VOCAB, width=16, ffn_width=32, heads=2, encoder_layers=1,
        decoder_layers=1, dropout=dropout, attention_dropout=0.0, activation_dropout=0.0,
        activation="relu", scale_embedding=True, max_positions=32,
    )  # fmt: skip
    return TransformerCriterion(Transformer(config), TrainSpec(rdrop_weight=rdrop_weight))


def new_loop(
    folder: Path,
    *,
    scores: Sequence[float | tuple[float, float, float]] = (),
    criterion: Criterion | None = None,
    **values: object,
) -> Loop:
    spec = TrainSpec.model_validate(
        {"steps": 6, "batch_tokens": 64, "warmup_steps": 0, "peak_lr": 0.01, "log_every_steps": 1,
         "validate_every_steps": 1000, "save_every_steps": 1000, **values}
    )  # fmt: skip
    accelerator = Accelerator(cpu=True)
    criterion = criterion or new_criterion()
    given = iter(scores)

    def validate(_: Criterion) -> Validation:
        found = next(given, 0.0)
        score, chrf, loss = (found, 0.0, 1.0) if isinstance(found, float) else found
        return Validation("bleu", score, chrf, loss, {"bleu": score, "loss_nats_per_token": loss})

    stream = BatchStreamSpec(
        batch_tokens=spec.batch_tokens, pad_id=1, seed=1,
        world_size=accelerator.num_processes, rank=accelerator.process_index,
    )  # fmt: skip
    return Loop(
        accelerator,
        accelerator.prepare_model(criterion),
        torch.optim.AdamW(criterion.parameters(), lr=0.01),
        BatchStream(RandomPairs(), stream),
        spec=spec,
        checkpoints=folder / "checkpoints",
        writes_checkpoints=accelerator.is_main_process,
        progress=Progress(),
        validate=validate,
        stop=Stop(accelerator),
        log=TrainingLog(folder / "metrics.jsonl", accelerator, stream=io.StringIO()),
        flops_per_token=(1.0, 1.0),
        peak_flops=1.0,
    )


def weights(loop: Loop) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in loop.criterion.parameters()])


def metrics(folder: Path, kind: str) -> list[dict[str, float]]:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [line for line in map(json.loads, lines) if line["kind"] == kind]


def test_a_window_of_micro_batches_has_the_gradient_of_one_big_batch(tmp_path: Path) -> None:
    # A budget of 10,000 tokens puts the whole corpus into one batch; 64 cuts it into many.
    whole = new_loop(tmp_path / "a", batch_tokens=10_000, steps=1, clip_norm=0.0)
    pieces = new_loop(tmp_path / "b", batch_tokens=64, steps=1, clip_norm=0.0)
    count = pieces.stream.batches_in_epoch()
    assert whole.stream.batches_in_epoch() == 1
    assert count > 4
    pieces.spec = pieces.spec.model_copy(update={"accumulate": count})
    before = weights(whole).clone()
    for loop in (whole, pieces):  # not Adam, which turns rounding of tiny gradients into steps
        loop.optimizer = torch.optim.SGD(loop.criterion.parameters())
        loop.run()
    assert (weights(whole) - before).abs().max() > 1e-3
    torch.testing.assert_close(weights(pieces), weights(whole), atol=1e-6, rtol=0)
    losses = [metrics(tmp_path / name, "train")[0]["loss_nats_per_token"] for name in "ab"]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


class SharesOfAll:
    """What several processes get of the same micro-batches, one share after the other."""

    epoch, batch = 0, 0

    def __init__(self, processes: int, batch_tokens: int):
        self.streams = [
            BatchStream(
                RandomPairs(), BatchStreamSpec(batch_tokens, 1, 1, processes, rank, shares=True)
            )
            for rank in range(processes)
        ]

    def window(self, count: int) -> list[Batch]:
        return [batch for stream in self.streams for batch in stream.window(count)]


@pytest.mark.parametrize("processes", [4, 5])
def test_shares_of_micro_batches_have_their_gradient_where_pairs_are_fewer_than_processes(
    tmp_path: Path, processes: int
) -> None:
    whole = new_loop(tmp_path / "a", batch_tokens=40, accumulate=9, steps=1, clip_norm=0.0)
    shared = new_loop(tmp_path / "b", batch_tokens=40, accumulate=9, steps=1, clip_norm=0.0)
    shared.stream = SharesOfAll(processes, 40)
    windows = SharesOfAll(processes, 40).window(9)
    assert any(batch.stand_in for batch in windows)
    assert any(len(batch.source_ids) > 1 for batch in windows)
    for loop in (whole, shared):
        loop.optimizer = torch.optim.SGD(loop.criterion.parameters())
        loop.run()
    torch.testing.assert_close(weights(shared), weights(whole), atol=1e-6, rtol=0)
    ours, theirs = (metrics(tmp_path / name, "train")[0] for name in "ba")
    for name in ("loss_nats_per_token", "gradient_norm"):
        assert ours[name] == pytest.approx(theirs[name], abs=1e-5)
    assert shared.progress.target_tokens == whole.progress.target_tokens


def test_the_next_window_is_made_before_the_host_waits_and_counts_when_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = new_loop(tmp_path, steps=3, accumulate=2)
    events: list[object] = []
    made, fetched = loop.stream._collate, loop._fetch
    monkeypatch.setattr(
        loop.stream, "_collate", lambda rows: (events.append("made"), made(rows))[1]
    )

    def fetch(values: dict[str, torch.Tensor]) -> dict[str, float]:
        events.append((loop.stream.epoch, loop.stream.batch))
        return fetched(values)

    monkeypatch.setattr(loop, "_fetch", fetch)
    loop.run()
    pair = ["made", "made"]
    assert events == [*pair, *pair, (0, 2), *pair, (0, 4), (0, 6)]


def test_the_loss_falls(tmp_path: Path) -> None:
    loop = new_loop(tmp_path, steps=60)
    loop.run()
    losses = [line["loss_nats_per_token"] for line in metrics(tmp_path, "train")]
    assert losses[-1] < losses[0] - 0.5


def test_the_gradient_is_clipped_to_the_norm_asked_for(tmp_path: Path) -> None:
    sgd = []
    for limit in (0.0, 0.05):
        loop = new_loop(tmp_path / str(limit), clip_norm=limit, steps=1, peak_lr=1.0)
        loop.optimizer = torch.optim.SGD(loop.criterion.parameters(), lr=1.0)
        before = weights(loop).clone()
        loop.run()
        sgd.append((weights(loop) - before).norm().item())
    assert sgd[0] > 0.1
    assert sgd[1] == pytest.approx(0.05, rel=1e-3)


def test_an_update_that_is_not_finite_changes_nothing_and_is_counted(tmp_path: Path) -> None:
    loop = new_loop(tmp_path, steps=3)
    poison(loop, at={2})
    after: list[torch.Tensor] = []
    original = loop.update

    def update() -> None:
        original()
        after.append(weights(loop).clone())

    loop.update = update  # type: ignore[method-assign]
    progress = loop.run()
    assert progress.skipped_updates == 1
    assert torch.equal(after[0], after[1])
    assert not torch.equal(after[1], after[2])
    assert [line["step"] for line in metrics(tmp_path, "skipped")] == [2]


def test_too_many_such_updates_stop_the_run_and_leave_the_last_good_checkpoint(
    tmp_path: Path,
) -> None:
    loop = new_loop(tmp_path, steps=50, save_every_steps=2, max_skipped_updates=1)
    poison(loop, at=set(range(5, 50)))
    with pytest.raises(TrainingError, match="2 updates had a loss or gradient that is not finite"):
        loop.run()
    checkpoint, passed_over = newest_sound_checkpoint(tmp_path / "checkpoints")
    assert not passed_over
    assert read_progress(checkpoint).skipped_updates <= 1


def poison(loop: Loop, *, at: set[int]) -> None:
    """Make the loss of some updates NaN, as an overflow would."""
    criterion = loop.criterion
    calls = iter(range(1, 1000))

    def spoil(_module: object, _inputs: object, output: Losses) -> Losses:
        return output._replace(loss=output.loss * math.nan) if next(calls) in at else output

    criterion.register_forward_hook(spoil)


def test_the_best_validations_are_kept_and_the_later_of_equals_is_first(tmp_path: Path) -> None:
    scores = [1.0, 5.0, 3.0, 5.0, 4.0]
    loop = new_loop(tmp_path, steps=5, validate_every_steps=1, keep_best=3, scores=scores)
    progress = loop.run()
    assert [(one.step, one.score) for one in progress.candidates] == [(4, 5.0), (2, 5.0), (5, 4.0)]
    kept = sorted(path.name for path in (tmp_path / "checkpoints").glob("weights-*"))
    # Step 3 is still a candidate of the checkpoint before the last.
    assert kept == [f"weights-00000{step}.safetensors" for step in (2, 3, 4, 5)]


# dev scores as a run without a fitting tokenizer sees them: BLEU 0, while the model learns
BLIND = [(0.0, 10.0, 3.0), (0.0, 30.0, 2.0), (0.0, 20.0, 2.5), (0.0, 30.0, 1.5), (0.0, 30.0, 1.5)]


def test_where_the_score_is_blind_chrf_decides_then_the_loss_then_the_later_step(
    tmp_path: Path,
) -> None:
    loop = new_loop(tmp_path, steps=5, validate_every_steps=1, keep_best=5, scores=BLIND)
    said = loop.log._stream
    progress = loop.run()
    assert [one.step for one in progress.candidates] == [5, 4, 2, 3, 1]
    assert progress.candidates[0].chrf == 30.0
    assert progress.equal_scores == {"bleu": 0.0}
    line = "dev bleu is 0.00 in all 2 validations: chrF decides\n"
    assert said.getvalue().count("chrF decides") == said.getvalue().count(line) == 1


def test_weights_that_only_chrf_can_tell_apart_survive_a_shelf_of_one(tmp_path: Path) -> None:
    loop = new_loop(tmp_path, steps=3, validate_every_steps=1, keep_best=1, scores=BLIND[:3])
    assert [one.step for one in loop.run().candidates] == [2]


def test_a_score_that_tells_weights_apart_is_not_called_blind(tmp_path: Path) -> None:
    scores = [(1.0, 5.0, 3.0), (2.0, 4.0, 3.0), (2.0, 4.0, 3.0)]
    loop = new_loop(tmp_path, steps=3, validate_every_steps=1, scores=scores)
    progress = loop.run()
    assert progress.equal_scores == {}
    assert "decides" not in loop.log._stream.getvalue()
    assert [one.step for one in progress.candidates] == [3, 2, 1]


def test_a_run_that_learns_is_not_out_of_patience_because_its_score_is_blind(
    tmp_path: Path,
) -> None:
    scores = [(0.0, 0.0, 9.0 - step) for step in range(1, 5)]  # nothing yet but a falling loss
    scores += [(0.0, float(step), 2.0) for step in range(5, 9)]  # then chrF rises, the loss stays
    loop = new_loop(
        tmp_path, steps=20, validate_every_steps=1, patience=2, scores=[*scores, *[scores[-1]] * 9]
    )
    assert loop.run().step == 10  # two validations after the last gain


def test_a_candidate_of_an_earlier_version_loses_a_tie(tmp_path: Path) -> None:
    loop = new_loop(tmp_path, steps=3, validate_every_steps=1, scores=[(0.0, 0.0, 5.0)] * 3)
    loop.progress.candidates = [Candidate(0, 0.0)]
    loop.progress.validated_step = 1
    progress = loop.run()
    assert [one.step for one in progress.candidates] == [3, 2, 0]
    assert progress.equal_scores == {}  # what came before is not known


@pytest.mark.parametrize("validate_every", [4, 5])
def test_weights_that_are_no_numbers_are_neither_validated_nor_saved(
    tmp_path: Path, validate_every: int
) -> None:
    loop = new_loop(tmp_path, steps=6, validate_every_steps=validate_every, save_every_steps=2)
    original = loop.update

    def update() -> None:
        original()
        if loop.progress.step == 3:
            next(loop.criterion.parameters()).data[0, 0] = math.nan

    loop.update = update  # type: ignore[method-assign]
    message = r"step 4: 1 of \d+ weight matrices hold numbers that are not finite, such as model"
    with pytest.raises(TrainingError, match=message + r".*; the checkpoint of step 2 is kept; "):
        loop.run()
    assert steps_saved(tmp_path / "checkpoints") == [2]


def test_patience_stops_the_run(tmp_path: Path) -> None:
    scores = [3.0, 2.0, 2.5, 9.0]
    loop = new_loop(tmp_path, steps=6, validate_every_steps=1, patience=2, scores=scores)
    progress = loop.run()
    assert progress.step == 3
    assert loop.finished


def test_the_last_update_is_always_validated(tmp_path: Path) -> None:
    loop = new_loop(tmp_path, steps=5, validate_every_steps=2, scores=[1.0, 2.0, 3.0])
    assert loop.run().candidates[0].step == 5


def test_a_signal_saves_after_the_current_update(tmp_path: Path) -> None:
    loop = new_loop(tmp_path, steps=50)
    original = loop.update

    def update() -> None:
        original()
        if loop.progress.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    loop.update = update  # type: ignore[method-assign]
    before = signal.getsignal(signal.SIGTERM)
    with loop.stop.signals_noted():
        progress = loop.run()
    assert not loop.finished
    assert progress.step == 3
    assert steps_saved(tmp_path / "checkpoints") == [3]
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_signal_leaves_a_validation_which_the_resumed_run_repeats(tmp_path: Path) -> None:
    loop = new_loop(tmp_path, steps=4, validate_every_steps=2, scores=[1.0, 2.0])
    scored = loop.validate

    def validate(criterion: Criterion) -> Validation:
        os.kill(os.getpid(), signal.SIGTERM)
        loop.stop.check()  # as decoding does after every batch
        return scored(criterion)

    loop.validate = validate
    with loop.stop.signals_noted():
        progress = loop.run()
    assert (progress.step, progress.validated_step, progress.candidates) == (2, 0, [])
    assert steps_saved(tmp_path / "checkpoints") == [2]
    assert loop.criterion.training
    assert metrics(tmp_path, "dev") == []
    loop.validate, loop.stop.requested = scored, False
    assert [one.step for one in loop.run().candidates] == [4, 2]


def adam(criterion: Criterion) -> torch.optim.AdamW:
    return torch.optim.AdamW(criterion.parameters(), lr=0.01, weight_decay=0.1, fused=True)


@pytest.mark.parametrize("before", [0, 2])
def test_the_dry_run_leaves_no_trace(tmp_path: Path, before: int) -> None:
    """Neither at the start, nor where a resumed run has its optimizer's state already."""
    plain, dry = (
        new_loop(tmp_path / name, criterion=new_criterion(dropout=0.2), weight_decay=0.1)
        for name in "ab"
    )
    for loop in (plain, dry):
        loop.optimizer = adam(loop.criterion)
        torch.manual_seed(9)
        for _ in range(before):
            loop.update()
        state, held = torch.get_rng_state(), weights(loop)
        if loop is dry:
            loop.dry_run()
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.equal(weights(loop), held)
        assert all(parameter.grad is None for parameter in loop.criterion.parameters())
        loop.run()
    assert torch.equal(weights(plain), weights(dry))


def test_the_dry_run_holds_the_optimizers_state_while_it_runs_the_worst_batches(
    tmp_path: Path,
) -> None:
    loop = new_loop(tmp_path)
    loop.optimizer = adam(loop.criterion)
    seen: list[tuple[int, int]] = []
    original = loop._backward

    def backward(batch: Batch, update: Update) -> Losses:
        states = loop.optimizer.state.values()
        held = sum(value.numel() for one in states for value in one.values())
        assert all(parameter.grad is not None for parameter in loop.criterion.parameters())
        rows, longest = batch.source_ids.shape
        seen.append((held, rows * longest**2))
        return original(batch, update)

    loop._backward = backward  # type: ignore[method-assign, assignment]
    loop.dry_run()
    count = sum(parameter.numel() for parameter in loop.criterion.parameters())
    assert [held > 2 * count for held, _ in seen] == [True] * 3
    lengths = loop.stream._epoch.source_lengths
    pairs = [len(batch) * int(lengths[batch].max()) ** 2 for batch in loop.stream._plan]
    assert seen[1][1] == max(pairs) > min(pairs)
    assert not loop.optimizer.state


def test_a_batch_beyond_memory_is_explained(tmp_path: Path) -> None:
    loop = new_loop(tmp_path)

    def fail(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    loop.criterion.forward = fail  # type: ignore[method-assign, assignment]
    with pytest.raises(
        TrainingError, match=r"train.batch_tokens = 64: one of the largest micro-batches"
    ):
        loop.dry_run()


def test_another_error_of_the_dry_run_is_not_called_memory(tmp_path: Path) -> None:
    loop = new_loop(tmp_path)

    def fail(*_: object) -> None:
        raise RuntimeError("shapes differ")

    loop.criterion.forward = fail  # type: ignore[method-assign, assignment]
    with pytest.raises(RuntimeError, match="shapes differ"):
        loop.dry_run()


def test_a_resumed_run_logs_what_an_uninterrupted_one_does(tmp_path: Path) -> None:
    """The sums between two lines of the log are a part of the checkpoint."""
    sizes = {"steps": 9, "log_every_steps": 4, "save_every_steps": 6}
    whole, first, second = (new_loop(tmp_path / name, **sizes) for name in "abb")
    whole.run()
    while first.progress.step < 6:
        first.update()
        first._log_if_due()
        first._save_if_due()
    first.log.close()
    (checkpoint,) = (tmp_path / "b" / "checkpoints").glob("step-*")
    sums = restore(checkpoint, second.criterion, second.optimizer, rank=0)
    assert sums["target_tokens"] > 0
    second.sums, second.progress = sums, read_progress(checkpoint)
    second.stream.seek(second.progress.epoch, second.progress.batch)
    second.run()

    def lines(name: str) -> list[dict[str, float]]:
        clock = ("time", "seconds", "share", "tokens_per")  # how fast this machine was
        return [
            {key: value for key, value in line.items() if not any(one in key for one in clock)}
            for line in metrics(tmp_path / name, "train")
        ]

    assert [line["step"] for line in lines("a")] == [4, 8, 9]
    assert lines("b") == lines("a")


def test_a_checkpoint_that_cannot_be_read_any_more_is_said(tmp_path: Path) -> None:
    loop = new_loop(tmp_path, steps=3, save_every_steps=1, keep_last=3)
    original = loop.update

    def update() -> None:
        original()
        if loop.progress.step == 3:
            (tmp_path / "checkpoints" / "step-000001" / "progress.json").write_text("{")

    loop.update = update  # type: ignore[method-assign]
    loop.run()
    assert steps_saved(tmp_path / "checkpoints") == [2, 3]
    said = loop.log._stream.getvalue()  # type: ignore[attr-defined]
    assert "step-000001/progress.json: not JSON (" in said
    assert "; this checkpoint was set aside" in said


def with_loss_scale(loop: Loop, scale: float, monkeypatch: pytest.MonkeyPatch) -> Loop:
    """The loss scale of fp16 around numbers of 32 bits: Accelerate has no fp16 on a CPU."""
    accelerator = loop.accelerator
    accelerator.native_amp = True
    monkeypatch.setattr(accelerator.state, "_mixed_precision", "fp16")  # of all in this process
    accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    loop.optimizer = accelerator.prepare_optimizer(loop.optimizer)
    return loop


def test_a_loss_scale_changes_no_update_and_comes_back_from_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = new_loop(tmp_path / "plain", steps=4)
    plain.run()
    scaled = with_loss_scale(new_loop(tmp_path / "scaled", steps=4), 2.0**10, monkeypatch)
    scaled.run()
    assert torch.equal(weights(plain), weights(scaled))  # scales are powers of two
    assert plain.progress.loss_scale is None
    checkpoint, _ = newest_sound_checkpoint(tmp_path / "scaled" / "checkpoints")
    saved = read_progress(checkpoint).loss_scale
    other = with_loss_scale(new_loop(tmp_path / "other"), 1.0, monkeypatch).accelerator
    restore_loss_scale(other, saved)
    assert other.scaler.state_dict() == scaled.accelerator.scaler.state_dict()
    assert (saved["scale"], saved["_growth_tracker"]) == (2.0**10, 4)


def test_an_overflow_of_the_loss_scale_is_left_out_and_is_no_skipped_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = with_loss_scale(new_loop(tmp_path, steps=3, max_skipped_updates=0), 2.0**10, monkeypatch)
    factors = iter([math.inf, 1.0, 1.0])
    next(loop.criterion.parameters()).register_hook(lambda gradient: gradient * next(factors))
    before = weights(loop).clone()
    loop.update()
    assert torch.equal(weights(loop), before)
    loop.run()
    (overflow,) = metrics(tmp_path, "overflow")
    assert (overflow["step"], overflow["loss_scale"]) == (1, 2.0**9)
    assert loop.progress.skipped_updates == 0
    assert not torch.equal(weights(loop), before)


def test_a_loss_that_is_not_finite_is_skipped_under_a_loss_scale_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = with_loss_scale(new_loop(tmp_path, steps=3), 2.0**10, monkeypatch)
    poison(loop, at={2})
    assert loop.run().skipped_updates == 1
