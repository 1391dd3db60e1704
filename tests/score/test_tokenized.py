"""The papers' tokenised protocol: the tokens of Moses, and a signature that names every step."""

from pathlib import Path

import pytest

from seq2seq.errors import ScoreError
from seq2seq.lines import read_lines
from seq2seq.score.tokenized import MOSES_ENTITIES, moses_tokenizer, tokenized_bleu
from tests.score.metrics import bleu


@pytest.mark.parametrize(
    ("language", "raw", "tokens"),
    [
        ("de", "Ein grün-weißer Ball, z. B. dieser.", "ein grün-weißer ball , z. b. dieser ."),
        ("de", "Er sagt: „Das reicht.“", 'er sagt : " das reicht " .'),
        ("en", "The dog's ball (blue) isn't here.", "the dog 's ball ( blue ) isn 't here ."),
        ("fr", "L’homme d'hier…", "l' homme d' hier ..."),
        ("fr", "ces parents’ maison", 'ces parents " maison'),  # as the Perl script has it
        ("en", "", ""),
        ("en", "A & B < C [D]", "a & b < c [ d ]"),
    ],
)
def test_raw_text_becomes_the_tokens_of_moses(language: str, raw: str, tokens: str) -> None:
    assert moses_tokenizer(language, lowercase=True)(raw) == tokens


def test_perfect_output_scores_100_against_raw_and_tokenized_references() -> None:
    raw = ['Ein "roter" Ball, und noch einer.', "Die Stadt schläft."]
    escaped = ["Ein &quot; roter &quot; Ball , und noch einer .", "Die Stadt schläft ."]
    plain = ['Ein " roter " Ball , und noch einer .', "Die Stadt schläft ."]
    assert tokenized_bleu(raw, [raw], "de", resamples=0).value == pytest.approx(100)
    for given in (escaped, plain):
        score = tokenized_bleu(raw, [given], "de", references_are_tokenized=True, resamples=0)
        assert score.value == pytest.approx(100)


def test_case_counts_unless_lower_casing_is_asked_for() -> None:
    made, truth = ["die stadt schläft heute nacht"], ["Die Stadt schläft heute Nacht"]
    cased = tokenized_bleu(made, [truth], "de", resamples=0)
    lower = tokenized_bleu(made, [truth], "de", lowercase=True, resamples=0)
    assert cased.value < 50
    assert lower.value == pytest.approx(100)
    assert (cased.name, lower.name) == ("BLEU-tokenized", "BLEU-tokenized-lc")


def test_the_signature_names_each_step_and_is_never_sacrebleus_own() -> None:
    text = ["Die Stadt schläft heute Nacht."]
    score = tokenized_bleu(text, [text], "de", lowercase=True, resamples=100)
    for part in (
        "nrefs:1", "bs:100", "seed:12345", "case:lc-first", "tok:moses-de", "norm:moses-de",
        "abbreviations:de", "hyphens:kept", "escape:no", "refs:raw", "sacremoses:", "version:",
    ):  # fmt: skip
        assert part in score.signature
    assert score.signature != bleu(text, [text], lowercase=True, resamples=100).signature
    given = tokenized_bleu(text, [text], "de", references_are_tokenized=True, resamples=0)
    assert "refs:tokenized" in given.signature
    assert "case:mixed" in given.signature


def test_a_language_without_abbreviations_of_its_own_says_whose_it_uses() -> None:
    text = ["Thành phố đang ngủ hôm nay."]
    assert "tok:moses-vi" in tokenized_bleu(text, [text], "vi", resamples=0).signature
    assert "abbreviations:en" in tokenized_bleu(text, [text], "vi", resamples=0).signature


def test_texts_that_are_not_parallel_are_refused() -> None:
    with pytest.raises(ScoreError, match="hypotheses: 1 lines, but reference 1 has 2"):
        tokenized_bleu(["a"], [["a", "b"]], "de")


@pytest.mark.shared_data
@pytest.mark.parametrize("language", ["de", "fr", "en"])
@pytest.mark.parametrize("part", ["test_2016_flickr", "val"])
def test_raw_multi30k_becomes_the_official_tokenised_file(
    shared_data: Path, part: str, language: str
) -> None:
    folder = shared_data / "mt" / "multi30k"
    official = read_lines(folder / f"{part}.lc.norm.tok.{language}.gz")
    for entity, character in MOSES_ENTITIES.items():
        official = [line.replace(entity, character) for line in official]
    tokenize = moses_tokenizer(language, lowercase=True)
    ours = [tokenize(line) for line in read_lines(folder / f"{part}.{language}.gz")]
    same = sum(a == b for a, b in zip(ours, official, strict=True))
    assert same == len(official)  # every line of all six files


@pytest.mark.shared_data
def test_multi30k_scores_the_same_against_the_raw_and_the_official_reference(
    shared_data: Path,
) -> None:
    folder = shared_data / "mt" / "multi30k"
    raw = read_lines(folder / "test_2016_flickr.de.gz")
    official = read_lines(folder / "test_2016_flickr.lc.norm.tok.de.gz")
    source = read_lines(folder / "test_2016_flickr.en.gz")
    by_raw = tokenized_bleu(source, [raw], "de", lowercase=True, resamples=0)
    by_official = tokenized_bleu(
        source, [official], "de", lowercase=True, references_are_tokenized=True, resamples=0
    )
    assert by_raw.value == pytest.approx(by_official.value)
    assert 0 < by_raw.value < 3  # the source, not translated
