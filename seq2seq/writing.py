"""Text as a model wrote it: parts joined, addresses and placeholders put back, oddities counted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from seq2seq.decode.options import Hypothesis
from seq2seq.reading import ReadText
from seq2seq.restoration import Restored, restore
from seq2seq.sentences import join_parts, marks_sentences, sentences_of
from seq2seq.tokenizer_like import TokenizerLike
from seq2seq.translated import Candidate, Translation, is_copy, on_one_line, repeats


@dataclass(frozen=True, slots=True)
class TextWriter:
    """How pieces become text.

    Attributes:
        tokenizer: The model's.
        language: Code of the outputs' language; None if that is not known.
        length_penalty: Of the score of an output of several parts.
        restores: Whether to put changed addresses and placeholders back.
        complete: Whether an output is to hold all those of its input; a summary is not.
    """

    tokenizer: TokenizerLike
    language: str | None
    length_penalty: float
    restores: bool
    complete: bool

    def write(
        self, read: Sequence[ReadText], found: Iterable[Sequence[Hypothesis]]
    ) -> list[Translation]:
        """Join what the parts of each text became.

        Args:
            read: The texts.
            found: The hypotheses of each part of each text, the best first.

        Returns:
            One for each text: the best of each part together, then the second best of each, and so
            on.
        """
        rows = iter(found)
        ranked = [list(zip(*islice(rows, len(one.parts)), strict=False)) for one in read]
        # All at once: a call takes as long as the text of several lines.
        texts = iter(
            self.tokenizer.decode([p.ids for ranks in ranked for parts in ranks for p in parts])
        )
        return [
            self._translation(one, ranks, texts) for one, ranks in zip(read, ranked, strict=True)
        ]

    def _translation(
        self, read: ReadText, ranked: Sequence[Sequence[Hypothesis]], texts: Iterator[str]
    ) -> Translation:
        candidates = [
            self._join(read.text, parts, list(islice(texts, len(parts)))) for parts in ranked
        ]
        parts = len(read.parts)
        return Translation(
            tuple(candidates),
            parts,
            unknown=read.unknown,
            spelt=read.spelt,
            dropped=read.dropped,
            too_long=read.too_long,
            fewer_sentences=self._has_fewer(read, candidates),
            normalized=read.normalized,
            copied=bool(candidates) and is_copy(candidates[0].text, read.text),
        )

    def _has_fewer(self, read: ReadText, candidates: Sequence[Candidate]) -> bool:
        if read.sentences < 2 or len(read.parts) != 1 or read.dropped:
            return False
        if not marks_sentences(self.language):
            return False
        return len(sentences_of(candidates[0].text, language=self.language)) < read.sentences

    def _join(self, source: str, parts: Sequence[Hypothesis], texts: Sequence[str]) -> Candidate:
        log_probability = sum(part.log_probability for part in parts)
        length = sum(len(part.ids) for part in parts)
        unknown = self.tokenizer.unk_id
        written = self._restore(
            source, join_parts([on_one_line(text) for text in texts], language=self.language)
        )
        return Candidate(
            written.text,
            parts[0].score if len(parts) == 1 else log_probability / length**self.length_penalty,
            log_probability,
            ended=all(part.ended for part in parts),
            loops=any(repeats(part.ids) for part in parts if not part.ended),
            unknown=sum(part.ids.count(unknown) for part in parts),
            restored=written.restored,
            missing=written.missing,
        )

    def _restore(self, source: str, text: str) -> Restored:
        found = restore(source, text)
        if not self.restores:
            found = Restored(text, missing=found.missing + found.restored)
        return found if self.complete else Restored(found.text, found.restored)
