"""The model to train further: found, held against the recipe, the same as its stock class."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from seq2seq.data.batches import collate
from seq2seq.data.ragged import Ragged
from seq2seq.decode.stored import stored_search
from seq2seq.errors import ModelError, RecipeError
from seq2seq.model.stock import read_config, save_model
from seq2seq.model.transformer import IMPOSSIBLE, Transformer
from seq2seq.recipe import Recipe, TrainSpec
from seq2seq.recipe_file import parse_recipe, recipe_json
from seq2seq.run import Run, read_origin, write_json
from seq2seq.train.build import build_optimizer
from seq2seq.train.criterion.transformer import TransformerCriterion
from seq2seq.train.finish import save_best
from seq2seq.train.origin import find_origin
from seq2seq.train.pretrained import Pretrained, complete_recipe, freeze, open_pretrained
from seq2seq.train.validate import decode_options
from seq2seq.translate import Translator
from tests.hub.client import run_client
from tests.hub.server import HubServer
from tests.publish.small_models import small_folder
from tests.stock_layouts import ENGLISH, GERMAN, m2m100, nllb, opus_mt, sentences
from tests.train.batches import losses_of

LAYOUTS: dict[str, tuple[Callable[[Path], Path], dict[str, str]]] = {
    "opus-mt": (opus_mt, {}),
    "nllb": (nllb, {"source_tag": "eng_Latn", "target_tag": "deu_Latn"}),
    "m2m100": (m2m100, {}),
}


def recipe(init: Path | str, *, longest: int = 24, **sections: Any) -> Recipe:
    file = {"file": "some.tsv"}
    cleaning = {"max_source_pieces": longest, "max_target_pieces": 24}
    content = {
        "init": str(init), "source_language": "en", "target_language": "de",
        "data": {"train": [file], "dev": file, "cleaning": cleaning},
    }  # fmt: skip
    return parse_recipe(content | sections, where="test")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("layouts")
    made = {name: make(root / name) for name, (make, _) in LAYOUTS.items()}
    return made | {"ours": small_folder("m2m_100", root / "ours")}


@pytest.fixture
def opened(folders: dict[str, Path], tmp_path: Path) -> Callable[..., tuple[Recipe, Pretrained]]:
    def open_layout(name: str, **sections: Any) -> tuple[Recipe, Pretrained]:
        given = recipe(folders[name], **(LAYOUTS[name][1] | sections))
        return open_pretrained(given, str(given.init), Run(tmp_path / "run"))

    return open_layout


def batch_of(tokenizer: Any, count: int = 12) -> Any:
    sources = tokenizer.encode(sentences(ENGLISH, count))
    targets = tokenizer.encode_target(sentences(GERMAN, count))
    return collate(Ragged.of(sources), Ragged.of(targets), tokenizer.pad_id)


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_loss_and_logits_are_those_of_the_stock_class(
    name: str, folders: dict[str, Path], opened: Callable[..., Any]
) -> None:
    _, pretrained = opened(name)
    batch, model = batch_of(pretrained.tokenizer), pretrained.model().module
    pad, oracle = model.config.pad_token_id, AutoModelForSeq2SeqLM.from_pretrained(folders[name])
    if name == "opus-mt":  # ours makes padding impossible; the stock search does it elsewhere
        oracle.final_logits_bias[0, pad] = IMPOSSIBLE
    labels = batch.target_ids.masked_fill(batch.target_ids == pad, -100)
    expected = oracle(
        input_ids=batch.source_ids, attention_mask=batch.source_mask.long(), labels=labels
    )
    criterion = TransformerCriterion(model, TrainSpec(label_smoothing=0.0)).eval()
    loss, parts = losses_of(criterion, batch)
    mean = float(loss.detach()) / batch.target_tokens
    assert mean == pytest.approx(float(expected.loss.detach()), rel=1e-5)
    assert float(parts["nll"]) == pytest.approx(float(loss.detach()))
    starts = torch.full_like(labels[:, :1], model.config.decoder_start_token_id)
    inputs = torch.cat([starts, batch.target_ids[:, :-1]], 1)
    logits = model(batch.source_ids, inputs, batch.source_mask)
    real = labels != -100
    torch.testing.assert_close(logits[real], expected.logits[real], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("guarded", [True, False])
def test_no_gradient_reaches_the_row_that_post_norm_decoding_starts_from(
    guarded: bool, opened: Callable[..., Any]
) -> None:
    _, pretrained = opened("opus-mt")
    model = pretrained.model().module
    assert float(model.embedding.weight[model.config.pad_token_id].abs().max()) == 0
    if not guarded:  # as the published file has it
        model.logits_bias[model.config.pad_token_id] = 0
    batch = batch_of(pretrained.tokenizer)
    losses_of(TransformerCriterion(model, TrainSpec()), batch).loss.backward()
    gradient = model.embedding.weight.grad[model.config.pad_token_id]
    assert bool((gradient == 0).all()) == guarded


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_the_recipe_tells_the_shape_of_the_model(name: str, opened: Callable[..., Any]) -> None:
    completed, pretrained = opened(name, model={"dropout": 0.25})
    model, config = completed.model, pretrained.config
    assert (model.width, model.heads, model.encoder_layers, model.decoder_layers) == (32, 4, 2, 1)
    assert (model.max_positions, model.family) == (64, config.model_type)
    assert completed.tokenizer.vocab_size == pretrained.tokenizer.vocab_size
    assert model.dropout == config.dropout == 0.25
    assert pretrained.model().module.encoder[0].feed_forward_residual.dropout.share == 0.25
    assert model.attention_dropout == 0.0
    again = complete_recipe(completed, "x", config, pretrained.tokenizer)
    assert recipe_json(again) == recipe_json(completed)
    assert parse_recipe(json.loads(recipe_json(completed)), where="recipe.json") == completed


def test_dropout_that_the_recipe_leaves_open_is_the_models_own(opened: Callable[..., Any]) -> None:
    completed, pretrained = opened("opus-mt", model={"attention_dropout": 0.2})
    assert completed.model.dropout == pretrained.config.dropout == 0.1
    assert completed.model.attention_dropout == pretrained.config.attention_dropout == 0.2


def test_everything_that_the_recipe_wants_otherwise_is_told_at_once(
    opened: Callable[..., Any], folders: dict[str, Path]
) -> None:
    with pytest.raises(RecipeError) as caught:
        opened(
            "opus-mt",
            model={"width": 64, "heads": 4, "family": "m2m_100", "dropout": 0.3},
            tokenizer={"vocab_size": 500, "lowercase": True, "sampling_alpha": 0.1},
            target_tag="deu_Latn",
        )
    assert str(caught.value).splitlines() == [
        f"init = '{folders['opus-mt']}': 6 fields cannot be used",
        "  model.family = 'm2m_100': that model has 'marian'; remove the key",
        "  model.width = 64: that model has 32; remove the key",
        "  tokenizer.lowercase = True: the tokenizer is used as it is; remove the key",
        "  tokenizer.sampling_alpha = 0.1: the tokenizer is used as it is; remove the key",
        "  tokenizer.vocab_size = 500: that model has 64; remove the key",
        "  target_tag = 'deu_Latn': its tokenizer has no language tags; remove the key",
    ]


def test_what_is_longer_than_the_model_reads_is_refused(opened: Callable[..., Any]) -> None:
    """Only now: the recipe alone does not know how much that is."""
    with pytest.raises(RecipeError, match=r"max_source_pieces = 65 is more than model.max_posit"):
        opened("opus-mt", longest=65)
    guided = {"guided_attention": {"weight": 1.0, "layer": 2}}
    with pytest.raises(RecipeError, match=r"layer = 2, .* is not among model.encoder_layers = 2"):
        opened("nllb", train=guided)


def test_our_own_tokenizer_may_still_be_sampled(folders: dict[str, Path], tmp_path: Path) -> None:
    """A small model of ours has a tokenizer of kind bpe; stock layouts are refused above."""
    sampled = {"kind": "bpe", "bpe_dropout": 0.1}
    given = recipe(folders["ours"], tokenizer=sampled)
    completed, pretrained = open_pretrained(given, str(given.init), Run(tmp_path))
    assert (completed.tokenizer.kind, completed.tokenizer.bpe_dropout) == ("bpe", 0.1)
    with pytest.raises(RecipeError, match=r"tokenizer.kind = 'unigram': that model has 'bpe'"):
        complete_recipe(
            recipe("x", tokenizer={"kind": "unigram"}), "x", pretrained.config, pretrained.tokenizer
        )
    assert (completed.tokenizer.vocab_size, completed.tokenizer.byte_fallback) == (48, True)
    plain = recipe("x", tokenizer={"byte_fallback": False})
    with pytest.raises(RecipeError, match=r"tokenizer.byte_fallback = False: that model has True"):
        complete_recipe(plain, "x", pretrained.config, pretrained.tokenizer)


def test_languages_may_be_spelt_as_in_the_recipe_and_their_tags_are_said(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    given = recipe(folders["nllb"])
    assert (given.source_language, given.source_tag) == ("en", None)
    _, pretrained = open_pretrained(given, str(given.init), Run(tmp_path / "plain"))
    told = recipe(folders["nllb"], **LAYOUTS["nllb"][1])
    _, tagged = open_pretrained(told, str(told.init), Run(tmp_path / "tagged"))
    assert pretrained.tokenizer.fingerprint == tagged.tokenizer.fingerprint
    assert "; its tags of source and target are eng_Latn and deu_Latn" in pretrained.to_text()


def test_a_run_keeps_what_resuming_needs(folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(folders["nllb"], tmp_path / "nllb")
    given, run = recipe(tmp_path / "nllb", **LAYOUTS["nllb"][1]), Run(tmp_path / "run")
    completed, first = open_pretrained(given, str(given.init), run)
    assert first.origin is not None
    (run.checkpoints / "step-000004").mkdir(parents=True)
    shutil.rmtree(tmp_path / "nllb")
    again, resumed = open_pretrained(given, str(given.init), run)
    assert (again, resumed.tokenizer.fingerprint) == (completed, first.tokenizer.fingerprint)
    assert resumed.origin is None
    assert isinstance(resumed.model().module, Transformer)
    noted = read_origin(run)
    assert noted is not None
    assert len(noted["weights"]["model.safetensors"]) == 64


def test_a_tokenizer_with_more_pieces_than_the_model_is_refused(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(folders["ours"], tmp_path / "ours")
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "ours" / name).write_bytes((folders["opus-mt"] / name).read_bytes())
    with pytest.raises(RecipeError, match="the tokenizer has '304' pieces, the model '64'; needed"):
        open_pretrained(recipe("x"), str(tmp_path / "ours"), Run(tmp_path / "run"))


@pytest.mark.parametrize(
    ("parts", "learning"),
    [
        (("encoder",), {"decoder", "embedding"}),
        (("embeddings", "decoder"), {"encoder"}),
        ((), {"encoder", "decoder", "embedding"}),
    ],
)
def test_frozen_parts_keep_their_weights_and_all_others_learn(
    parts: tuple[str, ...], learning: set[str], opened: Callable[..., Any]
) -> None:
    completed, pretrained = opened("nllb")
    model = pretrained.model().module
    freeze(model, parts)
    before = {name: one.clone() for name, one in model.state_dict().items()}
    criterion = TransformerCriterion(model, TrainSpec())
    optimizer = build_optimizer(criterion, completed)
    losses_of(criterion, batch_of(pretrained.tokenizer)).loss.backward()
    optimizer.step()
    changed = {n for n, one in model.state_dict().items() if not torch.equal(one, before[n])}
    assert {name.replace("_norm", "").partition(".")[0] for name in changed} == learning
    expected = [n for n, one in model.named_parameters() if one.requires_grad]
    assert changed == set(expected)


def test_old_weights_are_read_without_running_anything(
    folders: dict[str, Path], tmp_path: Path, opened: Callable[..., Any]
) -> None:
    old = tmp_path / "old"
    shutil.copytree(folders["opus-mt"], old)
    (old / "model.safetensors").unlink()
    stock = AutoModelForSeq2SeqLM.from_pretrained(folders["opus-mt"])
    torch.save(stock.state_dict(), old / "pytorch_model.bin")
    given = recipe(old)
    _, pretrained = open_pretrained(given, str(old), Run(tmp_path / "other"))
    expected = opened("opus-mt")[1].model().module.state_dict()
    for name, tensor in pretrained.model().module.state_dict().items():
        assert torch.equal(tensor, expected[name]), name
    torch.save({"model.shared.weight": Path}, old / "pytorch_model.bin")
    with pytest.raises(
        ModelError, match=r"pytorch_model.bin: cannot be read .*nothing but weights"
    ):
        pretrained.model()


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_a_saved_model_translates_as_stock_programs_do_with_it(
    name: str, opened: Callable[..., Any], tmp_path: Path
) -> None:
    """As a user calls them: nobody tells them languages, tags or the search."""
    completed, pretrained = opened(name)
    run = Run(tmp_path / "finished")
    save_best(run, pretrained.model(), pretrained.tokenizer, completed)
    lines = sentences(ENGLISH, 12, seed=7)
    tokenizer = AutoTokenizer.from_pretrained(run.best)
    model = AutoModelForSeq2SeqLM.from_pretrained(run.best)
    model.generation_config.forced_eos_token_id = None  # it hides the last piece at the limit
    batch = tokenizer(lines, return_tensors="pt", padding=True)
    found = model.generate(**batch, num_beams=2, max_new_tokens=9, max_length=None)
    expected = tokenizer.batch_decode(found, skip_special_tokens=True)
    translator = Translator.load(run.folder)
    assert translator.options.first_id == pretrained.tokenizer.first_id
    options = replace(translator.options, beams=2, max_length=9)
    assert [one.text for one in translator.translate(lines, options)] == expected
    if pretrained.tokenizer.first_id is not None:
        assert set(found[:, 1].tolist()) == {pretrained.tokenizer.first_id}
    asked = decode_options(completed, beams=3, first_id=pretrained.tokenizer.first_id)
    assert asked.first_id == stored_search(run.best).options.first_id


HUB = """
    import sys
    from huggingface_hub import HfApi
    api = HfApi()
    for name, folder in (("team/opus", sys.argv[1]), ("team/old", sys.argv[2])):
        api.create_repo(name)
        api.upload_folder(repo_id=name, folder_path=folder)
