"""The names of routes, heads and knock-outs in words, as a page says them."""

ROUTES = {
    "E→": "it → noun, where the text is read",
    "E←": "noun → it, where the text is read",
    "E↔": "both ways together",
    "Ec→": "cue → noun, where the text is read",
    "X": "decision → noun, across to the source",
    "D": "decision → noun that was written before",
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
    "D": "decision→written nouns",
    "CH via it": "decision→it",
    "CH via cue": "decision→cue",
}
"""Of a route, the knock-out of the carrier search that takes it away."""
LINKS = {
    "E→": "it → noun",
    "E←": "noun → it",
    "Ec→": "cue → noun",
    "X": "decision → noun",
    "D": "decision → written noun",
}
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
    "nouns": "the nouns",
    "gold": "the antecedent",
    "distractor": "the other noun",
    "clause": "the pronoun's clause",
    "decision": "the decision",
    "written nouns": "the nouns it has written",
    "written gold": "the antecedent it has written",
}


def in_words(knock_out: str) -> str:
    """What a knock-out of the carrier search takes away; a name it does not know stays as it is.

    Args:
        knock_out: "it off", "it→gold", "decision→cue".
    """
    row, off, _ = knock_out.partition(" off")
    if off and row in _WORDS:
        return f"{_WORDS[row]} sees only itself"
    looking, _, seen = knock_out.partition("→")
    if looking in _WORDS and seen in _WORDS:
        verb = "do" if looking == "nouns" else "does"
        return f"{_WORDS[looking]} {verb} not see {_WORDS[seen]}"
    return knock_out


def in_short(knock_out: str) -> str:
    """What it is that a knock-out takes away: "“it”", "the cue → the antecedent"."""
    row, off, _ = knock_out.partition(" off")
    if off and row in _WORDS:
        return _WORDS[row]
    looking, _, seen = knock_out.partition("→")
    return f"{_WORDS.get(looking, looking)} → {_WORDS.get(seen, seen)}" if seen else knock_out
