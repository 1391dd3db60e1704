"""Spanish against a table written by hand: articles, contraction, agreement, ser and estar."""

import pytest

from seq2seq.errors import DataError
from seq2seq.pronouns.grammar import grammar_of
from seq2seq.pronouns.lexicon import Lexicon, load_lexicon
from seq2seq.pronouns.patterns import load_patterns
from seq2seq.pronouns.phrase import Predicate, Scene, Tense, say_each
from seq2seq.pronouns.spanish import Spanish
from tests.pronouns.sentences import say

# template, A, B, cue of "it", adverb, what "it" is, tense, and the sentence a speaker would write.
BY_HAND = [
    (
        "{A} estaba al lado de {B}.",
        "cat",
        "lemon",
        "",
        "",
        "",
        "past",
        "El gato estaba al lado del limón.",
    ),
    (
        "{A} estaba al lado de {B}.",
        "lemon",
        "cow",
        "",
        "",
        "",
        "past",
        "El limón estaba al lado de la vaca.",
    ),
    ("{A} adelantó a {B}.", "van", "truck", "", "", "", "past", "La furgoneta adelantó al camión."),
    (
        "{A} adelantó a {B}.",
        "truck",
        "van",
        "",
        "",
        "",
        "past",
        "El camión adelantó a la furgoneta.",
    ),
    (
        "{B} fue {adelantado@B} por {A}.",
        "truck",
        "van",
        "",
        "",
        "",
        "past",
        "La furgoneta fue adelantada por el camión.",
    ),
    (
        "{B} fue {adelantado@B} por {A}.",
        "van",
        "truck",
        "",
        "",
        "",
        "past",
        "El camión fue adelantado por la furgoneta.",
    ),
    (
        "{A} recogió {B} porque {is:it}.",
        "robot",
        "wrench",
        "heavy",
        "",
        "B",
        "past",
        "El robot recogió la llave inglesa porque era pesada.",
    ),
    (
        "{A} recogió {B} porque {is:it}.",
        "robot",
        "wrench",
        "tidy",
        "",
        "A",
        "past",
        "El robot recogió la llave inglesa porque era ordenado.",
    ),
    (
        "{A} no pudo levantar {B} porque {is:it}.",
        "robot",
        "crane",
        "heavy",
        "too",
        "B",
        "past",
        "El robot no pudo levantar la grúa porque era demasiado pesada.",
    ),
    (
        "{A} no pudo levantar {B} porque {is:it}.",
        "robot",
        "crane",
        "small",
        "too",
        "A",
        "past",
        "El robot no pudo levantar la grúa porque era demasiado pequeño.",
    ),
    (
        "{A} está cerca de {B} porque {is:it}.",
        "pear",
        "dog",
        "hungry",
        "very",
        "B",
        "present",
        "La pera está cerca del perro porque está muy hambriento.",
    ),
    (
        "{A} está cerca de {B} porque {is:it}.",
        "pear",
        "dog",
        "ripe",
        "already",
        "A",
        "present",
        "La pera está cerca del perro porque está madura.",
    ),
    (
        "{A} está cerca de {B} porque {is:it}.",
        "shirt",
        "dog",
        "ironed",
        "already",
        "A",
        "present",
        "La camisa está cerca del perro porque ya está planchada.",
    ),
    (
        "{A} estaba lejos de {B}. {Is:it}.",
        "table",
        "horse",
        "wobbly",
        "",
        "A",
        "past",
        "La mesa estaba lejos del caballo. Estaba coja.",
    ),
    (
        "{A} estaba lejos de {B}. {Is:it}.",
        "table",
        "horse",
        "tame",
        "",
        "B",
        "past",
        "La mesa estaba lejos del caballo. Era manso.",
    ),
    (
        "{A} estaba lejos de {B}. {Is:it}.",
        "table",
        "shirt",
        "ironed",
        "already",
        "B",
        "past",
        "La mesa estaba lejos de la camisa. Ya estaba planchada.",
    ),
    (
        "Como {is:it}, {A} seguía cerca de {B}.",
        "piano",
        "knife",
        "rusty",
        "",
        "B",
        "past",
        "Como estaba oxidado, el piano seguía cerca del cuchillo.",
    ),
    (
        "en {B} no cabía {A} porque {is:it}.",
        "box",
        "bucket",
        "wide",
        "",
        "A",
        "past",
        "En el cubo no cabía la caja porque era ancha.",
    ),
    (
        "{A} ahogaba el sonido de {B} porque {is:it}.",
        "trumpet",
        "violin",
        "delicate",
        "",
        "B",
        "past",
        "La trompeta ahogaba el sonido del violín porque era delicado.",
    ),
    ("{A:this} {is:A}.", "jar", "cow", "sealed", "", "", "present", "Este tarro está sellado."),
    (
        "{A:this} {is:A}.",
        "bottle",
        "cow",
        "leaky",
        "",
        "",
        "present",
        "Esta botella está agujereada.",
    ),
    (
        "{A:my} {isnt:A}.",
        "guitar",
        "cow",
        "off-key",
        "",
        "",
        "past",
        "Mi guitarra no estaba desafinada.",
    ),
    (
        "{A:my} {is:A}.",
        "robot",
        "cow",
        "programmed",
        "already",
        "",
        "past",
        "Mi robot ya estaba programado.",
    ),
    (
        "hay {A:a+} en el cuento.",
        "wrench",
        "cow",
        "greased",
        "",
        "",
        "present",
        "Hay una llave inglesa engrasada en el cuento.",
    ),
    (
        "hay {A:a+} en el cuento.",
        "oak",
        "cow",
        "leafy",
        "",
        "",
        "present",
        "Hay un roble frondoso en el cuento.",
    ),
    (
        "Ana habló de {A:the+} y de {B}.",
        "letter",
        "suit",
        "signed",
        "",
        "",
        "past",
        "Ana habló de la carta firmada y del traje.",
    ),
    (
        "{A} estaba cerca de {B} porque {is:it}.",
        "van",
        "poem",
        "huge",
        "",
        "A",
        "past",
        "La furgoneta estaba cerca del poema porque era enorme.",
    ),
    (
        "{A} estaba cerca de {B} porque {is:it}.",
        "van",
        "poem",
        "big",
        "very",
        "B",
        "past",
        "La furgoneta estaba cerca del poema porque era muy grande.",
    ),
    (
        "{A} duró más que {B} porque {is:it}.",
        "radio",
        "phone",
        "sturdy",
        "",
        "A",
        "past",
        "La radio duró más que el teléfono porque era robusta.",
    ),
    (
        "{A} asustó a {B} porque {is:it}.",
        "radio",
        "dog",
        "timid",
        "so",
        "B",
        "past",
        "La radio asustó al perro porque era tan tímido.",
    ),
]


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon("es")


