"""Training of the classes of transformers, against plain loops over the same classes."""

import copy
import shutil
import socket
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForSeq2SeqLM

from seq2seq.model.stock import SearchDefaults
from seq2seq.model.weights import weights_of
from seq2seq.recipe import LoraSpec, ModelSpec, StockFamily, TrainSpec
from seq2seq.train.adapter import add_adapter
from seq2seq.train.build import build_stock_model
from seq2seq.train.checkpoint import (
    checkpoint_path,
    finish_checkpoint,
    holds_adapter_alone,
    newest_sound_checkpoint,
    read_progress,
    restore,
    save_tensors,
    temporary_path,
)
from seq2seq.train.criterion.stock import StockCriterion
from seq2seq.train.loop import Loop
from seq2seq.train.schedule import learning_rate
from seq2seq.train.trainable import StockModel
from tests.train.test_loop import VOCAB, metrics, new_loop, weights
from tests.warm import Warm

FAMILIES = get_args(StockFamily)
ADAPTED = "t5 with LoRA"
TRAINED = (*FAMILIES, ADAPTED)
UPDATES = 4


def tiny(family: str, *, dropout: float = 0.0) -> Any:
    spec = {
        "family": family, "width": 16, "ffn_width": 32, "heads": 2, "encoder_layers": 1,
        "decoder_layers": 1, "dropout": dropout, "max_positions": 32, "attention_window": 4,
    }  # fmt: skip
    torch.manual_seed(3)
    return build_stock_model(ModelSpec.model_validate(spec), VOCAB)


def loop_of(folder: Path, model: Any, **values: Any) -> Loop:
    spec = TrainSpec.model_validate({"label_smoothing": 0.0, **values})
    return new_loop(folder, criterion=StockCriterion(model, spec), **values)


@pytest.mark.parametrize("family", FAMILIES)
def test_fifty_updates_are_those_of_a_plain_loop_over_the_stock_class(
    family: str, tmp_path: Path
) -> None:
    model = tiny(family)
    plain = copy.deepcopy(model).train()
    ours = loop_of(tmp_path / "ours", model, steps=50)
    ours.run()
    found = [line["loss_nats_per_token"] for line in metrics(tmp_path / "ours", "train")]
    stream = loop_of(tmp_path / "plain", tiny(family)).stream
    optimizer = torch.optim.AdamW(plain.parameters(), lr=0.01)
    expected = []
    for step, batch in enumerate(stream.window(50), start=1):
        labels = batch.target_ids.masked_fill(batch.target_ids == 1, -100)
        mask = (batch.source_ids != 1).long()
        extra = {}
        if family == "led":
            extra["global_attention_mask"] = torch.zeros_like(mask)
            extra["global_attention_mask"][:, 0] = 1
        loss = plain(batch.source_ids, attention_mask=mask, labels=labels, **extra).loss
        expected.append(float(loss.detach()))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
        optimizer.param_groups[0]["lr"] = learning_rate(step, ours.spec)
        optimizer.step()
        optimizer.zero_grad()
    assert expected[-1] < expected[0] - 0.1, "it learns"
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_window_of_micro_batches_has_the_gradient_of_one_big_batch(
    family: str, tmp_path: Path
) -> None:
    one: dict[str, Any] = {"steps": 1, "clip_norm": 0.0, "peak_lr": 1.0}
    whole = loop_of(tmp_path / "a", tiny(family), batch_tokens=10_000, **one)
    count = loop_of(tmp_path / "c", tiny(family), batch_tokens=64).stream.batches_in_epoch()
    parts = loop_of(tmp_path / "b", tiny(family), batch_tokens=64, accumulate=count, **one)
    before = weights(whole).clone()
    for loop in (whole, parts):
        loop.optimizer = torch.optim.SGD(loop.criterion.parameters())
        loop.run()
    assert count > 4
    assert (weights(whole) - before).abs().max() > 0.01
    torch.testing.assert_close(weights(parts), weights(whole), atol=1e-5, rtol=0)


