"""Copying pairs: the same made-up text on both sides, real text around it, new in each epoch."""

from random import Random

import numpy as np
import pytest

from seq2seq.data.batches import plan_batches
from seq2seq.data.copying import (
    CopyingMaker,
    CopyingTrainingSet,
    MadePair,
    insert,
    shared_names,
    with_copying,
)
from seq2seq.data.marks import Marks
from seq2seq.data.parallel_text import ParallelText, read_text
from seq2seq.data.prepare import prepare
from seq2seq.recipe import Recipe, TokenizerSpec
from seq2seq.recipe_file import parse_recipe
from seq2seq.tokenizer import Tokenizer, train_tokenizer
from seq2seq.train.batch_stream import BatchStream, BatchStreamSpec

VERBS = [("sees", "ve"), ("finds", "encuentra"), ("paints", "pinta"), ("hides", "esconde")]
NOUNS = [("house", "casa"), ("dog", "perro"), ("tree", "árbol"), ("door", "puerta")]
SPEC = TokenizerSpec(vocab_size=120)


def named(name: str = "Tom") -> list[tuple[str, str]]:
    return [(f"{name} {v} the {n}.", f"{name} {w} la {m}.") for v, w in VERBS for n, m in NOUNS]


def nameless() -> list[tuple[str, str]]:
    return [(f"who {v} a {n}?", f"¿quién {w} una {m}?") for v, w in VERBS for n, m in NOUNS]


@pytest.fixture
def setting(write):
    """Makes a recipe with these pairs, and its text."""

    def make(*corpora, share=0.5, weight=1.0, languages=("en", "es"), **more):
        lines = ["".join(f"{s}\t{t}\n" for s, t in rows) for rows in corpora]
        folder = write({f"{i}.tsv": text for i, text in enumerate(lines)} | {"dev.tsv": "a b\tc\n"})
        column = {"source_field": "1", "target_field": "2"}
        train = [{"file": f"{i}.tsv", "weight": weight, **column} for i in range(len(lines))]
        data = {"folder": str(folder), "train": train, "dev": {"file": "dev.tsv", **column}}
        data["copying"] = {"share": share}
        codes = dict(zip(("source_language", "target_language"), languages, strict=True))
        recipe = parse_recipe({**codes, "data": data | more}, where="test")
        return recipe, read_text(recipe.data)

    return make


def tokenizer_of(text: ParallelText, spec: TokenizerSpec = SPEC) -> Tokenizer:
    letters = "".join(map(chr, range(33, 127)))
    return train_tokenizer([*text.training_texts(), letters], spec, family="m2m_100", seed=1)


def made_of(setting, *corpora, **options) -> list[MadePair]:
    recipe, text = setting(*corpora, **options)
    return CopyingMaker.of(text, recipe).epoch(0)


@pytest.mark.parametrize(
    ("source", "target", "names"),
    [
        ("Tom met Mary.", "Tom conoció a Mary.", ["Tom", "Mary"]),
        ("Tom met Mary.", "Tom conoció a María.", ["Tom"]),
        ("Tom's Tom.", "El Tom de Tom.", ["Tom"]),
        ("Tom said Tom won.", "Tom dijo que ganó.", []),
        ("I see tom.", "Veo a tom.", []),
        ("A 2nd try", "A 2nd", []),
    ],
)
def test_names_are_shared_where_both_sides_hold_them_equally_often(source, target, names):
    assert shared_names(source, target) == names


@pytest.mark.parametrize("corpus", [named(), nameless()], ids=["named", "nameless"])
def test_each_item_stands_equally_often_on_both_sides(setting, corpus):
    made = made_of(setting, corpus, share=1.0)
    assert len(made) == len(corpus)
    for pair in made:
        for _, item in pair.items:
            assert pair.source.count(item) == pair.target.count(item) >= 1


def test_a_shared_name_is_replaced_in_half_of_the_pairs(setting):
    made = made_of(setting, named(), share=1.0)
    assert 2 <= sum("Tom" not in pair.source and "Tom" not in pair.target for pair in made) <= 8
    assert all(("Tom" in pair.source) == ("Tom" in pair.target) for pair in made)


