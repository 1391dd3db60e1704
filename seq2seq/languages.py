"""What a language code says about text: its script, and whether words are separated by spaces.

Codes come in many spellings: ``zh``, ``zh-CN``, ``zho_Hans``, ``cmn``. All are read as BCP 47 tags
by ``langcodes``, which also knows the script that a language is usually written in.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

# Scripts whose words no space separates. Korean is not among them.
UNSPACED_SCRIPTS = frozenset(
    {"Hans", "Hant", "Hani", "Jpan", "Hira", "Kana", "Hrkt", "Bopo"}
    | {"Thai", "Laoo", "Khmr", "Mymr", "Tibt", "Lana", "Java", "Bali"}
)
RIGHT_TO_LEFT_SCRIPTS = frozenset(
    {"Arab", "Aran", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg", "Samr", "Mand", "Yezi"}
)
# The languages that two letters stand for, by the script that they are usually written in, as
# ``langcodes`` has them: importing that takes as long as translating fifty lines.
TWO_LETTER_CODES = {
    "Latn": (
        "aa af ak an ay az bi bm br bs ca ch co cs cy da de ee en eo es et eu ff fi fj fo fr "
        "fy ga gd gl gn gv ha ho hr ht hu hz ia id ie ig ik io is it jv kg ki kj kl kr ku kw "
        "la lb lg li ln lt lu lv mg mh mi ms mt na nb nd ng nl nn no nr nv ny oc oj om pi pl "
        "pt qu rm rn ro rw sc se sg sk sl sm sn so sq ss st su sv sw tk tn to tr ts ty uz ve "
        "vi vo wa wo xh yo za zu"
    ),
    "Cyrl": "ab av ba be bg ce cu cv kk kv ky mk mn os ru sr tg tt uk",
    "Arab": "ar fa ks ps sd ug ur",
    "Deva": "hi mr ne sa",
    "Ethi": "am ti",
    "Beng": "as bn",
    "Tibt": "bo dz",
    "Cans": "cr iu",
    "Hebr": "he yi",
    "Avst": "ae",
    "Thaa": "dv",
    "Grek": "el",
    "Gujr": "gu",
    "Armn": "hy",
    "Yiii": "ii",
    "Jpan": "ja",
    "Geor": "ka",
    "Khmr": "km",
    "Knda": "kn",
    "Kore": "ko",
    "Laoo": "lo",
    "Mlym": "ml",
    "Mymr": "my",
    "Orya": "or",
    "Guru": "pa",
    "Sinh": "si",
    "Taml": "ta",
    "Telu": "te",
    "Thai": "th",
    "Hans": "zh",
}
SCRIPT_OF_CODE = {
    code: script for script, codes in TWO_LETTER_CODES.items() for code in codes.split()
}
# These patterns are compiled where they are first used: that takes 3 ms, and few commands need it.
# The letters of the unspaced scripts: Thai, Lao, Tibetan, Myanmar, Khmer, Tai Tham, Balinese, kana
# and Bopomofo, Chinese characters, more Myanmar and Javanese, and the supplementary ideographs.
UNSPACED_LETTER = (
    "[\u0e01-\u0e4e\u0e81-\u0edf\u0f40-\u0fbc\u1000-\u109f\u1780-\u17d3\u1a20-\u1aad\u1b05-\u1b4b"
    "\u3005-\u3007\u3041-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua980-\ua9cf\ua9e0-\ua9fe\uaa60-\uaa7f\uf900-\ufaff\uff66-\uff9f"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)
# A Chinese character says as much as about three letters of an alphabet, a syllable written as one
# character as much as two: in Tatoeba the median English sentence has 3.1 times the characters of
# its Chinese translation, 2.1 times those of its Japanese one, and so counted 1.1 and 1.0 times.
CHINESE_CHARACTER = "[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
# Kana, Hangul, Ethiopic, Cherokee, Canadian syllabics, Vai and Yi.
SYLLABLE = (
    "[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f\uac00-\ud7a3\u1200-\u139f\u13a0-\u13fd"
    "\u1400-\u167f\ua000-\ua4cf\ua500-\ua63f]"
)


@dataclass(frozen=True)
class Language:
    """A language as a code names it.

    Attributes:
        tag: The code in standard spelling: ``zh-Hans`` for ``zho_Hans``, ``vi-VN`` for ``vi_vn``.
        code: The language alone, two letters where it has such a code: ``zh``, ``vi``, ``yue``.
        macrolanguage: The language that it is counted to, often itself: ``zh`` for ``cmn``,
            ``ar`` for ``arb``.
        script: Four letters of ISO 15924, such as ``Hans``; None for a code of no known language.
    """

    tag: str
    code: str
    macrolanguage: str
    script: str | None

    @property
    def spaced(self) -> bool:
        """Whether spaces stand between words; taken to be so where the language is not known."""
        return self.script not in UNSPACED_SCRIPTS

    @property
    def right_to_left(self) -> bool:
        """Whether its lines run from right to left."""
        return self.script in RIGHT_TO_LEFT_SCRIPTS


@cache
def language_of(code: str) -> Language:
    """Read a language code of any usual spelling.

    Args:
        code: Such as ``en``, ``zh-CN``, ``zho_Hans`` or ``sr_Latn``.

    Returns:
        The language; of a code that no standard knows, the code itself without a script.

    Source: BCP 47 and the likely subtags of Unicode CLDR, as ``langcodes`` has them.
    """
    if code in SCRIPT_OF_CODE:
        return Language(code, code, code, SCRIPT_OF_CODE[code])
    return _language_of_tag(code)


def _language_of_tag(code: str) -> Language:
    import langcodes  # only who needs other codes pays for its tables

    try:
        found = langcodes.Language.get(code)
        known = found.is_valid()
    except ValueError:  # langcodes.LanguageTagError is one
        known = False
    if not known or found.language is None:
        return Language(code, code, code, None)
    return Language(
        tag=found.to_tag(),
        code=found.language,
        macrolanguage=found.prefer_macrolanguage().language or found.language,
        script=found.maximize().script,
    )


def unknown_code(code: str) -> str:
    """What to say of a code that no standard has; nothing where one does.

    A country's code is the usual mistake: ``cn`` for Chinese, ``jp`` for Japanese.

    Args:
        code: Such as ``cn`` or ``klingon``.

    Returns:
        The end of a sentence whose beginning is the code; empty where the code is known.
    """
    if language_of(code).script is not None:
        return ""
    import langcodes

    said = "no known code of a language, so how its words are written is taken from text"
    bare = code.strip("<>_[](){}'\" ")
    if bare != code and language_of(bare).script is not None:
        return f"{said}; did you mean {bare!r}, without the signs around it?"
    try:
        if langcodes.Language.get(code).is_valid():  # such as "qaa", for private use
            return ""
        meant = langcodes.Language.get(f"und-{code.upper()}").maximize().language
    except ValueError:
        meant = None
    # English is what an unknown country gets, too.
    guess = (
        f"did you mean {meant!r}?"
        if meant not in (None, "en", "und")
        else "codes look like 'de' or 'zh'"
    )
    return f"{said}; {guess}"


def length_in_letters(text: str) -> int:
    """How long a text is, comparable between scripts: in letters of an alphabet.

    Args:
        text: Any text; white space around it is not counted.

    Returns:
        Its characters, of which a Chinese one counts as three, and one that writes a syllable
        (kana, Hangul, Ethiopic and others) as two.
    """
    text = text.strip()
    if text.isascii():
        return len(text)
    return (
        len(text) + 2 * len(re.findall(CHINESE_CHARACTER, text)) + len(re.findall(SYLLABLE, text))
    )


def matching_codes(asked: str, known: Sequence[str]) -> list[str]:
    """Find a language among the codes of a model, whatever way it is spelt.

    NLLB calls German ``deu_Latn``, mBART ``de_DE``, M2M100 ``de``; each stands for the others.
    Where a model knows a language in several scripts or countries, that which is asked for counts,
    else the script that the language is usually written in.

    Args:
        asked: A code.
        known: Those that the model knows.

    Returns:
        The code that is meant; several where that is not clear, none where nothing fits.
    """
    if asked in known:
        return [asked]
    wanted = language_of(asked)
    if wanted.script is None:
        return [code for code in known if code.lower() == asked.lower()]
    spelt = {code: language_of(code) for code in known}
    found = [
        code
        for code, language in spelt.items()
        if language.macrolanguage == wanted.macrolanguage
        and (language.script == wanted.script or _is_bare(language) or _is_bare(wanted))
    ]
    rules: tuple[Callable[[Language], bool], ...] = (
        lambda language: language.script == wanted.script,
        lambda language: _country(language) == _country(wanted),
        lambda language: _country(language) is None,
        lambda language: language.code == wanted.code,
    )
    for rule in rules:
        found = [code for code in found if rule(spelt[code])] or found
    return found


def _is_bare(language: Language) -> bool:
    """Whether a code names neither a script nor a country."""
    return "-" not in language.tag


def _country(language: Language) -> str | None:
    """The country that a code names; mBART writes XX where it means none."""
    parts = language.tag.split("-")[1:]
    return next((part for part in parts if len(part) == 2 and part != "XX"), None)


def unspaced_share(texts: Iterable[str]) -> float:
    """Share of the letters that belong to scripts written without spaces between words.

    Args:
        texts: Any lines.

    Returns:
        0 to 1; 0 where there is no letter.
    """
    letters = unspaced = 0
    for text in texts:
        unspaced += len(re.findall(UNSPACED_LETTER, text))
        letters += sum(map(str.isalpha, text))
    return min(1.0, unspaced / letters) if letters else 0.0
