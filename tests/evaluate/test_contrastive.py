"""ContraPro and its French sister: read in every published form, judged as their programs do."""

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import DataError, ModelError
from seq2seq.evaluate.answers import AnswerOptions, Answers, answers_of
from seq2seq.evaluate.evaluation import Evaluation, System, evaluate_systems
from seq2seq.evaluate.item import Item, Place, Suite
from seq2seq.evaluate.judging import exchanged_words
from seq2seq.evaluate.report import to_json, to_text
from seq2seq.evaluate.suites.contrapro import read_contrapro
from seq2seq.evaluate.suites.contrastive_fr import read_contrastive_fr
from seq2seq.translate import Translator
from tests.evaluate import evaluators
from tests.evaluate.random_models import random_translator

NOUNS = {"Hammer": "er", "Lampe": "sie", "Buch": "es", "Tisch": "er", "Tasse": "sie"}
ENGLISH = {"Hammer": "hammer", "Lampe": "lamp", "Buch": "book", "Tisch": "table", "Tasse": "cup"}
QUALITIES = [("alt", "old"), ("neu", "new"), ("schwer", "heavy"), ("klein", "small")]


def evaluated(suite: Suite, path: Path, translator: Translator, **asked: Any) -> Evaluation:
    """One model without context."""
    return evaluate_systems(
        suite, path, [System("m", ("m",))], AnswerOptions(**asked), open_model=lambda _: translator,
        say=quiet,
    )  # fmt: skip


def quiet(_: str, _done: int, _of: int) -> None:
    pass


def contrapro() -> list[dict[str, Any]]:
    """Twenty items in five documents: the noun stands 0, 1 or 5 sentences before its pronoun."""
    records = []
    for noun, pronoun in NOUNS.items():
        for number, (german, english) in enumerate(QUALITIES):
            distance = [1, 0, 5, 1][number]
            lead, gloss = (
                (f"Ich habe {noun} und ", f"I have a {ENGLISH[noun]} and ")
                if distance == 0
                else ("", "")
            )
            said = [f"{lead}{form} ist {german}." for form in ("er", "sie", "es")]
            right = said[["er", "sie", "es"].index(pronoun)]
            records.append(
                {
                    "src segment": f"{gloss}it is {english}.", "ref segment": right,
                    "src pronoun": "It" if number == 3 else "it", "ref pronoun": pronoun,
                    "ante distance": distance, "document id": f"film of {noun}",
                    "src ante head": ENGLISH[noun],
                    "errors": [
                        {"contrastive": text, "replacement": form}
                        for form, text in zip(("er", "sie", "es"), said, strict=True)
                        if form != pronoun
                    ],
                }
            )  # fmt: skip
    return records


@pytest.fixture
def json_file(tmp_path: Path) -> Path:
    path = tmp_path / "contrapro.json"
    path.write_text(json.dumps(contrapro()), encoding="utf-8")
    return path


def texts_of(suite: Suite) -> list[str]:
    return [text for item in suite.items for text in (item.source, item.good, *item.bads)]


def test_an_annotated_item_says_all_that_its_record_says(json_file: Path) -> None:
    item = read_contrapro(json_file).items[1]
    assert item == Item(
        id="2",
        source="I have a hammer and it is new.",
        cluster="film of Hammer",
        good="Ich habe Hammer und er ist neu.",
        bads=("Ich habe Hammer und sie ist neu.", "Ich habe Hammer und es ist neu."),
        expected=("er",),
        unexpected=("es", "sie"),
        tags={"pronoun": "it:er", "distance": "0"},
        pronoun=Place(0, 20, 22),
        antecedents=(Place(0, 9, 15),),
    )
    assert item.source[9:15] == "hammer"


