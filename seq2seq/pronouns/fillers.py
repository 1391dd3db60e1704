"""Training sentences without a choice for "it": what every noun is, its gender, what fits it.

A noun that is new in T1 and a cue that is new in T5 are met here and nowhere else in training, so
every noun gets as many sentences as it needs for its kind to be learnt, in many shapes. What a new
cue can be said of is learnt where one of two nouns is chosen by it: Ana took the one that was ripe.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from seq2seq.pronouns.draw import Draw, kept_apart, kind_pairs, withheld
from seq2seq.pronouns.english import ENGLISH
from seq2seq.pronouns.items import Item, Row, differing_spans
from seq2seq.pronouns.lexicon import Cue, Kind, Lexicon, Noun
from seq2seq.pronouns.patterns import Pattern, Patterns, Schema
from seq2seq.pronouns.phrase import Grammar, Predicate, Scene
from seq2seq.pronouns.quads import Setting, candidates_of, choose_opener, speak

# Sentences of each sort: with one noun and a property; with two; with two nouns and a property that
# fits one of them; and clauses that name two nouns.
_PROPERTIES = 36
_PROPERTIES_OF_NEW = 52
_CONTRASTS = 6000
_CHOICES = 6000
_CONJUNCTIONS = 600
_CLAUSES_EACH = 18
_CLAUSES_EVERYDAY = 3
# One noun and a pronoun that means it, where a language shows the gender of either. A property
# alone teaches nothing that a pronoun needs, so a noun that is new in T1 gets many of these.
_PRONOUNS = 12
_PRONOUNS_OF_NEW = 110
# How often a property is one that shows the kind, rather than one that any noun may have.
_SELECTING_SHARE = 0.8

_END = Pattern("", ".", ".")


@dataclass(frozen=True)
class Voice:
    """What a filler is written with."""

    language: str
    lexicon: Lexicon
    patterns: Patterns
    grammar: Grammar
    rng: random.Random

    @cached_property
    def unselecting(self) -> Mapping[str, Sequence[Cue]]:
        """By kind: adjectives that schemas use of it, those of anything, and the neutral ones."""
        return {
            kind: _unselecting(kind, self.lexicon, self.patterns) for kind in self.lexicon.kinds
        }


def _unselecting(kind: str, lexicon: Lexicon, patterns: Patterns) -> list[Cue]:
    words = list(patterns.general)
    for schema in patterns.schemas + patterns.natural:
        for cues, pool in zip(schema.cues, (schema.agents, schema.patients), strict=True):
            if kind in {lexicon.nouns[word].kind for word in pool}:
                words += [cue for cue in cues if cue in lexicon.adjectives]
    adjectives = [lexicon.adjectives[word] for word in dict.fromkeys(words)]
    return [*adjectives, *lexicon.neutral.values()]


def draw_fillers(voice: Voice) -> list[Row]:
    """Draw all fillers.

    Args:
        voice: words, patterns, grammar and the source of chance.

    Returns:
        Rows, no two alike, in the order drawn. Those with a pronoun carry an item of one candidate.
    """
    rows: dict[str, Row] = {}
    for noun in voice.lexicon.nouns.values():
        wanted = len(rows) + (_PROPERTIES_OF_NEW if noun.new else _PROPERTIES)
        for cue in _due(voice, noun):
            _add(rows, _property_row(voice, noun, cue))
        while len(rows) < wanted:
            _add(rows, _property_row(voice, noun, _any_cue(voice, noun)))
        wanted = len(rows)
        if voice.patterns.pronouns:
            wanted += _PRONOUNS_OF_NEW if noun.new else _PRONOUNS
        while len(rows) < wanted:
            _add(rows, _pronoun_row(voice, noun, f"{voice.language}-filler-{len(rows):05d}"))
    wanted = len(rows) + _CONTRASTS
    kinds = _contrasted(voice.lexicon)
    while len(rows) < wanted:
        _add(rows, _contrast_row(voice, voice.rng.choice(kinds), voice.patterns.contrasts))
    for clause, pool, timeless in _clauses(voice):
        wanted = len(rows) + _CLAUSES_EACH
        while len(rows) < wanted:
            _add(rows, clause_row(voice, clause, voice.rng.choice(pool), timeless=timeless))
    return list(rows.values())


def draw_choices(voice: Voice, draw: Draw) -> list[Row]:
    """Two nouns and a property that fits one of them alone: Ana took the one that was ripe.

    Args:
        voice: as for `draw_fillers`.
        draw: what the items were drawn with; no two nouns stand here with a property that a test
            says of one of them beside the other.

    Returns:
        Rows, no two alike, with items whose pronoun is "one"; none where the language has no such
        sentences.
    """
    rows: dict[str, Row] = {}
    kinds = kind_pairs(voice.lexicon)
    while voice.patterns.choices and len(rows) < _CHOICES:
        one, other = voice.rng.sample(voice.rng.choice(kinds), 2)
        a, b = _two_nouns(voice, one, other)
        cues = [
            cue
            for cue in sayable(a, voice.lexicon)
            if other.name not in cue.doubtful and draw.free((a, b), (cue, cue), "train")
        ]
        if cues:
            shape, cue = voice.rng.choice(voice.patterns.choices), voice.rng.choice(cues)
            scene = scene_of(voice, shape, {"A": a, "B": b}, {"it": cue}, "A")
            name = f"{voice.language}-choice-{len(rows):05d}"
            _add(rows, pointed_row(voice, name, shape, scene))
    return list(rows.values())


def conjunction_rows(voice: Voice, before: Sequence[Row]) -> list[Row]:
    """Two nouns, each with a property, joined by a conjunction: a test of agreement.

    Args:
        voice: as for `draw_fillers`.
        before: the rows of training.

    Returns:
        Rows that are not among them, without items: nothing is to be resolved.
    """
    sources = {row.source for row in before}
    shapes = [one for one in voice.patterns.contrasts if "conjunction" in one.flags]
    kinds = _contrasted(voice.lexicon)
    rows: dict[str, Row] = {}
    while len(rows) < _CONJUNCTIONS:
        row = _contrast_row(voice, voice.rng.choice(kinds), shapes)
        if row.source not in sources:
            _add(rows, row)
    return list(rows.values())


def _contrasted(lexicon: Lexicon) -> list[tuple[Kind, Kind]]:
    """Kinds whose nouns are set against each other, each kind with itself too."""
    return [*kind_pairs(lexicon), *((kind, kind) for kind in lexicon.kinds.values())]


def everyday_fillers(voice: Voice, before: Sequence[Row]) -> list[Row]:
    """Clauses that teach the verbs of the everyday sentences, with other nouns and no reason.

    They come after all other rows, which stay the same whatever sentences are added to test.

    Args:
        voice: as for `draw_fillers`.
        before: the rows there are.

    Returns:
        Rows that are not among them.
    """
    sources = {row.source for row in before}
    rows: dict[str, Row] = {}
    nouns = voice.lexicon.nouns
    for schema in voice.patterns.everyday:
        patient = nouns[schema.patients[0]]
        # A participle agrees with the patient, so the test's form of it is the one to teach.
        pool = [(a, b) for a, b in pairs_of(voice, schema) if b.gender == patient.gender]
        for clause in schema.voices:
            wanted = len(rows) + _CLAUSES_EVERYDAY
            while len(rows) < wanted:
                row = clause_row(voice, clause, voice.rng.choice(pool), timeless=True)
                if row.source not in sources:
                    _add(rows, row)
    return list(rows.values())


def _add(rows: dict[str, Row], row: Row) -> None:
    rows.setdefault(row.source, row)


def sayable(noun: Noun, lexicon: Lexicon) -> list[Cue]:
    """The cues of a noun's kind that training may say of it."""
    kind = lexicon.kinds[noun.kind]
    return [cue for cue in kind.all_cues if not withheld(noun, cue, lexicon)]


