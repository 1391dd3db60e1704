"""The names of routes, heads and knock-outs in words, as a page says them."""

COUNTED = "Layers and heads are counted from 0."
NAMED = (
    "The cue is the word that tells which noun “it” means, the antecedent that noun, and the "
    "decision the place in the translation that is the first to differ by it."
)
ROUTES = {
    "E→": "it → noun, where the text is read",
    "E←": "noun → it, where the text is read",
    "E↔": "both ways together",
    "Ec→": "cue → noun, where the text is read",
    "X": "decision → noun, across to the source",
    "D": "decision → written noun",
    "CH": "decision → any word → noun",
    "CH direct": "decision → noun, whatever it has become",
    "CH via it": "decision → it → noun",
    "CH via cue": "decision → cue → noun",
    "CH via others": "decision → other words → noun",
}
REMOVED_WITH = {
    "E→": "it→nouns",
    "E←": "nouns→it",
    "Ec→": "cue→nouns",
    "X": "decision→nouns",
    "D": "decision, written→nouns",
    "CH via it": "decision→it",
    "CH via cue": "decision→cue",
}
"""Of a route, the knock-out of the carrier search that takes it away."""
VARIANTS = {
    "raw": "attention",
    "norm": "attention × value norm",
    "gradient": "attention × gradient",
    "rollout": "rollout",
    "alti": "contributions of all layers (ALTI)",
}
_WORDS = {
    "it": "“it”",
    "was": "the word after “it”",
    "cue": "the cue",
    "conjunction": "the conjunction",
    "stop": "the full stop",
    "end": "the end piece",
    "before first noun": "the word before the first noun",
    "after first noun": "the word after the first noun",
    "before second noun": "the word before the second noun",
    "after second noun": "the word after the second noun",
    "other words": "the other words",
    "all words": "all words but the nouns",
    "nouns": "the nouns",
    "gold": "the antecedent",
    "other": "the other noun",
    "decision": "the decision",
    "decision, written": "the decision, among what it has written,",
}
_PLURAL = ("nouns", "other words", "all words")


def link_of(route: str) -> str:
    """A route in as few words as the head of a figure has room for: "it → noun"."""
    return ROUTES[route].partition(",")[0]


def in_words(knock_outs: str) -> str:
    """What knock-outs take away; a name it does not know stays as it is.

    Args:
        knock_outs: "it off", "it→gold, chosen head", "it off + cue off".
    """
    return " and ".join(_one_in_words(one) for one in knock_outs.split(" + "))


def in_short(names: str) -> str:
    """What it is that is looked at or taken away: "“it”", "the cue → the antecedent"."""
    return " and ".join(_one_in_short(one) for one in names.split(" + "))


def _one_in_words(name: str) -> str:
    name, chosen, _ = name.partition(", chosen head")
    where = " in the chosen head" if chosen else ""
    row, off, _ = name.partition(" off")
    if off and row in _WORDS:
        verb = "see only themselves" if row in _PLURAL else "sees only itself"
        return f"{_WORDS[row]} {verb}{where}"
    looking, _, seen = name.partition("→")
    if looking in _WORDS and seen in _WORDS:
        verb = "do" if looking in _PLURAL else "does"
        return f"{_WORDS[looking]} {verb} not see {_WORDS[seen]}{where}"
    looking, exchanged, _ = name.partition("⇄")
    if exchanged and looking in _WORDS:
        verb = "see" if looking in _PLURAL else "sees"
        return f"{_WORDS[looking]} {verb} each noun in place of the other{where}"
    return name + chosen


def _one_in_short(name: str) -> str:
    row, off, _ = name.partition(" off")
    if off and row in _WORDS:
        return _WORDS[row]
    for sign in ("→", "⇄"):
        looking, found, seen = name.partition(sign)
        if found:
            return f"{_WORDS.get(looking, looking)} {sign} {_WORDS.get(seen, seen)}"
    return _WORDS.get(name, name)
