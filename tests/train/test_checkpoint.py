import hashlib
import json
from pathlib import Path

import pytest
import torch
from torch import nn

from seq2seq.errors import CheckpointError
from seq2seq.train.checkpoint import (
    Candidate,
    Progress,
    begin_checkpoint,
    candidate_path,
    checkpoint_path,
    damage,
    finish_checkpoint,
    newest_sound_checkpoint,
    prune_checkpoints,
    read_progress,
    repair_folder,
    restore,
    save_tensors,
    set_aside,
    steps_saved,
    temporary_path,
    write_own_parts,
    write_progress,
    write_state,
)
from seq2seq.train.finish import average_weights

SUMS = {"loss": 0.1 + 0.2, "batches": 3}  # of the log: bit for bit, and whole numbers whole


def trained(seed: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A module and its Adam after two updates, so that the moments are not zero."""
    torch.manual_seed(seed)
    module = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.1)
    for _ in range(2):
        module(torch.randn(4, 3)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    return module, optimizer


def candidate(step: int) -> Candidate:
    return Candidate(step, 1.5, hashlib.sha256(b"weights").hexdigest())


def save(folder: Path, step: int, *, seed: int = 0) -> Path:
    module, optimizer = trained(seed)
    temporary = temporary_path(folder, step)
    begin_checkpoint(temporary)
    write_progress(temporary, Progress(step=step, candidates=[candidate(step)]))
    write_state(temporary, module, optimizer, rank=0)
    write_own_parts(temporary, 0, SUMS)
    candidate_path(folder, step).write_bytes(b"weights")
    return finish_checkpoint(temporary, folder, step)


def test_everything_saved_comes_back_bit_for_bit(tmp_path: Path) -> None:
    path = save(tmp_path, 7, seed=1)
    expected_noise = torch.rand(5)
    expected_module, expected_optimizer = trained(1)
    module, optimizer = trained(2)
    assert restore(path, module, optimizer, rank=0) == SUMS
    assert torch.equal(torch.rand(5), expected_noise)
    for ours, theirs in zip(module.parameters(), expected_module.parameters(), strict=True):
        assert torch.equal(ours, theirs)
        for key, value in expected_optimizer.state[theirs].items():
            assert torch.equal(optimizer.state[ours][key], value), key
    assert read_progress(path) == Progress(step=7, candidates=[candidate(7)])


def test_progress_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """It knew neither chrF and loss of a candidate nor what its scores had in common."""
    content = {"step": 7, "validated_step": 6, "candidates": [{"step": 6, "score": 1.5}]}
    (tmp_path / "progress.json").write_text(json.dumps(content))
    progress = read_progress(tmp_path)
    assert progress == Progress(step=7, validated_step=6, candidates=[Candidate(6, 1.5)])
    assert (progress.validations, progress.equal_scores) == (0, {})


def test_a_restored_optimizer_takes_the_same_next_step(tmp_path: Path) -> None:
    path = save(tmp_path, 1, seed=1)
    reference, reference_optimizer = trained(1)
    module, optimizer = trained(2)
    restore(path, module, optimizer, rank=0)
    inputs = torch.randn(4, 3)
    for one, its_optimizer in ((reference, reference_optimizer), (module, optimizer)):
        one(inputs).square().sum().backward()
        its_optimizer.step()
    assert torch.equal(module.weight, reference.weight)  # type: ignore[arg-type]


def test_a_half_written_checkpoint_does_not_count(tmp_path: Path) -> None:
    sound = save(tmp_path, 10)
    begin_checkpoint(temporary_path(tmp_path, 20))
    assert steps_saved(tmp_path) == [10]
    assert newest_sound_checkpoint(tmp_path) == (sound, [])


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "progress.json"])
def test_one_flipped_bit_sends_the_run_to_the_checkpoint_before(tmp_path: Path, name: str) -> None:
    sound = save(tmp_path, 10)
    damaged = save(tmp_path, 20) / name
    content = bytearray(damaged.read_bytes())
    content[-3] ^= 1
    damaged.write_bytes(content)
    path, passed_over = newest_sound_checkpoint(tmp_path)
    assert path == sound
    assert passed_over == [
        (damaged.parent, f"{name} does not have the hash that was saved with it")
    ]


def test_a_missing_file_or_manifest_is_damage(tmp_path: Path) -> None:
    first, second = save(tmp_path, 10), save(tmp_path, 20)
    (second / "rng-0.safetensors").unlink()
    (first / "manifest.json").unlink()
    with pytest.raises(CheckpointError, match="every checkpoint is damaged") as caught:
        newest_sound_checkpoint(tmp_path)
    assert "rng-0.safetensors is missing" in str(caught.value)
    assert "manifest.json is missing or unreadable" in str(caught.value)


def test_no_checkpoint_is_said(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint to resume from"):
        newest_sound_checkpoint(tmp_path)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    module = nn.Linear(4, 2)
    with pytest.raises(CheckpointError, match="do not fit the recipe's model"):
        restore(path, module, torch.optim.AdamW(module.parameters()), rank=0)


def test_a_rank_without_random_state_is_refused(tmp_path: Path) -> None:
    module, optimizer = trained(0)
    with pytest.raises(CheckpointError, match="no random state for rank 1"):
        restore(save(tmp_path, 1), module, optimizer, rank=1)


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    for step in (10, 20, 30):
        save(tmp_path, step)
    prune_checkpoints(tmp_path, keep=2)
    assert steps_saved(tmp_path) == [20, 30]
    assert not checkpoint_path(tmp_path, 10).exists()


def test_saving_a_step_again_replaces_it(tmp_path: Path) -> None:
    save(tmp_path, 10, seed=1)
    again = save(tmp_path, 10, seed=2)
    module, optimizer = trained(3)
    restore(again, module, optimizer, rank=0)
    assert torch.equal(module.weight, trained(2)[0].weight)  # type: ignore[arg-type]


def test_no_file_of_a_checkpoint_is_a_pickle(tmp_path: Path) -> None:
    names = {path.suffix for path in save(tmp_path, 1).iterdir()}
    assert names == {".safetensors", ".json"}
    assert json.loads((save(tmp_path, 1) / "manifest.json").read_text())


def test_the_average_is_the_mean_in_double_precision(tmp_path: Path) -> None:
    values = [1e8, 1.0, -1e8]  # summed in single precision the 1 would be lost
    paths = [tmp_path / f"{number}.safetensors" for number in range(3)]
    for path, value in zip(paths, values, strict=True):
        save_tensors(path, {"x": torch.tensor([value])})
    assert average_weights(paths)["x"].item() == pytest.approx(1 / 3)


def test_what_a_kill_left_half_done_is_cleared_away_or_brought_back(tmp_path: Path) -> None:
    sound = save(tmp_path, 10)
    begin_checkpoint(temporary_path(tmp_path, 20))
    (tmp_path / ".tmp-weights-000005.safetensors").touch()
    sound.rename(tmp_path / ".old-step-000010")  # killed between the two renames
    repair_folder(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*step*")) == ["step-000010"]
    assert damage(sound) is None


def test_a_damaged_checkpoint_set_aside_does_not_push_out_a_sound_one(tmp_path: Path) -> None:
    for step in (10, 20):
        save(tmp_path, step)
    set_aside(checkpoint_path(tmp_path, 20))
    save(tmp_path, 15)
    prune_checkpoints(tmp_path, keep=2)
    assert steps_saved(tmp_path) == [10, 15]
    assert (tmp_path / "damaged-step-000020").is_dir()


def test_weights_stay_while_any_kept_checkpoint_names_them(tmp_path: Path) -> None:
    for step in (10, 20, 30):  # each names its own step as a candidate
        save(tmp_path, step)
    prune_checkpoints(tmp_path, keep=2)
    assert sorted(path.name for path in tmp_path.glob("weights-*")) == [
        "weights-000020.safetensors",
        "weights-000030.safetensors",
    ]


def test_a_manifest_that_names_too_little_is_damage(tmp_path: Path) -> None:
    path = save(tmp_path, 10)
    (path / "manifest.json").write_text("{}")
    assert damage(path) == "manifest.json does not name all files"


def test_a_checkpoint_of_a_version_that_kept_no_sums_restores(tmp_path: Path) -> None:
    module, optimizer = trained(1)
    path = save(tmp_path, 1)
    rng = {"cpu": torch.get_rng_state()}
    save_tensors(path / "rng-0.safetensors", rng)
    assert restore(path, module, optimizer, rank=0) == {}


@pytest.mark.parametrize("content", [b"weightz", None])
def test_a_checkpoint_whose_best_weights_are_damaged_is_passed_over(
    tmp_path: Path, content: bytes | None
) -> None:
    """From the one before them they are made again, and the end is the same model."""
    sound, later = save(tmp_path, 10), save(tmp_path, 20)
    weights = candidate_path(tmp_path, 20)
    weights.unlink()
    if content is not None:
        weights.write_bytes(content)
    path, [(passed_over, problem)] = newest_sound_checkpoint(tmp_path)
    assert (path, passed_over) == (sound, later)
    assert problem.startswith("weights-000020.safetensors, one of the best weights so far, ")
    candidate_path(tmp_path, 10).unlink()
    with pytest.raises(CheckpointError, match="every checkpoint is damaged") as caught:
        newest_sound_checkpoint(tmp_path)
    assert "step-000010: weights-000010.safetensors" in str(caught.value)
    assert "restore one from a copy, or start a new run with --run" in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"candidates": [3]}', '{"candidates": []'])
def test_an_older_checkpoint_that_cannot_be_read_is_set_aside_and_pushes_out_no_sound_one(
    tmp_path: Path, text: str
) -> None:
    for step in (10, 20, 30):
        save(tmp_path, step)
    (checkpoint_path(tmp_path, 20) / "progress.json").write_text(text)
    (problem,) = prune_checkpoints(tmp_path, keep=2)
    assert "step-000020/progress.json: " in str(problem)
    assert "needed what this version writes" in str(problem)
    assert steps_saved(tmp_path) == [10, 30]
    assert (tmp_path / "damaged-step-000020").is_dir()
    assert not candidate_path(tmp_path, 20).exists()


def test_a_count_of_another_version_is_not_taken_for_ours(tmp_path: Path) -> None:
    path = save(tmp_path, 10)
    content = json.loads((path / "progress.json").read_text()) | {"moon_phase": 0.5}
    (path / "progress.json").write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match="needed what this version writes"):
        read_progress(path)