def _due(voice: Voice, noun: Noun) -> list[Cue]:
    """What must be said of a noun, whatever chance adds: every cue that fits.

    The first noun of each gender also gets the other adjectives, so that training holds every form
    that a test may ask for.
    """
    cues = sayable(noun, voice.lexicon)
    return [*cues, *voice.unselecting[noun.kind]] if noun.place == 0 else cues


def _any_cue(voice: Voice, noun: Noun) -> Cue:
    selecting = voice.rng.random() < _SELECTING_SHARE
    return voice.rng.choice(
        sayable(noun, voice.lexicon) if selecting else voice.unselecting[noun.kind]
    )


def _property_row(voice: Voice, noun: Noun, cue: Cue) -> Row:
    shapes = [p for p in voice.patterns.properties if not (cue.phrase and "adjective" in p.flags)]
    return _row(voice, voice.rng.choice(shapes), {"A": noun}, {"A": cue})


def _pronoun_row(voice: Voice, noun: Noun, name: str) -> Row:
    """One that says two things of a noun, or one in the shape of the quads: Ana drew the saw."""
    cue = _any_cue(voice, noun)
    if voice.rng.random() < 0.5:
        said = _any_cue(voice, noun)
        while said == cue:
            said = _any_cue(voice, noun)
        shape, cues = voice.rng.choice(voice.patterns.pronouns), {"A": said, "it": cue}
    else:
        clause = voice.rng.choice(voice.patterns.alone)
        opener = choose_opener(voice.rng, voice.patterns, clause.when, timeless=False)
        link = voice.rng.choices(voice.patterns.links, [x.weight for x in voice.patterns.links])[0]
        shape, cues = opener.joined(clause, link.pattern), {"it": cue}
    return pointed_row(voice, name, shape, scene_of(voice, shape, {"A": noun}, cues, "A"))