def test_forced_choices_are_those_of_the_suite_s_program(json_file: Path) -> None:
    suite = read_contrapro(json_file)
    for seed in range(3):
        translator = random_translator(texts_of(suite), seed=seed)
        found = evaluated(suite, json_file, translator, generated=False)
        lines = [s for row in found.conditions[0].seeds[0].answers.scores for s in row or ()]
        official = evaluators.contrapro_results(contrapro(), lines)
        ours = found.conditions[0].seeds[0].contrastive
        assert [bool(one) for one in ours] == official["correct"]
        report = to_json(found)["conditions"][0]["contrastive"]
        assert report["accuracy"] == pytest.approx(sum(official["correct"]) / 20)
        for tag, table in (("pronoun", "by_pronoun"), ("distance", "by_distance")):
            counted = {
                name: (round(one["accuracy"] * one["items"]), one["items"])
                for name, one in report["by"][tag].items()
            }
            assert counted == official[table]


def test_what_a_model_writes_is_judged_as_the_suite_s_program_does(json_file: Path) -> None:
    suite, rng = read_contrapro(json_file), random.Random(5)
    words = [
        "er",
        "sie",
        "es",
        "Er",
        "er,",
        "(sie)",
        "ers",
        "gibt's",
        "Hammer",
        "es-",
        "ist",
        "„Sie",
    ]
    texts = [" ".join(rng.choices(words, k=rng.randint(0, 5))) for _ in range(4000)]
    items = [suite.items[n % len(suite.items)] for n in range(len(texts))]
    ours = [one.right for one in suite.judge(items, texts) if one is not None]
    official = [
        evaluators.contrapro_generated(item.expected[0], text)
        for item, text in zip(items, texts, strict=True)
    ]
    assert ours == official
    assert 0.2 < sum(ours) / len(ours) < 0.8


def test_a_translation_that_shows_both_pronouns_is_right_but_ambiguous(json_file: Path) -> None:
    suite = read_contrapro(json_file)
    both, one = suite.judge(suite.items[:1] * 2, ["Er ist alt, sie auch.", "Er ist alt."])
    assert both is not None
    assert one is not None
    assert (both.right, both.unambiguous, one.right, one.unambiguous) == (True, False, True, True)


def test_equal_scores_are_wrong_and_said(json_file: Path) -> None:
    suite = read_contrapro(json_file)
    item = suite.items[0]
    same = Suite(
        suite.name,
        suite.languages,
        (Item(**{**vars(item), "bads": (item.good,)}),),
        suite.judge,
        "",
    )
    translator = random_translator(texts_of(suite))
    found = evaluated(same, json_file, translator, generated=False)
    assert to_json(found)["conditions"][0]["contrastive"]["accuracy"] == 0
    assert any("1 items have a wrong translation that scores as much" in n for n in found.notes)


def test_text_and_annotation_give_the_same_items(json_file: Path, tmp_path: Path) -> None:
    source, target, starts = [], [], []
    for record in contrapro():
        starts.append(len(source))
        for said in (record["ref segment"], *(one["contrastive"] for one in record["errors"])):
            source.append(f"Look! <SEP> {record['src segment']}")
            target.append(f"Schau! <SEP> {said}")
    for name, lines in (("text.en", source), ("text.de", target), ("text.groups", starts)):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    annotated = read_contrapro(json_file).items
    text = read_contrapro(tmp_path / "text")
    assert [(i.source, i.good, i.bads, i.expected, i.unexpected) for i in text.items] == [
        (i.source, i.good, i.bads, i.expected, i.unexpected) for i in annotated
    ]
    assert {i.source_context for i in text.items} == {("Look!",)}
    assert {i.target_context for i in text.items} == {("Schau!",)}
    (tmp_path / "text.groups").unlink()
    json_file.rename(tmp_path / "text.json")
    assert [i.tags for i in read_contrapro(tmp_path / "text").items] == [i.tags for i in annotated]
    (tmp_path / "text.json").unlink()
    with pytest.raises(
        DataError, match=r"where its groups begin is not known; needed text\.groups"
    ):
        read_contrapro(tmp_path / "text")