def new_model(name: str) -> Any:
    """A tiny model of a family, or one with an adapter."""
    if name == ADAPTED:
        return add_adapter(tiny("t5"), LoraSpec(rank=2))
    return tiny(name)


def updates_of(folder: Path, name: str, **values: Any) -> Loop:
    """A loop whose updates show the size of the gradient, as those of Adam do not."""
    loop = loop_of(folder, new_model(name), steps=UPDATES, clip_norm=0.0, peak_lr=0.3, **values)
    loop.optimizer = torch.optim.SGD(loop.criterion.parameters())
    return loop


@pytest.mark.slow
def test_two_ranks_make_the_updates_of_one_with_twice_the_micro_batches(
    trainer: Warm, tmp_path: Path
) -> None:
    script = Path(__file__).with_name("families_on_ranks.py")
    with socket.create_server(("127.0.0.1", 0)) as server:
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(server.getsockname()[1])}
    meeting |= {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "GLOO_SOCKET_IFNAME": "lo"}
    started = [  # as a launcher does, but where all that they need is loaded
        trainer.start((script, tmp_path), environment=meeting | {"RANK": rank, "LOCAL_RANK": rank})
        for rank in ("0", "1")
    ]
    ended = [one.wait() for one in started]
    assert [one.returncode for one in ended] == [0, 0], "\n".join(one.stderr for one in ended)
    for name in TRAINED:
        alone = updates_of(tmp_path / f"{name} alone", name, accumulate=2)
        before = weights(alone).clone()
        alone.run()
        logged = [metrics(tmp_path / where, "train") for where in (name, f"{name} alone")]
        two, one = ([line["loss_nats_per_token"] for line in lines] for lines in logged)
        assert len(two) == UPDATES
        assert two == pytest.approx(one, abs=1e-5), name
        assert (weights(alone) - before).abs().max() > 0.01, name
        end = torch.cat([tensor.flatten() for tensor in torch.load(tmp_path / name / "end")])
        torch.testing.assert_close(end, weights(alone), atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_resumed_run_ends_with_the_bits_of_one_that_was_never_stopped(
    family: str, tmp_path: Path
) -> None:
    sizes: dict[str, Any] = {"steps": 8, "save_every_steps": 4}
    whole = loop_of(tmp_path / "a", tiny(family, dropout=0.2), **sizes)
    torch.manual_seed(5)
    whole.run()
    first = loop_of(tmp_path / "b", tiny(family, dropout=0.2), **sizes)
    torch.manual_seed(5)
    while first.progress.step < 4:
        first.update()
    first._save()
    second = loop_of(tmp_path / "b", tiny(family, dropout=0.2), **sizes)
    with torch.no_grad():
        for parameter in second.criterion.parameters():
            parameter.zero_()
    resume(second, tmp_path / "b")
    second.run()
    assert torch.equal(weights(second), weights(whole))


def resume(loop: Loop, folder: Path) -> None:
    """Put a loop where the newest checkpoint of a folder stands."""
    checkpoint, _ = newest_sound_checkpoint(folder / "checkpoints")
    loop.sums = restore(checkpoint, loop.criterion, loop.optimizer, rank=0)
    loop.progress = read_progress(checkpoint)
    loop.stream.seek(loop.progress.epoch, loop.progress.batch)


def test_smoothing_spreads_over_all_pieces_but_padding(tmp_path: Path) -> None:
    """Against the definition, written out as a distribution."""
    model = tiny("bart")
    loop = new_loop(tmp_path, criterion=StockCriterion(model, TrainSpec()))
    (batch,) = loop.stream.window(1)
    criterion = StockCriterion(model, TrainSpec(label_smoothing=0.1))
    wanted = torch.full((VOCAB,), 0.1 / (VOCAB - 1))
    wanted[1] = 0.0
    log_probabilities = criterion._logits(batch)[batch.target_places].log_softmax(1)
    targets = batch.target_ids.flatten()[batch.target_places]
    expected = 0.0
    for row, target in zip(log_probabilities, targets.tolist(), strict=True):
        q = wanted.clone()
        q[target] += 0.9
        expected -= float((q * row).sum().detach())
    found = criterion(batch, None)
    assert float(found.loss.detach()) == pytest.approx(expected, rel=1e-5)
    assert float(wanted.sum()) == pytest.approx(0.1)


def test_checkpoints_of_adapters_hold_them_alone_and_older_ones_the_whole_model(
    tmp_path: Path,
) -> None:
    def adapted(seed: int) -> Any:
        model = tiny("t5")
        torch.manual_seed(seed)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        return add_adapter(model, LoraSpec(rank=2))

    sizes: dict[str, Any] = {"steps": 2, "save_every_steps": 2}
    loop = loop_of(tmp_path, adapted(1), **sizes)
    loop.run()
    folder = tmp_path / "checkpoints"
    assert holds_adapter_alone(folder)
    saved = load_file(checkpoint_path(folder, 2) / "model.safetensors")
    assert saved
    assert all("lora_" in name for name in saved)
    other = loop_of(tmp_path, adapted(2), **sizes)
    resume(other, tmp_path)
    assert not torch.equal(weights(other), weights(loop)), "its base is another one"

    temporary = temporary_path(folder, 3)  # as an earlier version wrote it
    shutil.copytree(checkpoint_path(folder, 2), temporary)
    everything = loop.criterion.state_dict()
    once = {name for name, _ in loop.criterion.named_parameters()}
    save_tensors(
        temporary / "model.safetensors", {n: one for n, one in everything.items() if n in once}
    )
    (temporary / "manifest.json").unlink()
    finish_checkpoint(temporary, folder, 3)
    assert not holds_adapter_alone(folder)
    older = loop_of(tmp_path, adapted(2), **sizes)
    older.criterion.requires_grad_(True)  # as that version did, so the run goes on so
    assert weights_of(older.criterion).keys() == once
    resume(older, tmp_path)
    assert torch.equal(weights(older), weights(loop))


@pytest.mark.parametrize("family", FAMILIES)
def test_an_adapter_learns_resumes_and_is_added_to_the_weights(family: str, tmp_path: Path) -> None:
    def adapted() -> Any:
        return add_adapter(tiny(family), LoraSpec(rank=2, dropout=0.1))

    sizes: dict[str, Any] = {"steps": 8, "save_every_steps": 4}
    before = {name: one.clone() for name, one in tiny(family).state_dict().items()}
    whole = loop_of(tmp_path / "a", adapted(), **sizes)
    torch.manual_seed(5)
    whole.run()
    first = loop_of(tmp_path / "b", adapted(), **sizes)
    torch.manual_seed(5)
    while first.progress.step < 4:
        first.update()
    first._save()
    second = loop_of(tmp_path / "b", adapted(), **sizes)
    resume(second, tmp_path / "b")
    second.run()
    assert torch.equal(weights(second), weights(whole))

    model = whole.criterion.model
    learnt = [name for name, one in model.named_parameters() if one.requires_grad]
    assert all("lora_" in name for name in learnt)
    assert len(learnt) == 3 * 2 * 2  # of three attentions query and value, two matrices beside each
    StockModel(model).save(tmp_path / "saved", SearchDefaults())
    merged = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "saved")
    changed = {n for n, one in merged.state_dict().items() if not torch.equal(one, before[n])}
    assert changed
    taught = ("q", "v", "q_proj", "v_proj", "query", "value")
    assert all(name.split(".")[-2] in taught for name in changed)
    again = PeftModel.from_pretrained(tiny(family), tmp_path / "saved" / "adapter").eval()
    (batch,) = whole.stream.window(1)
    ours = [
        StockCriterion(one.eval(), TrainSpec())._logits(batch)[batch.target_places].log_softmax(1)
        for one in (merged, again, model)
    ]
    for other in ours[1:]:
        torch.testing.assert_close(ours[0], other, atol=1e-5, rtol=1e-4)
