"""With and without context: what a model is given, and what it can do with it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from seq2seq.decode.lengths import Ids
from seq2seq.decode.options import ForcedScore
from seq2seq.documents import InContext, score_in_context, translate_in_context
from seq2seq.engines.native import NativeEngine
from seq2seq.errors import ModelError
from seq2seq.evaluate.answers import AnswerOptions, answers_of, contexts_of
from seq2seq.evaluate.evaluation import Evaluation, System, evaluate_systems
from seq2seq.evaluate.item import Item, Suite
from seq2seq.evaluate.judging import judge_by_word
from seq2seq.evaluate.report import to_json, to_text
from seq2seq.translate import Translator
from tests.evaluate.random_models import random_translator

NOUNS = {"murs": "Ils", "lacs": "Ils", "tours": "Elles", "dunes": "Elles"}


def suite(*, given: bool = True) -> Suite:
    """Three mirrored blocks: the noun that decides stands in the sentence before."""
    items = [
        Item(
            id=f"{quality}.{noun}",
            source=f"They are {quality}.",
            cluster=quality,
            good=f"{right} sont {quality}.",
            bads=(f"{'Elles' if right == 'Ils' else 'Ils'} sont {quality}.",),
            source_context=("Far away.", "Look there."),
            target_context=("Au loin.", f"Les {noun} sont là."),
            block=quality,
            expected=(right.lower(),),
            tags={"pronoun": right.lower()},
        )
        for quality in ("old", "new", "tall")
        for noun, right in NOUNS.items()
    ]
    return Suite("mirrored", ("en", "fr"), tuple(items), judge_by_word(), "rule", (), given)


def texts_of(asked: Suite) -> list[str]:
    return [
        text
        for item in asked.items
        for text in (item.source, item.good, *item.bads, *item.source_context, *item.target_context)
    ]


class Reader(NativeEngine):
    """Scores a pronoun by the noun that its decoder was shown, or by habit where it saw none.

    Planted: `listens` says whether it looks at what stands before the sentence at all.
    """

    def __init__(self, translator: Translator, *, listens: bool):
        super().__init__(translator.model)
        backend, self.listens = translator.tokenizer.backend, listens
        self.gender = {backend.token_to_id(noun): pronoun for noun, pronoun in NOUNS.items()}
        self.pronoun = {backend.token_to_id(word): word for word in ("Ils", "Elles")}

    def _score_batch(
        self, sources: Sequence[Ids], targets: Sequence[Ids], first_id: int | None
    ) -> list[ForcedScore]:
        return [ForcedScore(tuple(self._scores(list(target)))) for target in targets]

    def _scores(self, target: list[int]) -> list[float]:
        shown = [self.gender[piece] for piece in target if piece in self.gender]
        wanted = shown[-1] if shown and self.listens else "Ils"
        return [-1.0 if self.pronoun.get(piece, wanted) != wanted else 0.0 for piece in target]


def evaluated(asked: Suite, translator: Translator, how: AnswerOptions) -> Evaluation:
    return evaluate_systems(
        asked, Path("here"), [System("m", ("m",))], how, open_model=lambda _: translator,
        say=lambda *_: None,
    )  # fmt: skip


@pytest.mark.parametrize(("listens", "with_context"), [(True, 1.0), (False, 0.5)])
def test_a_model_that_reads_context_is_right_with_it_and_in_half_without(
    listens: bool, with_context: float
) -> None:
    asked = suite()
    translator = random_translator(texts_of(asked), context=(1, 1))
    translator.engine = Reader(translator, listens=listens)
    found = evaluated(asked, translator, AnswerOptions(generated=False))
    report = to_json(found)
    assert [one["context"] for one in report["conditions"]] == [0, 1]
    assert [one["contrastive"]["accuracy"] for one in report["conditions"]] == [0.5, with_context]
    assert report["conditions"][1]["contrastive"]["blocks"][0]["accuracy"] == 2 * with_context - 1
    compared = report["comparisons"]["contrastive"]["randomization"]["conditions"][1]
    assert (compared["condition"], compared["difference"]) == ("m + 1 sentence", with_context - 0.5)
    text = to_text(found)
    assert "2  m + 1 sentence" in text
    assert "against 1" in text


@pytest.mark.parametrize("context", [(1, 0), (1, 1), (2, 1)])
def test_scores_and_translations_are_those_of_the_sentence_behind_its_context(
    context: tuple[int, int],
) -> None:
    asked = suite()
    translator = random_translator(texts_of(asked), context=context)
    assert contexts_of(translator, asked, AnswerOptions()) == (0, max(context))
    assert contexts_of(translator, asked, AnswerOptions(context=0)) == (0,)
    assert contexts_of(translator, asked, AnswerOptions(context=1)) == (0, 1)
    found = answers_of(translator, asked, AnswerOptions(), lambda *_: None, context=max(context))
    for item, row, text in zip(asked.items, found.scores, found.texts, strict=True):
        before = (item.source_context[-max(context) :], item.target_context[-max(context) :])
        source = InContext(item.source, *before)
        forced = score_in_context(translator, [source] * 2, [item.good, *item.bads])
        assert row == pytest.approx([one.log_probability for one in forced], abs=1e-4)
        assert text == translate_in_context(translator, [source])[0].text


def test_where_a_suite_does_not_give_it_a_model_goes_on_from_its_own_translation() -> None:
    asked = suite(given=False)
    translator = random_translator(texts_of(asked), context=(1, 1))
    item = asked.items[0]
    (own,) = translate_in_context(translator, [InContext(item.source, ("Look there.",))])
    (given,) = translate_in_context(
        translator, [InContext(item.source, ("Look there.",), item.target_context[-1:])]
    )
    assert own.text != given.text  # else nothing is shown here
    found = answers_of(
        translator, asked, AnswerOptions(contrastive=False), lambda *_: None, context=1
    )
    assert found.texts[0] == own.text


def test_a_model_of_single_sentences_is_asked_without_context_and_that_is_said() -> None:
    asked = suite()
    translator = random_translator(texts_of(asked))
    found = evaluated(asked, translator, AnswerOptions(context=2, generated=False))
    assert [one.context for one in found.conditions] == [0]
    assert found.notes[-1].startswith("no model here takes context that the suite has")


def test_context_that_does_not_fit_is_counted() -> None:
    asked = suite()
    translator = random_translator(texts_of(asked), context=(2, 1), positions=11)
    found = evaluated(asked, translator, AnswerOptions(generated=False))
    assert "m: 12 items have more context than fits; its oldest pieces were left out" in found.notes
    wide = random_translator(texts_of(asked), context=(2, 1))
    assert evaluated(asked, wide, AnswerOptions(generated=False)).notes == ()


def test_seeds_of_one_system_must_take_the_same_context() -> None:
    asked = suite()
    models = {
        "a": random_translator(texts_of(asked), context=(1, 0)),
        "b": random_translator(texts_of(asked)),
    }
    with pytest.raises(ModelError, match="a,b: its seeds take different contexts"):
        evaluate_systems(
            asked, Path("here"), [System("a,b", ("a", "b"))], AnswerOptions(generated=False),
            open_model=models.__getitem__, say=lambda *_: None,
        )  # fmt: skip
