"""The recipe: what is accepted, what is refused and in which words."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import ValidationError

from seq2seq.errors import RecipeError
from seq2seq.recipe import CorpusSpec, Recipe
from seq2seq.recipe_file import (
    _joined,
    differences,
    given_keys,
    load_recipe,
    parse_corpus,
    parse_recipe,
    recipe_json,
    recipe_text,
)

MINIMAL = """
source_language = "en"
target_language = "no"
[data]
dev = { file = "dev.tsv" }
[[data.train]]
file = "train.tsv"
"""


@pytest.fixture
def minimal(tmp_path: Path) -> Path:
    return write(tmp_path, MINIMAL)


def write(folder: Path, text: str) -> Path:
    path = folder / "small.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(path: Path, overrides: Sequence[str] = ()) -> str:
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, overrides)
    return str(caught.value)


def test_a_minimal_recipe_gets_the_defaults(minimal: Path) -> None:
    recipe = load_recipe(minimal)
    assert recipe.target_language == "no"  # YAML would have read false
    assert recipe.train.steps == 10_000
    assert recipe.data.train[0].name == "train.tsv"
    assert given_keys(recipe) == {"source_language", "target_language", "data.dev.file",
                                  "data.train"}  # fmt: skip


def test_a_recipe_cannot_be_changed(minimal: Path) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_recipe(minimal).seed = 2  # type: ignore[misc]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "gone.toml").endswith(
        "gone.toml: no such file, needed a recipe (TOML); check the path"
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"steps: 3\n", "not TOML: "),
        (b'x = "\xff"\n', "byte 0xff at position 6 is not UTF-8"),
        (b"x = " + b"9" * 4400, "not TOML: Exceeds the limit"),
        (b"x = " + b"[" * 5000 + b"]" * 5000, "not TOML: nested too deeply"),
    ],
)
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    assert refused(path).startswith(f"{path}: {problem}")


def test_a_byte_order_mark_before_a_recipe_is_passed_over(minimal: Path) -> None:
    expected = load_recipe(minimal)
    minimal.write_bytes(b"\xef\xbb\xbf" + minimal.read_bytes())
    assert load_recipe(minimal) == expected


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("1979-05-27", 'seed = "1979-05-27": a date, needed text or a number'),
        ("07:32:00", 'seed = "07:32:00": a time, needed'),
        ("0x" + "f" * 5000, "seed = what is too large to print: too large, needed a whole number"),
        ("9" * 4400, "--set .*: not TOML: Exceeds the limit"),
        ("inf", "seed = Infinity: not finite, needed a number"),
        ('"a\\u0000b"', r'seed = "a\\u0000b": holds a NUL character'),
        ("[" * 30 + "]" * 30, r"seed(\.0)+: nested more than 20 deep"),
        ('"' + "a" * 500 + '"', 'seed = "a{119}…: '),
    ],
)
def test_values_that_no_key_can_have_are_told(minimal: Path, value: str, problem: str) -> None:
    assert re.search(problem, refused(minimal, [f"seed={value}"]))


def test_all_problems_are_told_at_once_with_the_nearest_name(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + "[train]\nbatch_token = 5\nsteps = 0\n[modle]\n")
    assert refused(path).splitlines() == [
        f"{path}: 3 fields cannot be used",
        "  train.steps = 0: needed at least 1",
        "  train.batch_token: no such field; did you mean 'batch_tokens'?",
        "  modle: no such field; did you mean 'model'?",
    ]


def test_a_problem_that_two_alternatives_have_is_told_once() -> None:
    problems = ["a: no such field", "b: needed text", "a: no such field", "b: needed 'x'"]
    assert _joined(problems) == ["a: no such field", "b: needed text or 'x'"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("train.guided_copy=1.0", "train.guided_copy = 1.0: needed a section [train.guided_copy]"),
        ("data.train=[]", "data.train = []: needed at least one entry"),
        ("data.train=3", "data.train = 3: needed a list"),
        ("data.train=[1]", "data.train.0 = 1: needed a section [[data.train]]"),
        ("model.family=foo", "model.family = \"foo\": needed 'm2m_100', 'marian', 't5', 'mt5', "
         "'bart', 'mbart', 'pegasus' or 'led'"),
        ("train.processes=0", "train.processes = 0: needed at least 1 or 'auto'"),
        ("data.context.separator=''",
         'data.context.separator = "": needed text of length 1 or more'),
        ("train.steps=x", 'train.steps = "x": needed a whole number'),
        ("train.fsdp=3", "train.fsdp = 3: needed true or false"),
        ("model.dropout=1", "model.dropout = 1: needed less than 1"),
    ],
)  # fmt: skip
def test_what_was_needed_is_said_in_words_of_a_recipe(
    minimal: Path, change: str, problem: str
) -> None:
    assert refused(minimal, [change]).splitlines()[1:] == [f"  {problem}"]


def test_an_unknown_name_near_to_none_lists_what_there_is(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + "[decode]\nzzz = 1\n")
    assert "decode.zzz: no such field; there are beams, length_penalty, " in refused(path)


def test_an_unknown_name_inside_a_corpus_is_compared_with_a_corpus_keys(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + "wieght = 2\n")
    assert "data.train.0.wieght: no such field; did you mean 'weight'?" in refused(path)


def test_what_is_wrong_with_a_corpus_outside_a_recipe_is_told_of_the_corpus() -> None:
    for fields, problem in (
        ({"file": "a.csv", "quoted": True}, "corpus: 'quoted' is for a .tsv file"),
        ({"file": "a.tsv", "quotd": True}, "quotd: no such field; did you mean 'quoted'?"),
    ):
        with pytest.raises(RecipeError, match=r"a\.csv: 1 field cannot be used") as caught:
            parse_corpus(fields, where="a.csv")
        assert problem in str(caught.value)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL.replace('target_language = "no"', ""))
    assert (
        refused(path) == f"{path}: 1 field cannot be used\n  target_language: needed, but not given"
    )


@pytest.mark.parametrize(
    ("corpus", "problem"),
    [
        ({}, "needs exactly one of 'hub', 'source' with 'target', or 'file'"),
        ({"hub": "a/b", "file": "c.tsv"}, "needs exactly one of"),
        ({"source": "a.en"}, "a pair of text files needs both 'source' and 'target'"),
        ({"file": "a.csv", "quoted": True}, "'quoted' is for a .tsv file; a .csv is always read"),
        ({"hub": "a/b", "quoted": True}, "'quoted' is for a .tsv file"),
        ({"hub": "a/b", "pronoun_items": True}, "'pronoun_items' needs 'file'"),
    ],
)
def test_a_corpus_stands_in_exactly_one_place(corpus: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(problem)):
        CorpusSpec.model_validate(corpus)


@pytest.mark.parametrize(
    ("addition", "problem"),
    [
        ("[model]\nwidth = 100\n", "'width' = 100 must be even and a multiple of 'heads' = 8"),
        ('[tokenizer]\nkind = "bpe"\nsampling_alpha = 0.1\n', "use 'bpe_dropout'"),
        ("[tokenizer]\nbpe_dropout = 0.1\n", "use 'sampling_alpha'"),
        ("[train]\npeak_lr = nan\n", "train.peak_lr"),
    ],
)
def test_values_that_do_not_fit_each_other_are_refused(
    tmp_path: Path, addition: str, problem: str
) -> None:
    assert problem in refused(write(tmp_path, MINIMAL + addition))


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("train.peak_lr=3e-4", "train.peak_lr", 3e-4),
        ("train.steps = 7", "train.steps", 7),
        ("data.folder=some/folder", "data.folder", "some/folder"),  # text needs no quotes
        ('target_language="vi"', "target_language", "vi"),
        ("train.gradient_checkpointing=true", "train.gradient_checkpointing", True),
        ('train.trackers=["wandb"]', "train.trackers", ["wandb"]),
        ("data.train.0.weight=2", "data.train[0].weight", 2.0),
        ("data.train[0].weight=2", "data.train[0].weight", 2.0),
        ('data.train.0={file="b.tsv"}', "data.train[0].file", "b.tsv"),
    ],
)
def test_an_override_is_read_as_toml_and_else_as_text(
    minimal: Path, override: str, key: str, value: object
) -> None:
    changed = differences(load_recipe(minimal), load_recipe(minimal, [override]))
    assert {name: new for name, (_, new) in changed.items()} == {key: value}


def test_the_last_override_of_a_key_wins(minimal: Path) -> None:
    assert load_recipe(minimal, ["seed=2", "seed=3"]).seed == 3


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("seed", "--set seed: expected key=value, such as train.peak_lr=3e-4"),
        ("=3", "--set =3: expected key=value"),
        ("seed.x=1", "--set seed.x=1: 'seed' is not a section of the recipe"),
        ("data.train.0.file.x=1", "'data.train.0.file' is not a section of the recipe"),
        ("data.train.1.weight=2", "no entry '1' among 1, needed its number counted from 0, as in"),
        ("data.train.weight=2", "--set data.train.weight=2: no entry 'weight' among 1"),
        ("data.train[-1].weight=2", "no entry '-1' among 1"),
        ("train.step=1", "train.step: no such field; did you mean 'steps'?"),
    ],
)
def test_an_override_that_cannot_be_applied_is_named(
    tmp_path: Path, override: str, problem: str
) -> None:
    assert problem in refused(write(tmp_path, "seed = 1\n" + MINIMAL), [override])


def test_a_recipe_survives_its_own_json(minimal: Path) -> None:
    recipe = load_recipe(minimal)
    again = Recipe.model_validate_json(recipe_json(recipe))
    assert again == recipe
    assert differences(recipe, again) == {}


def test_differences_name_keys_inside_corpora(minimal: Path) -> None:
    recipe = load_recipe(minimal)
    content = recipe.model_dump(mode="json")
    content["data"]["train"][0]["weight"] = 2.0
    content["seed"] = 9
    changed = differences(recipe, parse_recipe(content, where="copy"))
    assert changed == {"seed": (1, 9), "data.train[0].weight": (1.0, 2.0)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"task": "summarization", "train": {"select_by": "bleu"}},
            "train.select_by = 'bleu' does not suit task 'summarization'",
        ),
        ({"train": {"select_by": "rougeL"}}, "train.select_by = 'rougeL' does not suit task"),
        (
            {"score": {"tokenized_references": {"tset": "x"}}},
            "score.tokenized_references names 'tset'; did you mean 'test'?",
        ),
        (
            {"model": {"max_positions": 128}},
            "data.cleaning.max_source_pieces = 256 is more than model.max_positions = 128; "
            "lower the first, or raise the second for a model that begins anew",
        ),
        (
            {"train": {"guided_attention": {"weight": 1, "layer": 6}}},
            "train.guided_attention.layer = 6, counted from 0, is not among "
            "model.encoder_layers = 6",
        ),
        (
            {"train": {"guided_attention": {"weight": 1, "head": 8}}},
            "train.guided_attention.head = 8, counted from 0, is not among model.heads = 8",
        ),
        (
            {"train": {"guided_copy": {"weight": 1, "layer": 6}}},
            "train.guided_copy.layer = 6, counted from 0, is not among model.decoder_layers = 6",
        ),
        (
            {"train": {"bottleneck": {"share": 0.5}}, "tokenizer": {"sampling_alpha": 0.1}},
            "tokenizer.sampling_alpha cuts words anew in each epoch, train.guided_attention",
        ),
        (
            {
                "train": {"guided_attention": {"weight": 1}},
                "tokenizer": {"kind": "bpe", "bpe_dropout": 0.1},
            },
            "tokenizer.bpe_dropout cuts words anew in each epoch, train.guided_attention",
        ),
        (
            {"train": {"guided_copy": {"layer": 1}}},
            "train.guided_copy does nothing without 'weight'",
        ),
        (
            {"train": {"guided_attention": {}}},
            "train.guided_attention does nothing without 'weight'",
        ),
        ({"train": {"bottleneck": {"encoder": True}}}, "bottleneck does nothing without 'share'"),
        ({"train": {"lora": {"alpha": 8}}}, "train.lora does nothing without 'rank'; give it (0"),
        (
            {"data": {"train": [{"file": "a"}], "dev": {"file": "a"}, "copying": {}}},
            "data.copying does nothing without 'share'",
        ),
        (
            {
                "data": {
                    "train": [{"file": "a"}],
                    "dev": {"file": "a"},
                    "context": {"separator": "@"},
                }
            },
            "data.context does nothing without 'source_sentences' or 'target_sentences'",
        ),
        (
            {"train": {"guided_attention": {"start": 0.5, "end": 0.5}}},
            "'start' = 0.5 must be less than 'end' = 0.5",
        ),
    ],
)
def test_sections_that_do_not_fit_each_other_are_refused_before_training(
    change: dict[str, object], message: str
) -> None:
    corpus = {"file": "a.tsv"}
    data = {"train": [corpus], "dev": corpus, "test": {"test": corpus}}
    content = {"source_language": "en", "target_language": "de", "data": data}
    parse_recipe(content, where="here")
    with pytest.raises(RecipeError, match="here: 1 field cannot be used") as caught:
        parse_recipe(content | change, where="here")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["source_tag=eng_Latn"], "source_tag is for the tokenizer of 'init', which is not given"),
        (['train.freeze=["encoder"]'], "train.freeze would keep random weights; give 'init'"),
        (["init=a/b", "preset=auto"], "preset = 'auto' chooses a shape, 'init' brings one"),
        (
            ["init=a/b", 'train.freeze=["encoder", "embeddings", "decoder"]'],
            "train.freeze names all parts of the model, needed one that learns",
        ),
        (
            ["init=a/b", 'train.freeze=["encoder"]', "train.guided_attention.weight=1"],
            "train.guided_attention teaches the encoder, which train.freeze keeps as it is",
        ),
        (
            ["train.fsdp=true", "train.guided_copy.weight=1"],
            "train.fsdp shares out the weights that train.guided_copy reads outside of their layer",
        ),
        (
            ["train.fsdp=true", "train.guided_attention.weight=1"],
            "train.fsdp shares out the weights that train.guided_attention reads outside of",
        ),
        (
            ["train.fsdp=true", "train.precision=fp16"],
            "train.precision = 'fp16' cannot be sharded (train.fsdp), needed bf16 or fp32",
        ),
        (
            ["train.compile=true", "train.guided_copy.weight=1"],
            "train.compile closes the layers that train.guided_copy reads from",
        ),
        (
            ["train.compile=true", "train.guided_attention.weight=1"],
            "train.compile closes the layers that train.guided_attention reads from",
        ),
        (["train.compile=true", "train.fsdp=true"], "does not work with train.fsdp; remove one"),
        (
            ["train.compile=true", "train.gradient_checkpointing=true"],
            "train.compile does not work with train.gradient_checkpointing; remove one of them",
        ),
    ],
)
def test_what_makes_no_sense_together_is_refused(
    minimal: Path, overrides: list[str], said: str
) -> None:
    assert said in refused(minimal, overrides)


def test_a_section_that_is_switched_off_in_so_many_words_is_meant(minimal: Path) -> None:
    overrides = ["train.guided_copy.weight=0", "train.guided_copy.layer=1", "train.lora.rank=0"]
    overrides += ["data.copying.share=0", "data.context.source_sentences=0"]
    recipe = load_recipe(minimal, overrides)
    assert recipe.train.guided_copy.layer == 1
    assert parse_recipe(json.loads(recipe_json(recipe)), where="its own") == recipe


def test_a_model_to_begin_with_is_not_held_against_the_defaults(minimal: Path) -> None:
    """Its shape is not known yet; what the recipe says itself is."""
    longer = ["init=a/b", "data.cleaning.max_source_pieces=800"]
    assert load_recipe(minimal, longer).init == "a/b"
    assert "800 is more than model.max_positions = 512" in refused(minimal, longer[1:])
    assert "more than model.max_positions = 600" in refused(
        minimal, [*longer, "model.max_positions=600"]
    )
    deep = ["init=a/b", "train.guided_attention.weight=1", "train.guided_attention.layer=11"]
    assert load_recipe(minimal, deep).train.guided_attention.layer == 11
    assert "layer = 11, counted from 0, is not among" in refused(minimal, deep[1:])


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped", "", "a\\\\b", ".hidden", "nul"])
def test_a_test_set_whose_name_cannot_be_a_files_is_refused(minimal: Path, name: str) -> None:
    text = minimal.read_text() + f'[data.test."{name}"]\nfile = "test.tsv"\n'
    said = refused(write(minimal.parent, text))
    assert "data.test: a name that becomes a file's" in said
    assert said.endswith("; rename it")


def test_a_recipes_text_is_as_given_or_has_the_overrides_written_into_it(minimal: Path) -> None:
    """What a run keeps can be trained again without repeating what stood behind --set."""
    assert recipe_text(minimal) == MINIMAL
    overrides = [
        "train.peak_lr=1e-05",
        "data.train.0.weight=2",
        "data.train[0].license=two\nlines",
        'data.cache=/tmp/a\\b "c" d\u00e9 \x7f',
        "data.test.one={ file = 'a.tsv' }",
        "train.freeze=[]",
        "train.guided_copy.weight=0.5",
    ]
    copy = minimal.with_name("copy.toml")
    copy.write_text(recipe_text(minimal, overrides), encoding="utf-8")
    assert load_recipe(copy) == load_recipe(minimal, overrides)
    assert load_recipe(copy) != load_recipe(minimal)
    assert copy.read_text(encoding="utf-8").startswith("# with train.peak_lr=1e-05\n")
    assert given_keys(load_recipe(copy)) == given_keys(load_recipe(minimal, overrides))


def test_documents_are_cut_for_summaries_unless_the_recipe_says_otherwise(minimal: Path) -> None:
    summaries = ["task=summarization", "target_language=en"]
    assert load_recipe(minimal).data.cleaning.long == "drop"
    assert load_recipe(minimal, summaries).data.cleaning.long == "truncate"
    said = [*summaries, "data.cleaning.max_source_pieces=100"]
    assert load_recipe(minimal, said).data.cleaning.long == "truncate"
    dropped = load_recipe(minimal, [*said, "data.cleaning.long=drop"])
    assert dropped.data.cleaning.long == "drop"
    assert parse_recipe(dropped.model_dump(mode="json"), where="run") == dropped
    wrong = refused(minimal, [*summaries, "data.cleaning=3"])
    assert "data.cleaning = 3: needed a section [data.cleaning]" in wrong
