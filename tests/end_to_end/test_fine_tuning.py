"""Published layouts trained further, published again, and loaded by stock classes alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from transformers import AutoTokenizer

from seq2seq.decode.options import DecodeOptions
from seq2seq.doctor import examine_run
from seq2seq.errors import CheckpointError
from seq2seq.publish.export import export
from seq2seq.run import Run
from seq2seq.stock_tokenizer import open_tokenizer
from seq2seq.train.checkpoint import checkpoint_path
from seq2seq.train.run import train
from seq2seq.translate import Translator
from tests.end_to_end.digits import digits_recipe, write_digits
from tests.end_to_end.kill import KILLED, run_training
from tests.hub.client import run_client
from tests.hub.server import HubServer
from tests.stock_layouts import ENGLISH, GERMAN, nllb, opus_mt, sentences, write_pairs
from tests.warm import Warm

RECIPE = """
init = "{init}"
source_language = "en"
target_language = "de"
{top}
[data]
folder = "{folder}"
cache = "{folder}/cache"
cleaning = {{ max_source_pieces = 48, max_target_pieces = 48 }}
train = [{{ file = "train.tsv", source_field = "1", target_field = "2", license = "cc-by-4.0" }}]
dev = {{ file = "dev.tsv", source_field = "1", target_field = "2" }}
[train]
steps = {steps}
batch_tokens = 512
warmup_steps = 2
peak_lr = 0.003
validate_every_steps = {steps}
save_every_steps = 2
precision = "fp32"
validation_beams = 1
{train}
[decode]
beams = 2
max_length_factor = 1.0
max_length_extra = 2
"""
CARD = "---\nlanguage: [en, de]\nlicense: cc-by-4.0\n---\n# A small model\n"
UPLOAD = """
    import sys
    from huggingface_hub import HfApi
    api = HfApi()
    api.create_repo("team/opus-mt-en-de")
    api.upload_folder(repo_id="team/opus-mt-en-de", folder_path=sys.argv[1])
    print(0)
"""
# Stock classes alone: the ids of both sides, and what the model makes of the sources.
LOAD = """
    import json, sys
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
    name, lines, targets = sys.argv[1], *map(json.loads, sys.argv[2:4])
    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForSeq2SeqLM.from_pretrained(name)
    ids = [tokenizer(lines)["input_ids"], tokenizer(text_target=targets)["input_ids"]]
    batch = tokenizer(lines, return_tensors="pt", padding=True)
    outputs = model.generate(**batch, max_new_tokens=12, max_length=None)
    assert not any(module.startswith("seq2seq") for module in sys.modules)
    text = tokenizer.batch_decode(outputs, skip_special_tokens=True)
    print(json.dumps([ids, text]))