"""
FIND = """
    import json, sys
    from seq2seq.errors import RecipeError
    from seq2seq.train.origin import find_origin
    found = []
    for name in ("team/opus", "team/old"):
        origin = find_origin(name)
        files = sorted(path.name for path in origin.folder.iterdir())
        found.append([origin.base_model, origin.revision, origin.licenses, files])
    try:
        find_origin("runs/lost")
    except RecipeError as error:
        found.append(str(error))
    print(json.dumps(found))
"""


def test_a_model_on_the_hub_is_fetched_with_its_commit_and_licence(
    folders: dict[str, Path], hub: HubServer, tmp_path: Path
) -> None:
    shutil.copytree(folders["opus-mt"], tmp_path / "opus")
    shutil.copytree(folders["opus-mt"], tmp_path / "old")
    card = "---\nlanguage: en\nlicense: CC-BY-4.0\n---\n# opus\n"
    (tmp_path / "opus" / "README.md").write_text(card.replace("CC-BY", "cc-by"))
    (tmp_path / "opus" / "pytorch_model.bin").write_bytes(b"twice")
    (tmp_path / "old" / "model.safetensors").rename(tmp_path / "old" / "pytorch_model.bin")
    run_client(hub, tmp_path / "a", HUB + "\n    print(0)", tmp_path / "opus", tmp_path / "old")
    new, old, lost = run_client(hub, tmp_path / "b", FIND)
    commits = {name: hub.repository(name).head.oid for name in ("team/opus", "team/old")}
    assert new[:3] == ["team/opus", commits["team/opus"], ["cc-by-4.0"]]
    assert "pytorch_model.bin" not in new[3], "weights are fetched once"
    assert old[:3] == ["team/old", commits["team/old"], None]
    assert "pytorch_model.bin" in old[3]
    assert lost.startswith("init = runs/lost: no such folder here, and the Hub does not give it: ")
    assert "needed a run folder, a model folder, or owner/name of a model on the Hub" in lost


def test_a_run_passes_on_the_model_that_it_began_with(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    run = Run(tmp_path / "a")
    shutil.copytree(folders["ours"], run.best)
    file = {"file": "some.tsv"}
    corpora = [file | {"license": name} for name in ("MIT", "cc0-1.0", "mit")]
    fresh = {
        "source_language": "en",
        "target_language": "de",
        "data": {"train": corpora, "dev": file},
    }
    run.recipe.write_text(recipe_json(parse_recipe(fresh, where="a")))
    origin = find_origin(str(run.folder))
    assert (origin.folder, origin.base_model) == (run.best, None)
    plain = find_origin(str(folders["ours"]))
    assert (plain.folder, plain.base_model, plain.licenses) == (folders["ours"], None, None)
    assert origin.licenses == ("mit", "cc0-1.0")
    assert find_origin(str(run.best)).licenses == ("mit", "cc0-1.0")
    past = {"base_model": "team/opus", "revision": "abc", "licenses": ["cc-by-4.0"]}
    write_json(run.origin, past)
    origin = find_origin(str(run.folder))
    assert (origin.base_model, origin.revision) == ("team/opus", "abc")
    assert origin.licenses == ("mit", "cc0-1.0", "cc-by-4.0")
    write_json(run.origin, past | {"licenses": None})
    assert find_origin(str(run.folder)).licenses is None


def test_a_folder_of_this_machine_is_not_saved_with_the_model(
    opened: Callable[..., Any], tmp_path: Path
) -> None:
    save_model(opened("opus-mt")[1].model().module, tmp_path / "saved")
    assert str(tmp_path) not in (tmp_path / "saved" / "config.json").read_text()
    assert "layouts" not in (tmp_path / "saved" / "config.json").read_text()
    assert read_config(tmp_path / "saved").vocab_size == 64
