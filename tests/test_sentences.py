import pytest

from seq2seq.sentences import split_text


def words(most: int):
    return lambda text: len(text.split()) <= most


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One dog. Two dogs! Three? Four", ["One dog.", "Two dogs!", "Three?", "Four"]),
        ('He said "Go." Then he left.', ['He said "Go."', "Then he left."]),
        ("See J. S. Bach. He wrote it.", ["See J. S. Bach.", "He wrote it."]),
        ("Birds, e.g. crows, fly. They do.", ["Birds, e.g. crows, fly.", "They do."]),
        ("It costs 3.50 now. Really.", ["It costs 3.50 now.", "Really."]),
        ("Wait... What?! Yes.", ["Wait...", "What?!", "Yes."]),
        ("他来了。她走了！好吗？好", ["他来了。", "她走了！", "好吗？", "好"]),
        ("¿Vienes? ¡Sí! Vale.", ["¿Vienes?", "¡Sí!", "Vale."]),
        ("वह आया। वह गया।", ["वह आया।", "वह गया।"]),
        ("In group 5. Then rest.", ["In group 5.", "Then rest."]),
        ("no end", ["no end"]),
    ],
)
def test_text_is_cut_where_sentences_end(text: str, sentences: list[str]) -> None:
    assert split_text(text, lambda part: True) == sentences


def test_a_sentence_too_long_is_cut_at_commas_and_packed() -> None:
    text = "one two, three four, five six, seven eight"
    assert split_text(text, words(4)) == ["one two, three four,", "five six, seven eight"]


def test_without_commas_it_is_cut_at_spaces() -> None:
    assert split_text("a b c d e f g", words(3)) == ["a b c", "d e f", "g"]


def test_only_the_clause_that_is_too_long_is_cut_further() -> None:
    assert split_text("a b, c d e f g h, i", words(3)) == ["a b,", "c d e", "f g h,", "i"]


def test_without_spaces_it_is_cut_anywhere_but_not_between_a_letter_and_its_accent() -> None:
    accented = "e\N{COMBINING ACUTE ACCENT}"
    parts = split_text(accented * 5, lambda part: len(part) <= 3)
    assert parts == [accented] * 5


def test_nothing_is_lost_and_everything_fits() -> None:
    text = "Lorem ipsum, dolor sit. " * 40 + "x" * 300 + " 漢字、" * 50
    parts = split_text(text, lambda part: len(part) <= 30)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert max(map(len, parts)) <= 30


def test_splitting_ends_when_nothing_fits() -> None:
    assert split_text("ab c", lambda part: False) == ["a", "b", "c"]