@pytest.mark.parametrize("case", BY_HAND, ids=lambda case: case[-1])
def test_a_template_reads_as_a_speaker_would_write_it(
    case: tuple[str, str, str, str, str, str, Tense, str], lexicon: Lexicon
) -> None:
    template, a, b, cue, adverb, antecedent, tense, expected = case
    predicates = {}
    if cue:
        adverbs = [x for x in load_patterns("es").adverbs if x.modifier.english == adverb]
        fitting = [x.modifier for x in adverbs if x.fits(lexicon.cues[cue])]
        said = Predicate(lexicon.cues[cue], fitting[0] if fitting else None)
        predicates = {"it": said, "A": said}
    scene = Scene(
        {"A": lexicon.nouns[a], "B": lexicon.nouns[b]}, predicates, antecedent or None, tense
    )
    assert say(template, scene, Spanish()).text == expected


def test_marked_words_are_where_their_spans_say(lexicon: Lexicon) -> None:
    scene = Scene(
        {"A": lexicon.nouns["wrench"], "B": lexicon.nouns["truck"]},
        {"it": Predicate(lexicon.cues["heavy"])},
        "B",
    )
    line = say("{A} estaba al lado de {B} porque {is:it}.", scene, Spanish())
    words = {mark: line.text[slice(*span)] for mark, span in line.spans.items()}
    assert line.text == "La llave inglesa estaba al lado del camión porque era pesado."
    assert words == {"A": "llave", "B": "camión", "cue": "pesado"}


@pytest.mark.parametrize(
    "template",
    [
        "{A} estaba al lado de {B} porque {is:it}.",
        "{person} vio a {A} de {person}, y {person} no.",
        "Como {is:it}, {A} estaba al lado de {B}.",
        "{A} habló de {one:it} {is:it}.",  # what contracts stands on either side of the seam
    ],
)
def test_sentences_that_share_what_stands_before_it_are_said_as_alone(
    template: str, lexicon: Lexicon
) -> None:
    nouns = {"A": lexicon.nouns["wrench"], "B": lexicon.nouns["truck"]}
    scenes = [
        Scene(nouns, {"it": Predicate(lexicon.cues[cue])}, meant)
        for cue, meant in (("heavy", "A"), ("heavy", "B"), ("new", "B"))
    ]
    people = ["Ana", "Luis", "Eva"]
    together = say_each(template, scenes, Spanish(), people)
    assert together == [say(template, scene, Spanish(), people) for scene in scenes]


def test_a_language_without_a_grammar_is_refused() -> None:
    with pytest.raises(DataError, match=r"language 'xx', needed one of 'es'"):
        grammar_of("xx")