def pointed_row(voice: Voice, name: str, shape: Pattern, scene: Scene) -> Row:
    """The row, with where its words stand and how it would read of a noun of another gender."""
    nouns = dict(scene.nouns)
    if len(nouns) == 1:
        nouns["B"] = next(n for n in voice.lexicon.nouns.values() if n.shown != nouns["A"].shown)
    slot = scene.antecedent or "A"
    meant, misread = nouns[slot], replace(scene, nouns=nouns, antecedent={"A": "B", "B": "A"}[slot])
    cue, setting = scene.predicates["it"].cue, _setting(voice)
    (source,) = speak(shape.english, [scene], setting, ENGLISH)
    good, bad = speak(shape.other, [scene, misread], setting, voice.grammar, translated=True)
    good_spans, bad_spans = differing_spans(good.text, bad.text)
    roles = {"A": "only"} if len(scene.nouns) == 1 else {"A": "A", "B": "B"}
    candidates = candidates_of(scene.nouns, roles, source, good)
    item = Item(
        id=name,
        quad=name,
        pair=name,
        block=name,
        language=voice.language,
        family="filler",
        schema=shape.name,
        cue=cue.english,
        voice="",
        split="train",
        source=source.text,
        pronoun=source.spans["it"],
        cue_span=source.spans["cue"],
        clause=(source.spans["it"][0], source.spans["cue"][1]),
        candidates=candidates,
        gold=[candidate.noun for candidate in candidates].index(meant.english),
        good=good.text,
        bad=bad.text,
        good_spans=good_spans,
        bad_spans=bad_spans,
    )
    return Row(source.text, good.text, item)


def _contrast_row(voice: Voice, kinds: tuple[Kind, Kind], shapes: Sequence[Pattern]) -> Row:
    a, b = _two_nouns(voice, *kinds)
    if voice.rng.random() < 0.5:
        a, b = b, a
    cues = {"A": _any_cue(voice, a), "B": _any_cue(voice, b)}
    while cues["A"] == cues["B"]:
        cues["B"] = _any_cue(voice, b)
    phrase = any(cue.phrase for cue in cues.values())
    fitting = [p for p in shapes if not (phrase and "adjective" in p.flags)]
    return _row(voice, voice.rng.choice(fitting), {"A": a, "B": b}, cues)


def _two_nouns(voice: Voice, one: Kind, other: Kind) -> tuple[Noun, Noun]:
    """Nouns of two kinds that training may put in one sentence."""
    while True:
        a = voice.rng.choice(one.nouns + one.new_nouns)
        b = voice.rng.choice(other.nouns + other.new_nouns)
        if a != b and not kept_apart(a, b):
            return a, b


