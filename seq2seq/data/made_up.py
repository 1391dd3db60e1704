"""Made-up text that no translation changes: names, addresses, placeholders, emoji.

A model learns to copy in general only if what it copies is never the same and never guessable. So
nothing here is a list of real things: names are syllables with the letters of many languages,
addresses and placeholders are words of the training text in new company, emoji are drawn by code
point. One emoji in ``HELD_BACK_EVERY`` is never drawn, so that what training teaches can be
measured on emoji that it did not show.
"""

import string
import unicodedata
from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal, get_args

from seq2seq.normalization import normalize

Kind = Literal["name", "foreign", "url", "email", "placeholder", "tag", "emoji", "path", "code",
               "handle"]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
# Names come first because they are what text holds most of; foreign scripts and emoji are the
# longest in bytes and need the most practice.
WEIGHTS: Mapping[Kind, int] = {
    "name": 38, "foreign": 10, "url": 10, "email": 4, "placeholder": 10, "tag": 4, "emoji": 12,
    "path": 3, "code": 5, "handle": 4,
}  # fmt: skip
HELD_BACK_EVERY = 7


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ONSETS = _list(
    "b c d f g h j k l m n p q r s t v w x z bl br ch cl cr dj dr fl fr gh gl gr gw hj kh kl kn kr "
    "kv ll mb mc mw nd ng nj ph pl pr ps pt rh sch sh shch sk sl sm sn sp st str sv sz tch th tl "
    "tr ts tz vl vr wh wr xh zh zl zw"
)
NUCLEI = _list(
    "a e i o u y aa ae ai ao au ay ea ee ei eo eu ey ia ie io iu oa oe oi oo ou ua ue ui"
)
CODAS = _list(
    "b ch ck d f ff g h k l ll lm lt m n nd ng nn ns nt p r rd rg rk rn rs rt s sch sh sk ss st t "
    "th tz v w x z"
)
# Letters that one language writes beside a to z; a name takes them from one row.
ACCENTED = (
    "áéíóúñü", "àâçéèêëîïôœùûÿ", "äöüß", "åäöøæ", "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "öőüűáéíóú",
    "ăâîșț", "çğıİöşü", "āčēģīķļņšūž", "ąčęėįšųūž", "õäöüšž", "áðéíóúýþæö", "ãâáàçéêíóôõú",
    "ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉĩịọỏốồổỗộớờởỡợụủũứừửữựỳỵỷỹ", "čćđšž", "ëç", "ẹọṣńáàéèíìóòúù",
    "ċġħż", "ŵŷâêîôûï",
)  # fmt: skip
BASES = {"ø": "o", "æ": "a", "œ": "o", "ł": "l", "ı": "i", "ð": "d", "đ": "d", "þ": "t", "ß": "s",
         "ħ": "h"}  # fmt: skip
# Letters of other scripts, from the first to the last of a stretch, and how long a word is.
SCRIPTS = (
    ("а", "я", 12), ("ѐ", "џ", 8), ("α", "ω", 12), ("ء", "ي", 8), ("א", "ת", 8), ("अ", "ह", 6),
    ("ก", "ฮ", 8), ("ა", "ჰ", 10), ("ա", "ֆ", 10), ("ሀ", "ፐ", 5), ("ぁ", "ん", 6), ("ァ", "ヺ", 6),
    ("一", "鿿", 4), ("가", "힣", 4), ("க", "ஹ", 6), ("ក", "អ", 6), ("অ", "হ", 6),
)  # fmt: skip
EMOJI_BLOCKS = ((0x1F300, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F900, 0x1F9FF), (0x1FA70, 0x1FAFF),
                (0x2600, 0x27BF))  # fmt: skip
SKIN_TONES = [chr(number) for number in range(0x1F3FB, 0x1F400)]
REGIONAL = [chr(number) for number in range(0x1F1E6, 0x1F200)]
JOINER, AS_EMOJI, KEYCAP = "\u200d", "\ufe0f", "\u20e3"
ENDINGS = _list("com org net info io dev eu de fr es it pl br jp cn ru uk edu gov co app tv")
FILE_TYPES = _list("txt pdf png jpg html json csv py zip docx mp3 toml log xml md sh")
ELEMENTS = _list("a b i u p em h1 h2 h3 li td div code span strong small sub sup mark kbd pre")


def is_held_out_emoji(emoji: str) -> bool:
    """Whether an emoji, or the two characters of a flag, is among those that are never drawn."""
    return sum(map(ord, emoji)) % HELD_BACK_EVERY == 0


def draw_kind(random: Random) -> Kind:
    """A kind, the frequent ones more often."""
    return random.choices(KINDS, [WEIGHTS[kind] for kind in KINDS])[0]