@pytest.mark.parametrize("name", ["No", "tom"], ids=["written small too", "never capital"])
def test_what_is_no_name_is_never_replaced(setting, name):
    corpus = [*named(name), *((f"I say {name.lower()}.", f"digo {name.lower()}.") for _ in "abc")]
    recipe, text = setting(corpus, share=1.0)
    maker = CopyingMaker.of(text, recipe)
    assert len(maker.corpora[0].named) == 0
    assert all(name.lower() in pair.source.lower() for pair in maker.epoch(0))


def test_a_name_that_is_once_mistyped_small_is_still_a_name(setting):
    corpus = [*named(), *named("Ann"), *named(), *named(), ("do you see tom?", "¿ves a tom?")]
    recipe, text = setting(corpus)
    assert CopyingMaker.of(text, recipe).names == {"Tom", "Ann"}


@pytest.mark.parametrize(
    ("pair", "spaces", "results"),
    [
        (
            ("Can you swim?", "¿Sabes nadar?"),
            (" ", " "),
            {
                "X Can you swim?|X ¿Sabes nadar?",
                "X, Can you swim?|X, ¿Sabes nadar?",
                "X: Can you swim?|X: ¿Sabes nadar?",
                "X - Can you swim?|X - ¿Sabes nadar?",
                "Can you swim? X|¿Sabes nadar? X",
                "Can you swim X?|¿Sabes nadar X?",
                "Can you swim, X?|¿Sabes nadar, X?",
                "Can you swim: X?|¿Sabes nadar: X?",
            },
        ),
        (
            ("I swim.", "我游泳。"),
            (" ", ""),
            {"X I swim.|X我游泳。", "I swim. X|我游泳。X", "I swim X.|我游泳X。"},
        ),
        (
            ("Yes, sir", "Sí, señor"),
            (" ", " "),
            {"Yes, X, sir|Sí, X, señor", "Yes X, sir|Sí X, señor"},
        ),
    ],
    ids=["two spaced languages", "one without spaces", "one comma each"],
)
def test_an_item_is_put_at_the_same_place_of_both_sides(pair, spaces, results):
    random = Random(1)
    found = {"|".join(insert(pair, "X", random, spaces=spaces)) for _ in range(400)}
    assert found >= results
    assert pair[0].count(",") or found == results


def test_epochs_are_pure_and_differ(setting):
    recipe, text = setting(named(), nameless())
    maker, other = CopyingMaker.of(text, recipe), CopyingMaker.of(text, recipe)
    first = maker.epoch(0)
    assert maker.epoch(1) != first == other.epoch(0)
    items = [{item for pair in maker.epoch(n) for _, item in pair.items} for n in (0, 1)]
    assert len(items[0] & items[1]) <= 1  # short ones such as %s may come again
    again = CopyingMaker.of(text, recipe.model_copy(update={"seed": 2}))
    assert again.epoch(0) != first


def test_every_real_pair_has_its_turn(setting):
    recipe, text = setting(nameless(), share=0.25)
    maker = CopyingMaker.of(text, recipe)
    verbs = [pair.source for number in range(4) for pair in maker.epoch(number)]
    assert len(verbs) == 16
    for source, _ in nameless():
        assert sum(source[:-1] in found for found in verbs) == 1


def training_of(
    recipe: Recipe, text: ParallelText, spec: TokenizerSpec = SPEC, marks=None
) -> tuple[CopyingTrainingSet, Tokenizer]:
    tokenizer = tokenizer_of(text, spec)
    plain = prepare(text, tokenizer, spec, seed=1, marks=marks)
    return with_copying(plain, text, tokenizer, recipe), tokenizer


def rows(side) -> list[list[int]]:
    return [side[i].tolist() for i in range(len(side))]