def test_context_files_beside_the_annotation_are_read(json_file: Path) -> None:
    number = sum(1 + len(record["errors"]) for record in contrapro())
    for code in ("en", "de"):
        lines = "".join(
            f"far {n} {code}\n\n" if n == 0 else f"far {n} {code}\nnear\n" for n in range(number)
        )
        json_file.with_name(f"contrapro.context.{code}").write_text(lines, encoding="utf-8")
    items = read_contrapro(json_file).items
    assert items[0].source_context == ("far 0 en",)  # a document's first sentences have less
    assert items[1].source_context == ("far 3 en", "near")
    assert items[1].target_context == ("far 3 de", "near")
    json_file.with_name("contrapro.context.de").write_text("near\n" * 7, encoding="utf-8")
    with pytest.raises(DataError, match=r"contrapro\.context\.de has 7 lines, needed as many"):
        read_contrapro(json_file)


def test_an_antecedent_in_the_context_is_found_where_it_stands_once(json_file: Path) -> None:
    number = sum(1 + len(record["errors"]) for record in contrapro())
    for code in ("en", "de"):
        path = json_file.with_name(f"contrapro.context.{code}")
        path.write_text("There is a hammer.\n" * number, encoding="utf-8")
    first, *_, last = read_contrapro(json_file).items
    assert first.antecedents == (Place(1, 11, 17),)
    assert last.antecedents == ()  # the context holds no cup


