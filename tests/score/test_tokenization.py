"""The tokenizer of BLEU follows the language, and what cannot be had is said."""

from pathlib import Path

import pytest

from seq2seq.errors import ScoreError
from seq2seq.score import tokenization
from seq2seq.score.tokenization import choose_tokenization
from tests.score.metrics import bleu

CHINESE = ["我们明天去北京看朋友。", "这本书很有意思。"]
JAPANESE = ["これは新しい本です。", "私は本を読む。"]
THAI = ["ฉันชอบอ่านหนังสือมาก", "วันนี้อากาศดี"]
ENGLISH = ["I like reading books very much.", "The weather is good."]


@pytest.mark.parametrize(
    ("language", "name"),
    [
        *((code, "zh") for code in ("zh", "zh-TW", "zho_Hans", "zho_Hant", "cmn", "yue", "wuu")),
        *((code, "ja-mecab") for code in ("ja", "ja-JP", "jpn_Jpan")),
        *((code, "ko-mecab") for code in ("ko", "kor_Hang")),
        *((code, "char") for code in ("th", "tha_Thai", "lo", "km", "my", "bo", "dz")),
        *((code, "13a") for code in ("en", "vi", "ru", "ar", "hi", "xx", "deu_Latn", None)),
    ],
)
def test_every_language_has_its_tokenizer(language: str | None, name: str) -> None:
    assert choose_tokenization(["a"], language=language).name == name


@pytest.mark.parametrize(("language", "name"), [("ja", "char"), ("ko", "13a")])
def test_without_its_extra_a_language_falls_back_and_says_how_to_have_it(
    monkeypatch: pytest.MonkeyPatch, language: str, name: str
) -> None:
    monkeypatch.setattr(tokenization, "find_spec", lambda module: None)
    lines = JAPANESE if language == "ja" else ["우리는 내일 갑니다."]
    chosen = choose_tokenization(lines, language=language)
    assert chosen.name == name
    assert f"pip install 'seq2seq-toolkit[{language}]'" in chosen.notes[0]
    with pytest.raises(ScoreError, match=rf"not installed; run pip install .*\[{language}\]"):
        choose_tokenization(lines, tokenize=f"{language}-mecab")


@pytest.mark.parametrize(
    ("lines", "name", "script"),
    [(CHINESE, "zh", "Chinese"), (JAPANESE, "ja-mecab", "Japanese"), (THAI, "char", "of a script")],
)
def test_without_a_language_the_script_decides_and_that_is_said(
    lines: list[str], name: str, script: str
) -> None:
    for language in (None, "xx"):
        chosen = choose_tokenization(lines, language=language)
        assert chosen.name == name
        assert f"the references are {script}" in chosen.notes[0]
    assert choose_tokenization(ENGLISH) == tokenization.BleuTokenization("13a")


def test_text_that_a_tokenizer_is_not_for_is_noted() -> None:
    assert "cannot cut: BLEU says little" in choose_tokenization(THAI, language="en").notes[0]
    assert "cannot cut" in choose_tokenization(CHINESE, tokenize="13a").notes[0]
    assert "check the language" in choose_tokenization(ENGLISH, language="th").notes[0]
    for lines, language in ((THAI, "th"), (CHINESE, "zh"), (JAPANESE, "ja"), (ENGLISH, "en")):
        assert choose_tokenization(lines, language=language).notes == ()


def test_a_tokenizer_that_is_not_there_is_refused_and_none_is_fetched() -> None:
    with pytest.raises(ScoreError, match="tokenizer 'flores200': needs a SentencePiece model, wh"):
        choose_tokenization(ENGLISH, tokenize="flores200")
    with pytest.raises(ScoreError, match="tokenizer 'moses': not known, needed one of 13a, intl,"):
        choose_tokenization(ENGLISH, tokenize="moses")


def test_a_sentencepiece_model_cuts_as_it_does_in_sacrebleu(tmp_path: Path) -> None:
    import sentencepiece
    from sacrebleu.metrics import BLEU

    (tmp_path / "text").write_text("\n".join((CHINESE + THAI + ENGLISH) * 5), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "text"), model_prefix=str(tmp_path / "spm"),
        vocab_size=70, hard_vocab_limit=False,
        minloglevel=2,
    )  # fmt: skip
    model = tmp_path / "spm.model"
    made = [THAI[0], "ฉันชอบอ่านหนังสือมากมาก"]
    score = bleu(made, [[THAI[0]] * 2], language="th", spm=model, resamples=0)
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(model))
    cut = [[" ".join(pieces.encode(line, out_type=str)) for line in one] for one in (made, THAI)]
    cut[1][1] = cut[1][0]
    expected = BLEU(tokenize="none", force=True).corpus_score(cut[0], [cut[1]])
    assert score.value == pytest.approx(expected.score)
    assert 0 < score.value < 100
    assert "|tok:spm-" in score.signature
    (tmp_path / "bad.model").write_text("x")
    (tmp_path / "endless.model").symlink_to("/dev/zero")
    for name, problem in (
        ("bad.model", "cannot be read as a SentencePiece model"),
        ("gone.model", "no such file, needed a SentencePiece model"),
        ("endless.model", "a pipe or a device, needed a SentencePiece model"),
    ):
        with pytest.raises(ScoreError, match=f"{name}: {problem}"):
            bleu(THAI, [THAI], spm=tmp_path / name)
