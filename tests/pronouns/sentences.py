"""Say a template of a language with given words, for tables written by hand."""

from collections.abc import Sequence
from random import Random

from seq2seq.pronouns.draw import Draw
from seq2seq.pronouns.grammar import grammar_of
from seq2seq.pronouns.items import Item
from seq2seq.pronouns.lexicon import load_lexicon
from seq2seq.pronouns.patterns import Pattern, load_patterns
from seq2seq.pronouns.phrase import Grammar, Line, Predicate, Scene, Tense, say_each
from seq2seq.pronouns.splits import natural_items


def say(template: str, scene: Scene, grammar: Grammar, people: Sequence[str] = ()) -> Line:
    """Fill a template for one scene alone."""
    (line,) = say_each(template, [scene], grammar, people)
    return line


def said(
    code: str,
    template: str,
    a: str,
    b: str = "",
    *,
    cue: str = "",
    adverb: str = "",
    it: str | None = None,
    tense: Tense = "past",
) -> str:
    """The sentence, with one property for "it" and for A alike."""
    lexicon = load_lexicon(code)
    nouns = {slot: lexicon.nouns[word] for slot, word in (("A", a), ("B", b)) if word}
    predicates = {}
    if cue:
        modifiers = {x.modifier.english: x.modifier for x in load_patterns(code).adverbs}
        predicate = Predicate(lexicon.cues[cue], modifiers.get(adverb))
        predicates = {"it": predicate, "A": predicate}
    return say(template, Scene(nouns, predicates, it, tense), grammar_of(code)).text


def frame(code: str, opener: str, name: str, link: str = "because") -> str:
    """The template of an opener (by its English), a frame and a link."""
    patterns = load_patterns(code)
    openers = {x.english: x for x in (*patterns.openers, patterns.cataphora)}
    links = {x.pattern.name: x.pattern for x in patterns.links}
    clause = next(x for x in patterns.frames if x.name == name)
    return openers.get(opener, Pattern("", "", "")).joined(clause, links[link]).other


def natural(code: str, source: str) -> Item:
    """The natural item with this source."""
    draw = Draw(load_lexicon(code), load_patterns(code), grammar_of(code), code, Random(0))
    return next(item for item in natural_items(draw) if item.source == source)
