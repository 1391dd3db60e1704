"""DiscEvalMT, MT-GenEval, ContraCAT and ctxPro: read as published, judged as their programs do."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binomtest

from seq2seq.errors import DataError
from seq2seq.evaluate.accuracy import accuracy_of, accuracy_of_blocks
from seq2seq.evaluate.answers import AnswerOptions
from seq2seq.evaluate.evaluation import Evaluation, System, evaluate_systems
from seq2seq.evaluate.item import Item, Place, Suite
from seq2seq.evaluate.report import to_json, to_text
from seq2seq.evaluate.suites.contracat import read_contracat
from seq2seq.evaluate.suites.ctxpro import read_ctxpro
from seq2seq.evaluate.suites.discevalmt import read_discevalmt
from seq2seq.evaluate.suites.mt_geneval import read_mt_geneval
from seq2seq.translate import Translator
from tests.evaluate import evaluators
from tests.evaluate.random_models import random_translator


def evaluated(suite: Suite, translator: Translator, **asked: Any) -> Evaluation:
    return evaluate_systems(
        suite, Path("here"), [System("m", ("m",))], AnswerOptions(**asked),
        open_model=lambda _: translator, say=lambda *_: None,
    )  # fmt: skip


def texts_of(suite: Suite) -> list[str]:
    return [text for item in suite.items for text in (item.source, item.good, *item.bads)]


def write(folder: Path, name: str, lines: Sequence[str]) -> Path:
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def verdicts(suite: Suite, items: Sequence[Item], texts: Sequence[str]) -> list[bool]:
    return [one is not None and one.right for one in suite.judge(items, texts)]


NOUNS = ["bâtiments", "immeubles", "maisons", "tours"]


def anaphora() -> dict[str, Any]:
    """Three blocks: what is right after two nouns is wrong after the other two."""
    blocks = {}
    for number, quality in enumerate(["vieux", "neufs", "grands"], start=1):
        answers = []
        for place, noun in enumerate(NOUNS):
            mine, other = ("Ils", "Elles") if place < 2 else ("Elles", "Ils")
            before = f"Les {noun} sont là."
            kind = "correct" if place % 2 == 0 else "semi-correct"
            answers.append(
                {
                    kind: [before, f"{mine} sont {quality}."],
                    "incorrect": [before, f"{other} sont {quality}."],
                    "type": "m.pl" if place < 2 else "f.pl",
                }
            )
        blocks[str(number)] = {
            "src": ["The houses are there.", f"They are {quality}."],
            "trg": answers,
        }
    return blocks


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_model_of_single_sentences_is_right_in_exactly_half(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "anaphora.json"
    path.write_text(json.dumps(anaphora()), encoding="utf-8")
    suite = read_discevalmt(path)
    found = evaluated(suite, random_translator(texts_of(suite), seed=seed))
    report = to_json(found)["conditions"][0]
    assert report["contrastive"]["accuracy"] == 0.5
    assert report["contrastive"]["interval"] == [0.5, 0.5]
    assert report["contrastive"]["blocks"][0]["accuracy"] == 0
    (answers,) = (condition.seeds[0].answers for condition in found.conditions)
    lines = [score for row in answers.scores for score in row or ()]
    ours = [bool(one) for one in found.conditions[0].seeds[0].contrastive]
    assert ours == evaluators.discevalmt_correct(lines)
    assert len(set(answers.texts)) <= 3  # one source a block


def test_anaphora_is_the_same_from_json_and_from_text(tmp_path: Path) -> None:
    path = tmp_path / "anaphora.json"
    path.write_text(json.dumps(anaphora()), encoding="utf-8")
    items = read_discevalmt(path).items
    assert items[1].tags == {"type": "m.pl", "reference": "semi-correct"}
    assert (items[2].expected, items[2].unexpected) == (("elles",), ("ils",))
    assert items[0].target_context == ("Les bâtiments sont là.",)
    for name, lines in {
        "prev.en": [t for i in items for t in i.source_context * 2],
        "current.en": [t for i in items for t in (i.source, i.source)],
        "prev.fr": [t for i in items for t in i.target_context * 2],
        "current.fr": [t for i in items for t in (i.good, *i.bads)],
    }.items():
        write(tmp_path, f"anaphora.{name}", lines)
    text = read_discevalmt(tmp_path / "anaphora").items
    assert [Item(**{**vars(i), "tags": {}}) for i in items] == list(text)
    with pytest.raises(DataError, match="a folder may hold both sets"):
        read_discevalmt(tmp_path)


def test_lexical_choice_has_a_source_for_each_example(tmp_path: Path) -> None:
    examples = [
        {"src": ["It is mad.", "Mad?"],
         "trg": {"correct": [f"C'est {a}.", f"{a} ?"], "incorrect": [f"C'est {a}.", f"{b} ?"]}}
        for a, b in (("dingue", "fou"), ("fou", "dingue"))
    ]  # fmt: skip
    path = tmp_path / "lexical-choice.json"
    path.write_text(json.dumps({"7": {"type": "repet", "examples": examples}}), encoding="utf-8")
    suite = read_discevalmt(path)
    assert [(i.id, i.block, i.tags) for i in suite.items] == [
        ("7.1", "7", {"type": "repet"}),
        ("7.2", "7", {"type": "repet"}),
    ]
    assert suite.given_target_context
    assert verdicts(suite, suite.items, ["C'est dingue ?", "dingue fou"]) == [True, True]
    found = evaluated(suite, random_translator(texts_of(suite)), generated=False)
    assert to_json(found)["conditions"][0]["contrastive"]["accuracy"] == 0.5


def contextual(folder: Path) -> Path:
    stem = "geneval-context-wikiprofessions-{}-dev.en_es.{}"
    write(folder, stem.format("original", "es"), ["Es un autor.", "La jefa llegó.", "Habla."])
    write(folder, stem.format("flipped", "es"), ["Es una autora.", "El jefe llegó.", "Habla."])
    sources = ["He sat. <sep> Ann is an author.", "She sat. <sep> The boss came.", "Speaks."]
    return write(folder, stem.format("2to1", "en"), sources)


def test_mt_geneval_takes_context_references_and_the_other_gender_s(tmp_path: Path) -> None:
    suite = read_mt_geneval(contextual(tmp_path))
    first, _, last = suite.items
    assert (first.source, first.source_context) == ("Ann is an author.", ("He sat.",))
    assert (first.good, first.bads) == ("Es un autor.", ("Es una autora.",))
    assert (first.expected, first.unexpected) == (("autor", "un"), ("autora", "una"))
    assert (last.bads, last.source_context, suite.languages) == ((), (), ("en", "es"))
    assert any("1 items have one reference for both genders" in note for note in suite.notes)
    found = evaluated(suite, random_translator(texts_of(suite)))
    report = to_json(found)["conditions"][0]
    assert (report["contrastive"]["items"], report["generated"]["items"]) == (2, 3)
    assert report["unambiguous"]["items"] == 2
    assert "blocks" not in to_text(found).splitlines()[2]


def test_mt_geneval_decides_as_its_program_does(tmp_path: Path) -> None:
    suite, rng = read_mt_geneval(contextual(tmp_path)), random.Random(3)
    words = [
        "un",
        "Una",
        "autor.",
        "(autora)",
        "autora-jefa",
        "jefe",
        "La",
        "llegó",
        "es",
        "—autora",
    ]
    items = [rng.choice(suite.items) for _ in range(3000)]
    texts = [" ".join(rng.choices(words, k=rng.randint(0, 4))) for _ in items]
    ours = verdicts(suite, items, texts)
    assert ours == [
        evaluators.mt_geneval_decision(text, item.good, item.bads[0] if item.bads else item.good)
        for item, text in zip(items, texts, strict=True)
    ]
    assert 0.2 < sum(ours) / len(ours) < 0.9


def test_counterfactual_sentences_are_pairs_that_count_together_too(tmp_path: Path) -> None:
    stem = "geneval-sentences-{}-dev.en_de.{}"
    write(tmp_path, stem.format("feminine", "de"), ["Sie ist Autorin.", "Sie singt."])
    write(tmp_path, stem.format("masculine", "de"), ["Er ist Autor.", "Er singt."])
    write(tmp_path, stem.format("masculine", "en"), ["He is an author.", "He sings."])
    path = write(tmp_path, stem.format("feminine", "en"), ["She is an author.", "She sings."])
    suite = read_mt_geneval(path)
    assert [(i.id, i.block, i.good, i.bads[0]) for i in suite.items[:2]] == [
        ("1.feminine", "1", "Sie ist Autorin.", "Er ist Autor."),
        ("1.masculine", "1", "Er ist Autor.", "Sie ist Autorin."),
    ]
    assert read_mt_geneval(tmp_path / stem.format("masculine", "en")).items == suite.items
    texts = ["Autor.", "Autor.", "Sie singt.", "Er singt."]
    right = [float(one) for one in verdicts(suite, suite.items, texts)]
    assert right == [0, 1, 1, 1]
    blocks = accuracy_of_blocks(suite.items, right)
    assert blocks is not None
    assert (blocks.value, blocks.items) == (0.5, 2)  # both of a pair, as the paper counts
    (tmp_path / stem.format("masculine", "de")).unlink()
    with pytest.raises(DataError, match=r"no geneval-sentences-masculine-dev\.en_de\.de"):
        read_mt_geneval(path)
    with pytest.raises(DataError, match="a folder, needed one file of English sentences: geneval-"):
        read_mt_geneval(tmp_path)


def template(folder: Path, genders: Sequence[str]) -> Path:
    write(
        folder,
        "en.txt",
        ["The cat ate. <SEP> It was big."] * 3 + ["The dog ate. <SEP> It was big."] * 3,
    )
    write(folder, "de.txt", [
        f"{noun} aß. <SEP> {form} war groß."
        for noun in ("Die Katze", "Der Hund") for form in ("Er", "Sie", "Es")
    ])  # fmt: skip
    write(folder, "genders.txt", genders)
    return folder


def test_templates_of_contracat_are_judged_as_its_program_does(tmp_path: Path) -> None:
    suite = read_contracat(template(tmp_path, ["f"] * 3 + ["m"] * 3))
    assert [(i.good, i.expected, i.unexpected) for i in suite.items] == [
        ("Sie war groß.", ("sie",), ("er", "es")),
        ("Er war groß.", ("er",), ("es", "sie")),
    ]
    assert suite.items[0].target_context == ("Die Katze aß.",)
    for seed in range(4):
        found = evaluated(suite, random_translator(texts_of(suite), seed=seed), generated=False)
        scores = {
            (item.id, text): score
            for item, row in zip(
                suite.items, found.conditions[0].seeds[0].answers.scores, strict=True
            )
            for text, score in zip((item.good, *item.bads), row or (), strict=True)
        }
        lines = [
            scores[item.id, f"{form} war groß."]
            for item in suite.items
            for form in ("Er", "Sie", "Es")
        ]
        official = evaluators.contracat_correct(lines, ["f"] * 3 + ["m"] * 3)
        assert [bool(x) for x in found.conditions[0].seeds[0].contrastive] == official


def test_templates_without_a_right_answer_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'mf', needed m, f or n; this template asks for a prior"):
        read_contracat(template(tmp_path, ["mf"] * 6))
    (tmp_path / "genders.txt").unlink()
    with pytest.raises(DataError, match="0 files of ContraPro's JSON here, needed one"):
        read_contracat(tmp_path)


def ctxpro(folder: Path) -> Path:
    records = [
        {"src pronoun": "it", "expected": "ihn", "ante distance": 1, "ref segment": "Ich sah ihn.",
         "src segment": "I saw it.", "src ante head": "hammer", "rule": "ACC.MASC",
         "document id": "en-de/1"},
        {"expected": "Sie wissen", "ref segment": "Sie wissen es.", "src segment": "You know it.",
         "rule": "FORMAL", "document id": "en-de/2"},
    ]  # fmt: skip
    path = folder / "gender.opensubtitles.en-de.dev.json"
    path.write_text(json.dumps(records), encoding="utf-8")
    return path


def test_ctxpro_is_read_with_the_contexts_beside_it(tmp_path: Path) -> None:
    path = ctxpro(tmp_path)
    bare = read_ctxpro(path)
    assert "no context stands beside the JSON file" in bare.notes
    lines = ["Look!<eos> The hammer.<eos> I saw it.", "Yes.<eos> You know it."]
    write(tmp_path, "gender.opensubtitles.en-de.dev", lines)
    suite = read_ctxpro(path)
    first, second = suite.items
    assert first.source_context == ("Look!", "The hammer.")
    assert first.antecedents == (Place(1, 4, 10),)
    assert first.tags == {"rule": "ACC.MASC", "distance": "1", "pronoun": "it:ihn"}
    assert (second.expected, second.cluster, second.bads) == (("sie wissen",), "en-de/2", ())
    write(tmp_path, "gender.opensubtitles.en-de.dev", ["Look!<eos> The hammer.", "Yes."])
    assert read_ctxpro(path).items == suite.items[:0] + tuple(
        Item(**{**vars(i), "source_context": c}) for i, c in
        zip(suite.items, [("Look!", "The hammer."), ("Yes.",)], strict=True)
    )  # fmt: skip
    report = to_json(evaluated(suite, random_translator(texts_of(suite))))["conditions"][0]
    assert "contrastive" not in report
    assert "unambiguous" not in report
    assert report["generated"]["items"] == 2


def test_ctxpro_passes_what_its_program_passes(tmp_path: Path) -> None:
    suite, rng = read_ctxpro(ctxpro(tmp_path)), random.Random(1)
    words = ["ihn", "Ihn,", "ihn's", "sie", "Sie", "wissen", "wissen.", "ich", "sah", "(ihn)"]
    items = [rng.choice(suite.items) for _ in range(3000)]
    texts = [" ".join(rng.choices(words, k=rng.randint(0, 4))).replace(". ", ", ") for _ in items]
    ours = verdicts(suite, items, texts)
    assert ours == [
        evaluators.ctxpro_passes(text, item.expected[0])
        for item, text in zip(items, texts, strict=True)
    ]
    assert 0.1 < sum(ours) / len(ours) < 0.9
    assert verdicts(suite, suite.items[:1] * 2, ["Ihn? Ich sah sie.", "Sie? Ich sah ihn."]) == [
        False,
        True,
    ]


@pytest.mark.shared_data
def test_published_sets_are_whole_and_their_references_right(shared_data: Path) -> None:
    context = shared_data / "context"
    sets = [
        (read_discevalmt(context / "discourse-mt" / "anaphora.json"), 200, 50),
        (read_discevalmt(context / "discourse-mt" / "lexical-choice.json"), 200, 100),
        (read_discevalmt(context / "discourse-mt" / "anaphora"), 200, 50),
    ]
    for code, pairs in (("de", 598), ("es", 534), ("fr", 477)):
        folder, stem = context / "mt-geneval", "geneval-{}-dev.en_{}.en"
        names = (
            stem.format(kind, code)
            for kind in ("context-wikiprofessions-2to1", "sentences-feminine")
        )
        two, one = (read_mt_geneval(folder / name) for name in names)
        sets += [(two, pairs, 1), (one, 2400, 1200)]
    for suite, items, blocks in sets:
        assert (len(suite.items), len({item.block for item in suite.items})) == (items, blocks)
        assert all(verdicts(suite, suite.items, [item.good for item in suite.items]))
    lexical, anaphora_set = sets[1][0], sets[0][0]
    assert lexical.notes == ()
    assert "2 items have no counterpart with right and wrong exchanged" in anaphora_set.notes[0]
    for suite, away in ((lexical, 0), (anaphora_set, 1)):
        found = evaluated(suite, random_translator(texts_of(suite)), generated=False)
        right = sum(one or 0 for one in found.conditions[0].seeds[0].contrastive)
        assert abs(right - 100) <= away


def test_all_or_none_right_is_as_sure_as_the_clusters_are_many() -> None:
    items = [Item(id=str(n), source="", cluster=str(n // 2)) for n in range(22)]
    for value, right in ((1.0, 11), (0.0, 0)):
        found = accuracy_of(items, [value] * 22)
        exact = binomtest(right, 11).proportion_ci(method="exact")
        assert found is not None
        assert found.interval == pytest.approx((exact.low, exact.high))
    assert accuracy_of(items[:2], [1.0, 1.0]).interval is None  # type: ignore[union-attr]