def make_up(kind: Kind, random: Random, words: Sequence[str]) -> str:
    """Draw one item.

    Args:
        kind: What it looks like.
        random: Decides everything.
        words: Of running text, for addresses and placeholders, which hold such; may be empty.

    Returns:
        Text in its normal form, without white space at its ends.
    """
    match kind:
        case "name":
            return normalize(_name(random))
        case "foreign":
            return normalize(_foreign(random))
        case "emoji":
            return "".join(_emoji(random) for _ in range(random.choice((1, 1, 1, 2, 3))))
        case "code":
            return _code(random)
        case _:
            return normalize(_with_words(kind, random, words))


def _with_words(
    kind: Literal["url", "email", "placeholder", "tag", "path", "handle"],
    random: Random,
    words: Sequence[str],
) -> str:
    match kind:
        case "url":
            return _url(random, words)
        case "email":
            return f"{_joined(random, words, '._-', most=2)}@{_host(random, words)}"
        case "placeholder":
            return _placeholder(random, words)
        case "tag":
            return _tag(random, words)
        case "path":
            return _path(random, words)
        case "handle":
            return random.choice("#@") + _joined(random, words, ("", "_"), most=3)


def _name(random: Random) -> str:
    parts = [_name_part(random) for _ in range(random.choice((1, 1, 1, 2, 2, 3)))]
    return random.choice("   -").join(parts)


def _name_part(random: Random) -> str:
    letters = list(_syllables(random, random.choice((1, 2, 2, 2, 3, 3, 4))))
    if random.random() < 0.4:
        _accentuate(letters, random)
    word = "".join(letters)
    word = word[0].upper() + word[1:]
    if random.random() < 0.06:
        word = random.choice(("O'", "D'", "Mac", "Mc", "Al-", "El-", "L'")) + word
    return word.upper() if random.random() < 0.03 else word


def _syllables(random: Random, count: int) -> str:
    made = "".join(
        (_onset(random) if place or random.random() < 0.8 else "")
        + random.choice(NUCLEI if random.random() < 0.3 else NUCLEI[:6])
        + (random.choice(CODAS) if random.random() < 0.25 else "")
        for place in range(count)
    )
    return made + (random.choice(CODAS) if len(made) < 2 or random.random() < 0.3 else "")


def _onset(random: Random) -> str:
    """One consonant mostly: a cluster in every syllable is no language's habit."""
    return random.choice(ONSETS[:21] if random.random() < 0.7 else ONSETS)


def _accentuate(letters: list[str], random: Random) -> None:
    """Put some letters of one language in place of letters that they resemble, or anywhere."""
    alphabet = random.choice(ACCENTED)
    for _ in range(random.choice((1, 1, 2, 3))):
        new = random.choice(alphabet)
        base = BASES.get(new, unicodedata.normalize("NFD", new)[0])
        places = [place for place, letter in enumerate(letters) if letter == base]
        letters[random.choice(places or range(len(letters)))] = new


def _foreign(random: Random) -> str:
    first, last, most = random.choice(SCRIPTS)
    words = []
    for _ in range(random.choice((1, 1, 2))):
        word = ""
        for _ in range(random.randint(2 if most > 4 else 1, most)):
            letter = chr(random.randint(ord(first), ord(last)))
            word += letter if unicodedata.category(letter).startswith("L") else ""
        words.append(word or first)
    if first in "аα" and random.random() < 0.7:
        words = [word[0].upper() + word[1:] for word in words]
    return " ".join(words)


def _word(random: Random, words: Sequence[str]) -> str:
    """A word of the text, or one made up."""
    if words and random.random() < 0.6:
        return random.choice(words)
    return _syllables(random, random.choice((1, 2, 2, 3)))


def _joined(random: Random, words: Sequence[str], marks: Sequence[str], *, most: int) -> str:
    """Some words and numbers with one mark between them."""
    parts = [_word(random, words) for _ in range(random.randint(1, most))]
    if random.random() < 0.25:
        parts.append(str(random.randint(0, 10 ** random.randint(1, 4))))
    style = random.random()
    if style < 0.2:
        parts = [part[:1].upper() + part[1:] for part in parts]
    elif style < 0.3:
        parts = [part.upper() for part in parts]
    elif style < 0.8:
        parts = [part.lower() for part in parts]
    return random.choice(marks).join(parts)


def _host(random: Random, words: Sequence[str]) -> str:
    return f"{_joined(random, words, '-.', most=2).lower()}.{random.choice(ENDINGS)}"


