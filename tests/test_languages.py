import itertools
import string

import pytest
from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES as M2M
from transformers.models.mbart50.tokenization_mbart50 import FAIRSEQ_LANGUAGE_CODES as MBART
from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES as NLLB

from seq2seq.languages import (
    SCRIPT_OF_CODE,
    _language_of_tag,
    language_of,
    length_in_letters,
    matching_codes,
    unknown_code,
    unspaced_share,
)


@pytest.mark.parametrize(
    ("given", "code", "macrolanguage", "script", "spaced"),
    [
        ("en", "en", "en", "Latn", True),
        ("zho_Hans", "zh", "zh", "Hans", False),
        ("zh-CN", "zh", "zh", "Hans", False),
        ("yue_Hant", "yue", "yue", "Hant", False),
        ("vi_VN", "vi", "vi", "Latn", True),
        ("sr_Latn", "sr", "sr", "Latn", True),
        ("sr", "sr", "sr", "Cyrl", True),
        ("jpn_Jpan", "ja", "ja", "Jpan", False),
        ("ko", "ko", "ko", "Kore", True),
        ("khm_Khmr", "km", "km", "Khmr", False),
        ("arb_Arab", "arb", "ar", "Arab", True),
        ("my", "my", "my", "Mymr", False),
    ],
)
def test_every_usual_spelling_of_a_code_names_its_language(
    given, code, macrolanguage, script, spaced
):
    found = language_of(given)
    assert (found.code, found.macrolanguage, found.script) == (code, macrolanguage, script)
    assert found.spaced is spaced


@pytest.mark.parametrize("given", ["xx", "robot", "a", "", "--", "no such code"])
def test_an_unknown_code_is_kept_and_taken_to_have_spaces(given):
    found = language_of(given)
    assert (found.tag, found.script, found.spaced) == (given, None, True)


def test_codes_of_two_letters_mean_what_langcodes_says():
    pairs = map("".join, itertools.product(string.ascii_lowercase, repeat=2))
    read = {pair: _language_of_tag(pair) for pair in pairs}
    assert {pair: language_of(pair) for pair in read} == read
    assert len(SCRIPT_OF_CODE) > 170


def test_which_languages_run_from_right_to_left():
    codes = ["ar", "fa", "heb_Hebr", "ur", "dv", "ckb", "az-Arab", "en", "az", "zh", "hi", "xx"]
    found = [code for code in codes if language_of(code).right_to_left]
    assert found == ["ar", "fa", "heb_Hebr", "ur", "dv", "ckb", "az-Arab"]


def test_lengths_are_comparable_between_scripts():
    assert length_in_letters(" a cat ") == 5
    assert length_in_letters("naïve Ärzte, Привет") == 19
    assert length_in_letters("我从没见过") == 15
    assert length_in_letters("かな한글ሰላም") == 14
    assert length_in_letters("他はA") == 3 + 2 + 1


def test_norwegian_is_a_language_and_not_false():
    assert language_of("no").script == "Latn"


@pytest.mark.parametrize(
    "text", ["我们走吧。", "こんにちは。", "สวัสดีครับ", "ສະບາຍດີ", "ជំរាបសួរ", "မင်္ဂလာပါ", "བཀྲ་ཤིས།"]
)
def test_letters_of_scripts_without_spaces_are_known(text):
    assert unspaced_share([text]) > 0.9


@pytest.mark.parametrize(
    "text", ["We go.", "Мы идём.", "안녕하세요", "नमस्ते", "سلام", "შენ", "ሰላም", ""]
)
def test_letters_of_scripts_with_spaces_are_not_taken_for_others(text):
    assert unspaced_share([text]) == 0.0


@pytest.mark.parametrize(
    ("asked", "nllb", "m2m", "mbart"),
    [
        ("de", "deu_Latn", "de", "de_DE"),
        ("deu_Latn", "deu_Latn", "de", "de_DE"),
        ("de_DE", "deu_Latn", "de", "de_DE"),
        ("DE-at", "deu_Latn", "de", "de_DE"),
        ("zh", "zho_Hans", "zh", "zh_CN"),
        ("zh-TW", "zho_Hant", "zh", None),
        ("pt_BR", "por_Latn", "pt", "pt_XX"),
        ("en_XX", "eng_Latn", "en", "en_XX"),
        ("ar", "arb_Arab", "ar", "ar_AR"),
        ("fa", "pes_Arab", "fa", "fa_IR"),
        ("prs_Arab", "prs_Arab", "fa", "fa_IR"),
        ("sr_Latn", None, "sr", None),
        ("iw", "heb_Hebr", "he", "he_IL"),
        ("vie", "vie_Latn", "vi", "vi_VN"),
        ("ak", "aka_Latn", None, None),
        ("xx", None, None, None),
        ("German", None, None, None),
    ],
)
def test_a_language_is_found_however_a_model_spells_it(
    asked: str, nllb: str | None, m2m: str | None, mbart: str | None
) -> None:
    known = (NLLB, M2M["m2m100"], MBART)
    found = [matching_codes(asked, codes) for codes in known]
    assert found == [[] if code is None else [code] for code in (nllb, m2m, mbart)]


def test_what_may_mean_several_languages_names_them_all() -> None:
    assert matching_codes("de", ["de_AT", "de_CH"]) == ["de_AT", "de_CH"]
    assert matching_codes("de_CH", ["de_AT", "de_CH"]) == ["de_CH"]
    assert matching_codes("zh", ["zho_Hans", "zho_Hant"]) == ["zho_Hans"]
    assert matching_codes("ns", ["ns", "nso"]) == ["ns"]


def test_a_code_that_no_standard_has_is_said_with_what_was_meant() -> None:
    assert unknown_code("cn").endswith("did you mean 'zh'?")
    assert unknown_code("jp").endswith("did you mean 'ja'?")
    assert unknown_code("vn").endswith("did you mean 'vi'?")
    for code in (">>deu<<", "[deu]", "__deu__", " deu"):
        meant = "did you mean 'deu', without the signs around it?"
        assert unknown_code(code).endswith(meant)
    for code in ("chinese", "dg", "!!", ">>klingon<<", "<>"):
        assert unknown_code(code).startswith("no known code of a language")
        assert "did you mean" not in unknown_code(code)
    for code in ("zh", "zho_Hans", "ar-EG", "iw", "qaa", "en_XX"):
        assert unknown_code(code) == "", code
