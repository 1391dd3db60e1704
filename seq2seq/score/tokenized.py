"""The tokenised protocol of many papers: Moses-tokenised text, split at spaces, then BLEU.

Figures by this protocol are not comparable with sacrebleu's own (a point and a half of BLEU
apart on the same output has been reported), so they carry a name and signature of their own.
The steps are, in this order: lower-case (if asked), normalise punctuation, tokenise, which is how
the official ``lc.norm.tok`` files of Multi30k were made, and it reproduces those files exactly.
"""

from collections.abc import Callable
from dataclasses import replace

from seq2seq.languages import language_of
from seq2seq.score.figure import to_score
from seq2seq.score.result import RESAMPLES, Score, Segments
from seq2seq.score.texts import References, make_comparable
from seq2seq.score.translation import sacrebleu_measure

# What the Moses tokenizer writes for characters that its decoder reserved; & must come last.
MOSES_ENTITIES = {
    "&#124;": "|",
    "&lt;": "<",
    "&gt;": ">",
    "&apos;": "'",
    "&quot;": '"',
    "&#91;": "[",
    "&#93;": "]",
    "&amp;": "&",
}


def tokenized_bleu(
    hypotheses: Segments,
    references: References,
    language: str,
    *,
    lowercase: bool = False,
    references_are_tokenized: bool = False,
    resamples: int = RESAMPLES,
) -> Score:
    """BLEU on Moses-tokenised text, to stand beside published figures that were computed so.

    Args:
        hypotheses: detokenised segments; they are tokenised here.
        references: raw references, tokenised in the same way, or already tokenised ones.
        language: code of the target language; it chooses abbreviations and
            apostrophe rules.
        lowercase: lower-case both sides before anything else.
        references_are_tokenized: take the references' tokens as they are; only the entities
            that Moses writes (``&quot;``) are undone, since escaping changes no comparison.
        resamples: bootstrap resamples for the interval; 0 leaves the interval out.

    Returns:
        A score named "BLEU-tokenized" or "BLEU-tokenized-lc", whose signature names each step.

    Raises:
        ScoreError: the texts are empty or not parallel.

    Source: ``multi-bleu.perl`` and ``tokenizer.perl`` of Moses; Post 2018 on why it matters.
    """
    from sacrebleu.metrics import BLEU

    texts = make_comparable(hypotheses, references)
    language = language_of(language).code  # Moses knows no longer codes
    tokenize = moses_tokenizer(language, lowercase=lowercase)
    given = _given_tokens(lowercase=lowercase) if references_are_tokenized else tokenize
    measure = sacrebleu_measure(
        "bleu",
        BLEU(tokenize="none", force=True),
        [[None if line is None else given(line) for line in text] for text in texts.references],
        signed=_signed(language, lowercase=lowercase, given=references_are_tokenized),
    )
    figures = measure([tokenize(line) for line in texts.hypotheses])
    score = to_score(figures["bleu"], resamples=resamples)
    return replace(score, name="BLEU-tokenized-lc" if lowercase else "BLEU-tokenized")


def moses_tokenizer(language: str, *, lowercase: bool = False) -> Callable[[str], str]:
    """A function from raw text to the tokens of Moses, joined by spaces.

    Hyphens inside words are kept and nothing is escaped.

    Args:
        language: two-letter code; as in Moses, a language without a list of abbreviations
            uses the English one.
        lowercase: lower-case first, as the tokenizer looks at case after a full stop.
    """
    from sacremoses import MosesPunctNormalizer, MosesTokenizer

    normalizer = MosesPunctNormalizer(lang=language, perl_parity=True)
    tokenizer = MosesTokenizer(lang=language)

    def tokenize(text: str) -> str:
        cased = text.lower() if lowercase else text
        # The Perl script sees each line with its line end, and its rule for a full stop before
        # a closing quote relies on that: without it the last sentence of a line is missed.
        normal = normalizer.normalize(cased + "\n")
        return str(tokenizer.tokenize(normal, return_str=True, escape=False))

    return tokenize


def _given_tokens(*, lowercase: bool) -> Callable[[str], str]:
    def undo_entities(text: str) -> str:
        for entity, character in MOSES_ENTITIES.items():
            text = text.replace(entity, character)
        return text.lower() if lowercase else text

    return undo_entities


def _signed(language: str, *, lowercase: bool, given: bool) -> dict[str, str]:
    from importlib.metadata import version

    from sacremoses.corpus import NonbreakingPrefixes

    listed = language in NonbreakingPrefixes().available_langs.values()
    return {
        "case": "lc-first" if lowercase else "mixed",
        "tok": f"moses-{language}",
        "norm": f"moses-{language}",
        "abbreviations": language if listed else "en",
        "hyphens": "kept",
        "escape": "no",
        "refs": "tokenized" if given else "raw",
        "sacremoses": version("sacremoses"),
    }