"""


def write_recipe(folder: Path, name: str, *, init: str | Path, **parts: Any) -> Path:
    for kind, count, seed in (("train", 200, 1), ("dev", 101, 2)):
        write_pairs(folder / f"{kind}.tsv", count, seed=seed)
    text = {"top": "", "train": "", "steps": 6} | parts
    path = folder / f"{name}.toml"
    path.write_text(RECIPE.format(init=init, folder=folder, **text), encoding="utf-8")
    return path


def seq2seq(warm: Warm, hub: HubServer, home: Path, *arguments: str | Path) -> None:
    result = warm.run(("-m", "seq2seq", *arguments), environment=hub.environment(home))
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_opus_mt_goes_from_the_hub_through_training_back_to_the_hub(
    hub: HubServer, warm: Warm, tmp_path: Path
) -> None:
    base = opus_mt(tmp_path / "base")
    (base / "README.md").write_text(CARD)
    run_client(hub, tmp_path / "team", UPLOAD, base)
    commit = hub.repository("team/opus-mt-en-de").head.oid
    recipe = write_recipe(
        tmp_path, "further", init="team/opus-mt-en-de", train='freeze = ["encoder"]', steps=30
    )
    run = Run(tmp_path / "run")
    seq2seq(warm, hub, tmp_path / "a", "train", recipe, "--run", run.folder)

    learnt, given = load_file(run.best / "model.safetensors"), load_file(base / "model.safetensors")
    changed = {name for name, tensor in learnt.items() if not tensor.equal(given[name])}
    assert "model.decoder.layers.0.fc1.weight" in changed
    assert "model.shared.weight" in changed
    assert not any(name.startswith("model.encoder") for name in changed)
    log = [json.loads(line) for line in run.metrics.read_text().splitlines()]
    assert [line["step"] for line in log if line["kind"] == "dev"] == [30]
    examined = examine_run(run.folder)
    assert all(trip.both.exact == trip.both.lines for trip in examined.round_trips.values())

    export(run.folder, "hub")
    seq2seq(warm, hub, tmp_path / "a", "publish", run.folder, "tester/further")
    files = hub.repository("tester/further").head.files
    for name in ("source.spm", "target.spm", "vocab.json"):
        assert files[name].content == (base / name).read_bytes(), name
    card = files["README.md"].content.decode()
    assert "base_model: team/opus-mt-en-de" in card
    assert "license: cc-by-4.0" in card
    assert f"training continued from `team/opus-mt-en-de` (commit `{commit}`)" in card
    assert str(tmp_path) not in card

    lines, targets = sentences(ENGLISH, 20, seed=5), sentences(GERMAN, 20, seed=5)
    texts = [json.dumps(lines), json.dumps(targets)]
    ids, written = run_client(hub, tmp_path / "b", LOAD, "tester/further", *texts, warm=warm)
    original = AutoTokenizer.from_pretrained(base)
    assert ids == [original(lines)["input_ids"], original(text_target=targets)["input_ids"]]
    # Outputs that end by themselves: at its limit the stock class forces an end, as opus-mt has it.
    search = DecodeOptions(beams=2, max_length_factor=0.0, max_length_offset=12)
    ours = Translator.load(run.folder).translate(lines, search)
    assert [one.text for one in ours] == written
    assert len(set(written)) > 5, "outputs that are all alike would prove little"


@pytest.mark.slow
def test_a_killed_fine_tuning_ends_as_one_never_killed_without_the_model_it_began_with(
    trainer: Warm, tmp_path: Path
) -> None:
    base = nllb(tmp_path / "base")
    tags = 'source_tag = "eng_Latn"\ntarget_tag = "deu_Latn"'
    recipe = write_recipe(tmp_path, "nllb", init=base, top=tags)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run_training(trainer, recipe, whole) == 0
    assert run_training(trainer, recipe, killed, moment="update", count=5) == KILLED
    base.rename(tmp_path / "gone")
    assert run_training(trainer, recipe, killed) == 0
    for name in ("model.safetensors", "optimizer.safetensors", "rng-0.safetensors"):
        ends = [checkpoint_path(run / "checkpoints", 6) / name for run in (whole, killed)]
        assert ends[0].read_bytes() == ends[1].read_bytes(), name
    for path in (whole / "best").iterdir():
        assert path.read_bytes() == (killed / "best" / path.name).read_bytes(), path.name

    stored = json.loads((whole / "best" / "generation_config.json").read_text())
    tokenizer = open_tokenizer(whole / "best")
    assert stored["forced_bos_token_id"] == tokenizer.first_id is not None
    other = opus_mt(tmp_path / "other")
    changed = write_recipe(tmp_path, "changed", init=other, top=tags)
    with pytest.raises(CheckpointError, match=r"cannot be resumed with these changes.*\n  init: "):
        train(changed, run_folder=whole, resume=True)


@pytest.mark.slow
def test_a_run_of_ours_is_trained_further_in_a_second_stage(tmp_path: Path) -> None:
    write_digits(tmp_path, train=120, held_out=20)
    schedule = "steps = 4\nbatch_tokens = 256\nwarmup_steps = 1\nvalidate_every_steps = 4\n"
    schedule += 'precision = "fp32"\nvalidation_beams = 1\n'
    first = tmp_path / "first.toml"
    cut = "vocab_size = 34\nlowercase = true"
    first.write_text(digits_recipe(tmp_path, tokenizer=cut, train=schedule + "peak_lr = 0.01"))
    one = train(first, run_folder=tmp_path / "one").run
    second = tmp_path / "second.toml"
    text = digits_recipe(
        tmp_path, tokenizer="sampling_alpha = 0.2", train=schedule + "peak_lr = 1e-9"
    )
    second.write_text(f'init = "{one.folder}"\n' + text.replace("\n[model]", "\n[x]"))
    head, _, rest = second.read_text().partition("[x]")
    second.write_text(head + "[model]\nwidth = 32\ndropout = 0.3\n" + rest[rest.index("[tok") :])
    two = train(second, run_folder=tmp_path / "two").run
    recipe = two.read_recipe()
    assert (recipe.model.encoder_layers, recipe.model.dropout) == (1, 0.3)
    assert (recipe.tokenizer.lowercase, recipe.tokenizer.sampling_alpha) == (True, 0.2)
    ends = [load_file(run.best / "model.safetensors") for run in (one, two)]
    largest = max(float((ends[0][n] - ends[1][n]).abs().max()) for n in ends[0])
    assert 0 < largest < 1e-6, "a rate of next to nothing keeps the first stage's weights"
    tokens = [(run.best / "tokenizer.json").read_bytes() for run in (one, two)]
    assert tokens[0] == tokens[1]