@pytest.mark.parametrize("alpha", [0.0, 0.2], ids=["plain", "sampling"])
def test_real_pairs_come_first_and_as_without_copying(setting, alpha):
    recipe, text = setting(named(), nameless(), share=0.5, weight=2.0)
    spec = SPEC.model_copy(update={"sampling_alpha": alpha})
    training, tokenizer = training_of(recipe, text, spec)
    plain = prepare(text, tokenizer, spec, seed=1)
    epoch, real = training.epoch(1), plain.epoch(1)
    assert rows(epoch.source)[: len(real)] == rows(real.source)
    assert rows(epoch.target)[: len(real)] == rows(real.target)
    made = training.maker.epoch(1)
    known = [p for p in made if (p.source + p.target).isascii()]
    assert len(made) == 32
    extra = rows(epoch.source)[len(real) :]
    assert all(tokenizer.encode([pair.source])[0] in extra for pair in known)


def test_what_cannot_be_used_is_left_out_and_counted(setting):
    recipe, text = setting(nameless(), share=1.0, cleaning={"max_source_pieces": 30})
    training, tokenizer = training_of(recipe, text)
    report = training.report_copying()
    assert report.pairs + report.too_long + report.unknown == 16
    assert report.pairs == len(training.epoch(0)) - 16
    assert report.too_long > 0
    assert training.epoch(0).source_lengths.max() <= 30
    source = training.epoch(0).source
    assert not any(tokenizer.unk_id in source[row] for row in range(len(source)))
    assert sum(report.items.values()) >= 16
    assert f"{report.too_long} too long" in report.to_text()
    assert report.to_json()["shared_name"] == 0


def test_no_pair_of_any_epoch_is_larger_than_what_the_budget_is_checked_for(setting):
    recipe, text = setting(named(), share=1.0, cleaning={"max_source_pieces": 40})
    training, _ = training_of(recipe, text)
    longest = max(int(training.epoch(n).source_lengths.max()) for n in range(20))
    assert longest <= training.longest


def test_nothing_is_marked_in_copying_pairs(setting):
    recipe, text = setting(named(), share=0.5)
    marks = Marks(*(type(Marks.nothing(1).cue).of([[0]] * 16) for _ in range(6)))
    training, _ = training_of(recipe, text, marks=[marks])
    epoch = training.epoch(0)
    assert epoch.marks is not None
    assert epoch.marks.cue.lengths.tolist() == [1] * 16 + [0] * (len(epoch) - 16)
    assert epoch.batch(np.arange(len(epoch)), 1).marks.cue.sum() == 16


def test_a_resumed_run_sees_the_same_batches(setting):
    recipe, text = setting(named(), nameless())
    training, tokenizer = training_of(recipe, text)
    spec = BatchStreamSpec(batch_tokens=600, pad_id=tokenizer.pad_id, seed=1)
    stream = BatchStream(training, spec)
    through = stream.window(3 * stream.batches_in_epoch())[-1]
    epoch, batch = stream.epoch, stream.batch - 1
    resumed = BatchStream(training, spec)
    resumed.seek(epoch, batch)
    assert (resumed.window(1)[0].target_ids == through.target_ids).all()
    plan = plan_batches(
        training.epoch(0).source_lengths, training.epoch(0).target_lengths,
        batch_tokens=600, seed=1, epoch=0,
    )  # fmt: skip
    assert sum(map(len, plan)) == len(training.epoch(0)) > 32


def test_held_out_text_and_the_vocabulary_are_left_alone(setting):
    _, text = setting(named(), share=1.0)
    _, plain = setting(named(), share=0.0)
    assert list(text.training_texts()) == list(plain.training_texts())
    assert text.hashes() == plain.hashes()


def test_an_epoch_may_have_no_copying_pair(setting):
    recipe, text = setting(nameless(), share=0.01)
    training, _ = training_of(recipe, text)
    assert training.report_copying().pairs == 0
    assert [len(training.maker.epoch(number)) for number in range(7)] == [0, 0, 0, 1, 0, 0, 0]
    assert len(training.epoch(0)) == 16