def french(path: Path) -> Path:
    rows = [
        {"source": "They see you.", "good": "Elles vous voient.", "bad": "Ils vous voient.",
         "source_context": "The girls come.", "target_context": "Les filles viennent."},
        {"source": "Is it old?", "good": "Est-il grand ?", "bad": "Est-elle grande ?",
         "source_context": "", "target_context": ""},
        {"source": "They say they sleep.", "good": "Elles disent qu'elles dorment.",
         "bad": "Elles disent qu'ils dorment.", "source_context": ["One.", "Two."],
         "target_context": ["Un.", "Deux."]},
    ]  # fmt: skip
    file = path / "fr.jsonl.gz"
    with gzip.open(file, "wt", encoding="utf-8") as stream:
        stream.write("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_french_pairs_are_read_from_json_lines_and_from_the_published_text(tmp_path: Path) -> None:
    items = read_contrastive_fr(french(tmp_path)).items
    assert [item.expected for item in items] == [("elles",), ("il",), ("elles",)]
    assert [item.unexpected for item in items] == [("ils",), ("elle",), ("ils",)]
    assert [item.source_context for item in items] == [("The girls come.",), (), ("One.", "Two.")]
    lines = {
        "current.src": [text for item in items for text in (item.source, item.source)],
        "current.trg": [text for item in items for text in (item.good, *item.bads)],
        "context.src": [
            text for item in items for _ in range(2) for text in ("", *item.source_context, "")[-2:]
        ],
        "context.trg": [
            text for item in items for _ in range(2) for text in ("", *item.target_context, "")[-2:]
        ],
    }
    for name, texts in lines.items():
        (tmp_path / f"UN.{name}").write_text("".join(f"{t}\n" for t in texts), encoding="utf-8")
    for where in (tmp_path / "UN", tmp_path):
        text = read_contrastive_fr(where).items
        assert [(i.source, i.good, i.bads, i.tags) for i in text] == [
            (i.source, i.good, i.bads, i.tags) for i in items
        ]
    (tmp_path / "UN.context.src").write_text("a\nb\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"UN\.context\.src has 2, UN\.context\.trg has 12 lines"):
        read_contrastive_fr(tmp_path / "UN")


def test_french_choices_are_those_of_a_comparison_line_by_line(tmp_path: Path) -> None:
    suite = read_contrastive_fr(french(tmp_path))
    translator = random_translator(texts_of(suite))
    found = answers_of(translator, suite, AnswerOptions(), quiet)
    lines = [s for row in found.scores for s in row or ()]
    assert [
        row is not None and row[0] > row[1] for row in found.scores
    ] == evaluators.french_results(lines)


def test_scores_are_sums_of_log_probabilities_with_the_end(tmp_path: Path) -> None:
    suite = read_contrastive_fr(french(tmp_path))
    translator = random_translator(texts_of(suite))
    item, tokenizer = suite.items[0], translator.tokenizer
    (forced,) = translator.engine.score(
        tokenizer.encode([item.source]), tokenizer.encode_target([item.good])
    )
    assert len(forced.token_log_probabilities) == len(["Elles", "vous", "voient", "."]) + 1
    row = answers_of(translator, suite, AnswerOptions(generated=False), quiet).scores[0]
    assert row is not None
    assert row[0] == pytest.approx(sum(forced.token_log_probabilities), abs=1e-4)


def test_every_occurrence_of_an_exchanged_word_counts() -> None:
    good, bad = "elles disent qu'elles dorment", "elles disent qu'ils dorment"
    assert exchanged_words(good, [bad]) == (("elles",), ("ils",))
    assert exchanged_words("er geht", ["sie geht", "es geht"]) == (("er",), ("es", "sie"))


def test_a_text_that_is_too_long_for_the_model_counts_as_wrong_and_is_said(tmp_path: Path) -> None:
    suite = read_contrastive_fr(french(tmp_path))
    translator = random_translator(texts_of(suite), positions=7)
    found = evaluated(suite, tmp_path, translator, generated=False)
    assert found.conditions[0].seeds[0].answers.scores[2] is None
    assert "m: 1 items are longer than it can read; they count as wrong" in found.notes
    assert to_json(found)["conditions"][0]["contrastive"]["items"] == 3


def test_a_model_of_other_languages_is_refused(json_file: Path) -> None:
    suite = read_contrapro(json_file)
    translator = random_translator(texts_of(suite))
    translator.languages = ("en", "es")
    with pytest.raises(
        ModelError, match=r"m: its target language is 'es', ContraPro here needs 'de'"
    ):
        evaluated(suite, json_file, translator)


def test_seeds_are_averaged_and_systems_compared_over_whole_clusters(json_file: Path) -> None:
    suite = read_contrapro(json_file)
    models = {f"m{n}": random_translator(texts_of(suite), seed=n) for n in range(4)}
    systems = [System("one", ("m0",)), System("three", ("m1", "m2", "m3"))]
    found = evaluate_systems(
        suite,
        json_file,
        systems,
        AnswerOptions(generated=False),
        open_model=models.__getitem__,
        say=quiet,
    )
    report = to_json(found)
    three = report["conditions"][1]["contrastive"]
    assert three["accuracy"] == pytest.approx(sum(three["seeds"]) / 3, abs=1e-4)
    assert three["clusters"] == 5
    swapped = report["comparisons"]["contrastive"]["randomization"]
    assert swapped["signature"].startswith("#:1|ar:exact")  # 2 ** 5 ways to swap five documents
    difference = swapped["conditions"][1]["difference"]
    assert difference == pytest.approx(
        three["accuracy"] - report["conditions"][0]["contrastive"]["accuracy"], abs=2e-4
    )
    assert "seeds" in to_text(found)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{}", "needed a list of items, found dict"),
        ("[{}]", r"item 1: needed 'src segment' \(str\)"),
        ("[3]", "item 1: needed an object, found 3"),
        ("[", "not JSON"),
    ],
)
def test_another_file_is_refused_in_one_sentence(
    tmp_path: Path, content: str, problem: str
) -> None:
    path = tmp_path / "other.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=problem):
        read_contrapro(path)


@pytest.mark.shared_data
def test_the_published_files_are_read_and_their_references_judged_right(shared_data: Path) -> None:
    context = shared_data / "context"
    german = context / "contrapro-en-de"
    found = [
        (read_contrapro(german / "dev.contrapro.json.gz"), 400),
        (read_contrapro(german / "dev"), 1000),
        (read_contrastive_fr(context / "contrastive-en-fr.dev.jsonl.gz"), 660),
    ]
    for suite, items in found:
        judged = suite.judge(suite.items, [item.good for item in suite.items])
        assert [one.unambiguous for one in judged if one] == [True] * items
        wrong = suite.judge(suite.items, [item.bads[0] for item in suite.items])
        assert sum(one.right for one in wrong if one) <= 0.11 * items
    assert Answers().scores == ()
