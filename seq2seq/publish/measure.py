"""How far an export is from the model it was made from, on held-out text.

Three comparisons, from the strictest to the one that matters: the log-probability of every piece of
given targets; the outputs of greedy search and of the search stored beside the model; the score of
those outputs against the references. Then what the export is for: its size and its speed.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from seq2seq.decode.options import DecodeOptions, Hypothesis
from seq2seq.engines.agreement import Tolerance, count_equal, differences
from seq2seq.engines.engine import Engine
from seq2seq.publish.held_out import HeldOut
from seq2seq.score.measure import score
from seq2seq.score.result import Score
from seq2seq.tokenizer_like import TokenizerLike


@dataclass(frozen=True)
class Figures:
    """One program's outputs and what they cost.

    Attributes:
        score: Of the outputs of the stored search.
        bytes: Of all files.
        sentences_per_second: Of the stored search, loading left out.
    """

    score: float
    bytes: int
    sentences_per_second: float


@dataclass(frozen=True)
class Measured:
    """An export beside its model.

    Attributes:
        text: What it was measured on.
        pairs: How many pairs.
        left_out: Pairs that were empty or too long.
        pieces: Target pieces that were scored.
        largest_difference: Of the log-probability of a piece.
        mean_difference: Of the log-probability of a piece.
        largest_sentence_difference: Of the log-probability of a whole target.
        greedy_equal: Outputs that are equal without search.
        search_equal: Outputs that are equal with the stored search.
        beams: Of the stored search.
        metric: What the scores are, with their signature.
        threads: Processor threads of either program.
        device: Where both computed.
        model: The model's own figures.
        export: Those of the export.
    """

    text: str
    pairs: int
    left_out: int
    pieces: int
    largest_difference: float
    mean_difference: float
    largest_sentence_difference: float
    greedy_equal: int
    search_equal: int
    beams: int
    metric: str
    threads: int
    device: str
    model: Figures
    export: Figures

    def to_json(self) -> dict[str, Any]:
        """Every figure, for programs."""
        return asdict(self)

    def to_text(self) -> str:
        """A few lines for people."""
        left_out = f", {self.left_out:,} empty or too long left out" if self.left_out else ""
        faster = self.export.sentences_per_second / self.model.sentences_per_second
        change = self.export.score - self.model.score
        return "\n".join(
            [
                f"compared on {self.pairs:,} pairs of {self.text}{left_out}",
                f"log-probability of a piece  differs by at most {self.largest_difference:.2g}, "
                f"{self.mean_difference:.2g} on average ({self.pieces:,} pieces); of a target by "
                f"at most {self.largest_sentence_difference:.2g}",
                f"equal outputs               greedy {self.greedy_equal:,} of {self.pairs:,}; "
                f"with {self.beams} beam(s) {self.search_equal:,}",
                f"{self.metric.partition('|')[0]:<27} {self.export.score:.2f} ({change:+z.2f})",
                f"size                        {self.export.bytes / 1e6:.1f} MB, "
                f"model {self.model.bytes / 1e6:.1f} MB",
                f"speed                       {self.export.sentences_per_second:.1f} sentences/s "
                f"({faster:.1f} times the model's) on {self.device}, {self.threads} thread(s)",
            ]
        )


def measure(
    model: Engine,
    export: Engine,
    text: HeldOut,
    *,
    tokenizer: TokenizerLike,
    options: DecodeOptions,
    sizes: tuple[int, int],
    summaries: bool,
    language: str | None = None,
    device: str = "cpu",
) -> Measured:
    """Compare an export with its model.

    Args:
        model: The model it was made from.
        export: The export, loaded by the program that it is for.
        text: What to compare them on.
        tokenizer: Of both.
        options: The search stored beside the model.
        sizes: Bytes of the model's files and of the export's.
        summaries: Score by ROUGE-L instead of BLEU.
        language: Code of the target language, if it is known.
        device: Where both compute, for the record.

    Returns:
        The figures.
    """
    given = (text.source_ids, text.target_ids)
    pieces, sentences = differences(
        model.score(*given, first_id=options.first_id),
        export.score(*given, first_id=options.first_id),
    )
    found = [search_twice(engine, text, options) for engine in (model, export)]
    scores = [
        score_outputs(tokenizer, best, text, summaries=summaries, language=language)
        for _, best, _ in found
    ]
    figures = [
        Figures(score.value, size, len(text) / seconds)
        for score, size, (_, _, seconds) in zip(scores, sizes, found, strict=True)
    ]
    return Measured(
        text=text.name,
        pairs=len(text),
        left_out=text.left_out,
        pieces=len(pieces),
        largest_difference=max(pieces),
        mean_difference=sum(pieces) / len(pieces),
        largest_sentence_difference=max(sentences),
        greedy_equal=count_equal(found[0][0], found[1][0]),
        search_equal=count_equal(found[0][1], found[1][1]),
        beams=options.beams,
        metric=f"{scores[0].name}|{scores[0].signature}",
        threads=torch.get_num_threads(),
        device=device,
        model=figures[0],
        export=figures[1],
    )


def search_twice(
    engine: Engine, text: HeldOut, options: DecodeOptions
) -> tuple[list[Hypothesis], list[Hypothesis], float]:
    """The best outputs without search, those with it, and the seconds that the second took.

    The first makes the engine warm for the second.
    """
    greedy = engine.search(text.source_ids, replace(options, beams=1))
    start = time.perf_counter()
    found = engine.search(text.source_ids, options)
    seconds = time.perf_counter() - start
    return [one[0] for one in greedy], [one[0] for one in found], seconds


def score_outputs(
    tokenizer: TokenizerLike,
    outputs: Sequence[Hypothesis],
    text: HeldOut,
    *,
    summaries: bool,
    language: str | None = None,
) -> Score:
    """BLEU of translations, ROUGE-L of summaries."""
    hypotheses = [one.replace("\n", " ") for one in tokenizer.decode([one.ids for one in outputs])]
    references = [tokenizer.normalize(one) for one in text.references]
    metric = "rougeL" if summaries else "bleu"
    return score(metric, hypotheses, [references], language=language, resamples=0)


def find_excess(measured: Measured, tolerance: Tolerance) -> list[str]:
    """Name every figure that is beyond what is tolerated.

    Args:
        measured: The figures.
        tolerance: What they may be.

    Returns:
        One phrase for each, none if the export may be used.
    """
    pairs, loss = measured.pairs, measured.model.score - measured.export.score
    least = {"greedy": tolerance.greedy, "search": tolerance.search}
    equal = {"greedy": measured.greedy_equal, "search": measured.search_equal}
    problems = []
    if not measured.largest_difference <= tolerance.piece:  # nan is not
        problems.append(
            f"the log-probability of a piece differs by '{measured.largest_difference:.3g}', "
            f"needed at most {tolerance.piece:g}"
        )
    if not measured.mean_difference <= tolerance.mean_piece:
        problems.append(
            f"log-probabilities of pieces differ by '{measured.mean_difference:.3g}' on average, "
            f"needed at most {tolerance.mean_piece:g}"
        )
    problems += [
        f"'{equal[name]}' of {pairs} outputs of {name} are equal, needed {100 * share:g} %"
        for name, share in least.items()
        if equal[name] < share * pairs
    ]
    if loss > tolerance.loss:
        problems.append(f"the score is '{loss:.2f}' points lower, needed at most {tolerance.loss}")
    return problems