def _url(random: Random, words: Sequence[str]) -> str:
    url = random.choice(("https://", "https://", "http://", "", "ftp://", "www.", "https://www."))
    url += _host(random, words)
    for _ in range(random.choice((0, 0, 1, 1, 2, 3))):
        url += "/" + _joined(random, words, "-_", most=3)
    ending = random.random()
    if ending < 0.15:
        url += "/"
    elif ending < 0.3:
        url += f".{random.choice(FILE_TYPES)}"
    elif ending < 0.45:
        url += f"?{_word(random, words)}={_token(random)}"
        if random.random() < 0.4:
            url += f"&{random.choice(string.ascii_lowercase)}={random.randint(0, 9999)}"
    elif ending < 0.52:
        url += f"#{_joined(random, words, '-', most=2)}"
    return url


def _token(random: Random) -> str:
    alphabet = random.choice(
        (string.ascii_letters + string.digits, string.digits, "0123456789abcdef")
    )
    return "".join(random.choices(alphabet, k=random.randint(1, 11)))


def _placeholder(random: Random, words: Sequence[str]) -> str:
    name = _joined(random, words, ("_", "_", ".", "", "-"), most=3)
    number = random.randint(0, 12)
    return random.choice((
        f"{{{name}}}", f"{{{name}}}", f"{{{{{name}}}}}", f"{{{{ {name} }}}}", f"{{{number}}}",
        f"${{{name}}}", f"${name}", f"%({name}){random.choice('sd')}",
        f"%{random.choice('sdifxu@')}",
        f"%{number}${random.choice('sd')}", f"%{number}", f"%.{number}f", f"%{name}%", f"[{name}]",
        f"[[{name}]]", f"<{name}>", f"__{name}__", f":{name}:", f"@{name}@", f"#{{{name}}}",
        f"{name.upper()}_{number}", f"%{{{name}}}", f"<{name}_{number}>",
    ))  # fmt: skip


def _tag(random: Random, words: Sequence[str]) -> str:
    element = random.choice(ELEMENTS)
    inside = _joined(random, words, (" ", "-", ""), most=2)
    return random.choice((
        f"<{element}>", f"</{element}>", f"<{element}/>", f"<br/>{inside}",
        f"<{element}>{inside}</{element}>",
        f'<{element} class="{inside}">', f'<a href="{_url(random, words)}">{inside}</a>',
        f"&{_word(random, words)};", f"&#{random.randint(33, 9999)};",
        f'<img src="{_path(random, words)}"/>', f"<g id=\"{random.randint(1, 99)}\">{inside}</g>",
    ))  # fmt: skip


def _emoji(random: Random) -> str:
    style = random.random()
    if style < 0.08:
        return _flag(random)
    if style < 0.11:
        return random.choice("0123456789#*") + AS_EMOJI + KEYCAP
    made = _picture(random)
    if style < 0.3:
        made += random.choice(SKIN_TONES)
    if style < 0.22:
        for _ in range(random.choice((1, 1, 2, 3))):
            made += JOINER + _picture(random)
    return made


def _flag(random: Random) -> str:
    while is_held_out_emoji(made := "".join(random.choices(REGIONAL, k=2))):
        pass
    return made


def _picture(random: Random) -> str:
    while True:
        first, last = random.choice(EMOJI_BLOCKS)
        character = chr(random.randint(first, last))
        if unicodedata.category(character) == "So" and not is_held_out_emoji(character):
            return character + (AS_EMOJI if first < 0x3000 or random.random() < 0.1 else "")


def _path(random: Random, words: Sequence[str]) -> str:
    start, mark = random.choice((("/", "/"), ("~/", "/"), ("./", "/"), ("C:\\", "\\"), ("", "/")))
    folders = [_joined(random, words, "_-", most=2) for _ in range(random.randint(1, 4))]
    return start + mark.join(folders) + f".{random.choice(FILE_TYPES)}"


def _code(random: Random) -> str:
    a, b, c = (random.randint(0, 10 ** random.randint(1, 4)) for _ in range(3))
    letters = "".join(random.choices(string.ascii_uppercase, k=random.randint(1, 4)))
    month, day, year = random.randint(1, 12), random.randint(1, 28), random.randint(1000, 2999)
    return random.choice((
        f"{year}-{month:02}-{day:02}", f"{day:02}/{month:02}/{year}", f"{a % 24:02}:{b % 60:02}",
        f"v{a % 30}.{b % 100}.{c}", f"{a % 30}.{b % 100}", f"{letters}-{a}",
        f"{letters}{a}{letters}",
        f"#{a}", f"{a}-{b}-{c}", f"+{a % 100} {b} {c}", _token(random), f"0x{a:X}", f"{a}×{b}",
        str(a * 1000 + c),
    ))  # fmt: skip
