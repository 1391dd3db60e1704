"""The lexicon keeps its promises: kinds are full, cues inflect, no word hides its gender."""

from seq2seq.pronouns.grammar import grammar_of
from seq2seq.pronouns.items import word_spans
from seq2seq.pronouns.lexicon import load_lexicon
from seq2seq.pronouns.patterns import load_patterns

LEXICON = load_lexicon("es")


def test_every_language_has_as_many_new_nouns_of_a_kind_in_every_gender() -> None:
    for code, genders in (("es", "mf"), ("fr", "mf"), ("de", "mfn")):
        for kind in load_lexicon(code).kinds.values():
            shown = [gender for gender in genders if kind.of(gender)]
            assert shown[:2] == ["m", "f"], (code, kind.name)
            assert kind.genders == tuple(shown), (code, kind.name)
            for gender in shown:
                assert len(kind.of(gender)) == 4, (code, kind.name, gender)
                assert len(kind.new_of(gender)) == 2, (code, kind.name, gender)
    neuter = [kind.name for kind in load_lexicon("de").kinds.values() if "n" in kind.genders]
    assert len(neuter) >= 8


def test_there_are_at_least_eight_kinds_of_twelve_nouns_with_six_of_each_gender() -> None:
    assert len(LEXICON.kinds) >= 8
    for kind in LEXICON.kinds.values():
        assert [noun.gender for noun in kind.nouns].count("m") == 4, kind.name
        assert [noun.gender for noun in kind.nouns].count("f") == 4, kind.name
        assert [noun.gender for noun in kind.new_nouns] == ["m", "m", "f", "f"], kind.name
        assert len(kind.cues) == 4, kind.name
        assert kind.new_cues, kind.name


def test_every_noun_and_cue_is_one_english_word_and_listed_once() -> None:
    nouns = [n for k in LEXICON.kinds.values() for n in k.nouns + k.new_nouns]
    cues = [c for k in LEXICON.kinds.values() for c in k.cues + k.new_cues]
    words = [entry.english for entry in nouns + cues]
    words += [*LEXICON.adjectives, *LEXICON.neutral]
    assert len(set(words)) == len(words)
    assert not [word for word in words if " " in word]


def test_every_cue_inflects_and_every_neutral_adjective_does_not() -> None:
    agree = grammar_of("es").agree
    for cue in LEXICON.cues.values():
        inflects = [agree(lemma, "m") != agree(lemma, "f") for lemma in cue.lemmas]
        assert all(inflects) != (cue.english in LEXICON.neutral), cue


def test_no_feminine_noun_takes_the_masculine_article() -> None:
    # El agua, el hacha, el arpa: feminine nouns that begin with a stressed a.
    for noun in LEXICON.nouns.values():
        if noun.gender == "f" and noun.word.startswith(("a", "ha", "á", "há")):
            assert noun.word in {"ambulancia", "armónica", "aguja", "azalea", "ardilla"}, noun


def test_a_cue_word_is_never_also_a_noun_or_a_word_of_a_pattern() -> None:
    # The gender scorer looks for the cue's forms in the whole sentence.
    agree = grammar_of("es").agree
    forms = {
        agree(lemma, gender)
        for cue in LEXICON.cues.values()
        if cue.english not in LEXICON.neutral
        for lemma in cue.lemmas
        for gender in ("m", "f")
    }
    patterns = load_patterns("es")
    clauses = [frame.other for frame in patterns.frames]
    clauses += [voice.other for s in patterns.schemas + patterns.natural for voice in s.voices]
    clauses += [opener.other for opener in patterns.openers]
    clauses += [link.pattern.other for link in patterns.links]
    text = " ".join([noun.word for noun in LEXICON.nouns.values()] + clauses)
    assert not forms & {text[start:end] for start, end in word_spans(text)} - {"asustado"}


def test_a_participle_that_is_also_a_cue_never_meets_that_cue() -> None:
    patterns = load_patterns("es")
    for schema in patterns.schemas + patterns.natural:
        words = [*schema.cues[0], *schema.cues[1]]
        lemmas = {lemma for word in words for lemma in LEXICON.cues[word].lemmas}
        for voice in schema.voices:
            assert not [lemma for lemma in lemmas if f"{{{lemma}@" in voice.other], schema.name


def test_what_a_schema_says_of_a_noun_fits_its_kind() -> None:
    for code in ("es", "de", "fr", "vi"):
        lexicon = load_lexicon(code)
        kind_of = {cue: kind.name for kind in lexicon.kinds.values() for cue in kind.all_cues}
        for schema in load_patterns(code).schemas:
            for cues, pool in zip(schema.cues, (schema.agents, schema.patients), strict=True):
                kinds = {lexicon.nouns[word].kind for word in pool}
                for cue in (lexicon.cues[word] for word in cues):
                    kind = kind_of.get(cue)
                    assert kind is None or kinds == {kind}, (code, schema.name, cue.english)


def test_no_cue_is_a_reason_for_both_nouns_of_a_schema() -> None:
    for schema in load_patterns("es").schemas:
        assert not set(schema.cues[0]) & set(schema.cues[1]), schema.name