def _clauses(voice: Voice) -> list[tuple[Pattern, list[tuple[Noun, Noun]], bool]]:
    """Every schema's voices and every frame, with its pairs of nouns; last, if it is timeless."""
    found: list[tuple[Pattern, list[tuple[Noun, Noun]], bool]] = []
    for schema in voice.patterns.schemas + voice.patterns.natural:
        pool = pairs_of(voice, schema)
        found += [(clause, pool, schema.timeless) for clause in schema.voices]
    pools: dict[frozenset[str], list[tuple[Noun, Noun]]] = {}
    for frame in voice.patterns.frames:
        if frame.flags not in pools:  # which say what may stand in it
            pools[frame.flags] = _together(_pairs_for(voice, frame))
        found += [(frame, pools[frame.flags], False)] * 2
    return found


def _pairs_for(voice: Voice, frame: Pattern) -> list[tuple[Noun, Noun]]:
    """Nouns of the kinds that can change places in a frame, in either order."""
    return [
        (a, b)
        for one, other in kind_pairs(voice.lexicon)
        if frame in voice.patterns.frames_for(one, other)
        for first, second in ((one, other), (other, one))
        for a in first.nouns + first.new_nouns
        for b in second.nouns + second.new_nouns
    ]


def _together(pool: Sequence[tuple[Noun, Noun]]) -> list[tuple[Noun, Noun]]:
    return [(a, b) for a, b in pool if not kept_apart(a, b)]


def pairs_of(voice: Voice, schema: Schema) -> list[tuple[Noun, Noun]]:
    """The pairs of nouns that training may use a schema's verb with.

    A sentence of the natural set keeps its agent and takes other patients of their kind.
    """
    nouns, kinds = voice.lexicon.nouns, voice.lexicon.kinds
    agents, patients = (
        [nouns[word] for word in words] for words in (schema.agents, schema.patients)
    )
    if schema.only == "natural":
        (asked,) = patients
        kind = kinds[asked.kind]
        patients = [noun for noun in kind.nouns + kind.new_nouns if noun != asked]
    return _together([(a, b) for a in agents for b in patients if a != b])


def clause_row(
    voice: Voice,
    clause: Pattern,
    nouns: tuple[Noun, Noun],
    *,
    timeless: bool,
) -> Row:
    """A clause about two nouns as a sentence, behind an opener that chance chooses."""
    opener = choose_opener(voice.rng, voice.patterns, clause.when, timeless=timeless)
    whole = opener.joined(clause, _END)
    return _row(voice, whole, dict(zip("AB", nouns, strict=True)), {})


def _row(
    voice: Voice,
    shape: Pattern,
    nouns: Mapping[str, Noun],
    cues: Mapping[str, Cue],
) -> Row:
    scene, setting = scene_of(voice, shape, nouns, cues), _setting(voice)
    (source,) = speak(shape.english, [scene], setting, ENGLISH)
    (target,) = speak(shape.other, [scene], setting, voice.grammar, translated=True)
    return Row(source.text, target.text)


def scene_of(
    voice: Voice,
    shape: Pattern,
    nouns: Mapping[str, Noun],
    cues: Mapping[str, Cue],
    antecedent: str | None = None,
) -> Scene:
    """What a shape is told of: nouns, what is said of them, and which of them is meant."""
    predicates = {slot: _predicate(voice, shape, cue) for slot, cue in cues.items()}
    return Scene(nouns, predicates, antecedent, shape.when)


def _setting(voice: Voice) -> Setting:
    return Setting(_END, _END, None, tuple(voice.rng.sample(voice.patterns.people, 2)))


def _predicate(voice: Voice, shape: Pattern, cue: Cue) -> Predicate:
    if {"plain", "adjective"} & shape.flags or voice.rng.random() < 0.5:
        return Predicate(cue)
    fitting = [
        adverb.modifier
        for adverb in voice.patterns.adverbs
        if adverb.fits(cue) and not adverb.reason
    ]
    return Predicate(cue, voice.rng.choice(fitting) if fitting else None)
