"""Do the words that people marked decide a pronoun for the model too: seen, and used?

*Seen*: in how many items does the row of the decoder that decides the pronoun attend more to the
marked words than to unmarked ones beside them? The head is chosen on a third of the items, whole
clusters, among those that do so more often than not, and held on the others against every rule
that looks at no attention (nearer, rarer, behind an article, marked before …), as in
`seq2seq.probe.study`. *Used*: the marked words are hidden from that head, from the deciding row,
from all rows of the sentence, from all rows behind them; then the unmarked ones are, from the same
rows of the same heads. What the preference for the right pronoun falls more without the marked
words is their use: hiding any word disturbs a model, and unmarked words of the same text, kind and
length say how much. A head may look at nouns whoever marked them, so both questions are asked again
with the marks moved to the unmarked words: a twin that must find nothing, like models with random
weights. Marks on the target side, before and in the sentence, and on the source side are questions
of their own, for another stack reads them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from seq2seq.evaluate.evaluation import ProbeFigures
from seq2seq.evaluate.item import Suite
from seq2seq.probe.causes.experiment import Experiment
from seq2seq.probe.causes.knock_outs import SightOfNouns, sight_of_nouns
from seq2seq.probe.causes.use import sight_of_measure
from seq2seq.probe.head_controls.baselines import (
    Baseline,
    baseline_scores,
    blind_answers,
    that_apply,
)
from seq2seq.probe.head_controls.head import control_head
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.marked import (
    DETERMINED,
    PLACES,
    MarkedItem,
    Where,
    place_marked,
    read_marked,
)
from seq2seq.probe.items.pieces import Rows
from seq2seq.probe.items.placement import PlacedCase
from seq2seq.probe.measures.accuracy import answers_right, items_right
from seq2seq.probe.measures.routes import score_routes
from seq2seq.probe.measures.scores import Measure, Scores, only
from seq2seq.probe.model.interventions import Stack
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.report.marked_verdict import (
    BetweenNouns,
    Hidden,
    MarkedVerdict,
    lines_of,
    marked_fields,
)
from seq2seq.probe.report.result import StudySpec
from seq2seq.probe.statistics.bootstrap import cluster_bootstrap, mean_of
from seq2seq.probe.statistics.enough import LEAST, too_few
from seq2seq.probe.statistics.permutation import max_t_sign_flip
from seq2seq.probe.statistics.scored_sets import ScoredSets, right_of
from seq2seq.probe.statistics.selection import Choice, choose
from seq2seq.probe.statistics.visible import Visible, visible
from seq2seq.probe.study import rules_of
from seq2seq.probe.suite_study import SHARE_TO_CHOOSE, with_languages
from seq2seq.score.cluster_sample import draw_clusters


def probe_marks(
    model: StockModel, suite: Suite, spec: StudySpec, *, say: Callable[[str], None] = lambda _: None
) -> tuple[ProbeFigures, ...]:
    """Ask both questions of the marked words of every place.

    Args:
        model: an encoder-decoder.
        suite: its items have marks.
        spec: sizes and seed.
        say: told of each stage.
    """
    wanted = len(suite.items) // SHARE_TO_CHOOSE
    rows = draw_clusters([one.cluster for one in suite.items], wanted, seed=spec.seed)
    choosing = {suite.items[row].id for row in rows}
    with with_languages(model, suite.languages):
        items, unread = read_marked(model, suite.items)
        found = []
        for where in PLACES:
            say(f"marked words, {where}")
            part = _Part(model, items, unread, choosing, where, spec)
            verdict = part.verdict()
            if verdict.visible is not None:
                verdict = replace(verdict, moved=replace(part, moved=True).verdict())
            found.append(figures_of(model.name, verdict))
    return tuple(found)


def figures_of(name: str, verdict: MarkedVerdict) -> ProbeFigures:
    """What an evaluation prints and stores of a place."""
    return ProbeFigures(
        model=name,
        items=verdict.items,
        chosen_on=verdict.chosen_on,
        lines=tuple(lines_of(verdict)),
        verdict=marked_fields(verdict),
        left_out=verdict.left_out,
        question=f"Do the words that people marked in the {verdict.where} decide the pronoun?",
        asked="items with marked and like unmarked words that it reads",
    )


class _Towards(ScoredSets):
    """Both sets, of which only measures are chosen that give the marked words more."""

    def best(self, keep: Callable[[Measure], bool]) -> Choice:
        """Choose among some measures on the first set; any of them, where none gives more."""
        more = set(_giving_more(self.dev_scores.scores).measures)
        several = any(keep(one) for one in more)
        return super().best(lambda one: keep(one) and (one in more or not several))


def _giving_more(scores: Scores) -> Scores:
    """The measures that give the gold words more in half of the items at least; all if none do."""
    more = items_right(scores.gold, scores.distractor).mean(axis=1) >= 0.5
    return only(scores, np.flatnonzero(more | ~more.any()).tolist())


@dataclass(frozen=True)
class _Part:
    """The items of a suite, to be asked about the marked words of one place."""

    model: StockModel
    items: Sequence[MarkedItem]
    unread: Counter[str]
    choosing: set[str]
    where: Where
    spec: StudySpec
    moved: bool = False

    def verdict(self) -> MarkedVerdict:
        """Ask both questions; none, where there are too few items."""
        model, spec, where = self.model, self.spec, self.where
        placed, lost = place_marked(self.items, where, moved=self.moved)
        dev = [one for one in placed if one.case.id in self.choosing]
        test = [one for one in placed if one.case.id not in self.choosing]
        reasons = (self.unread + lost).most_common()
        left_out = tuple(f"{count:,} left out: {why}" for why, count in reasons)
        few = too_few(*([one.case for one in some] for some in (dev, test)))
        found = MarkedVerdict(where, len(test), len(dev), left_out, too_few=few if placed else "")
        if few:
            return found
        scored = _Towards(
            model, dev, test, resamples=spec.resamples, seed=spec.seed, contributions=False
        )
        rules = [*rules_of(scored, control_head(scored, {})), _more_rules(dev, test)]
        blind = blind_answers(rules)
        experiment = Experiment(model, test)
        clusters = experiment.dependence.clusters
        head, right = scored.head.measure, scored.right(scored.chosen)
        sentences = {one.item.id: one.sentence for one in self.items}
        sights = _sights(experiment, head, sentences, where)
        hidden, falls = _hidden(experiment, sights, spec)
        return replace(
            found,
            preferred=mean_of(
                answers_right(experiment.intact), clusters, share=True, seed=spec.seed
            ),
            visible=visible(scored.chosen, right, blind, experiment.dependence),
            random=() if self.moved else _random(model, dev, experiment, spec, blind),
            head=head,
            mass=tuple(float(each.mean()) for each in scored.sides(head)),
            hidden=hidden,
            nouns=_between_nouns(test, right, falls[-1], spec),
        )


def _between_nouns(
    test: Sequence[PlacedCase], right: Float[np.ndarray, " items"],
    fall: Float[np.ndarray, " items"], spec: StudySpec,
) -> BetweenNouns | None:  # fmt: skip
    rows = [
        row
        for row, one in enumerate(test)
        if all(each.role == DETERMINED for each in one.case.candidates)
    ]
    clusters = [test[row].case.cluster for row in rows]
    if len(set(clusters)) < LEAST:
        return None
    seen = mean_of(right[rows], clusters, share=True, seed=spec.seed)
    more = mean_of(fall[rows], clusters, seed=spec.seed)
    return BetweenNouns(len(rows), seen, more)


def _more_rules(dev: Sequence[PlacedCase], test: Sequence[PlacedCase]) -> Scores:
    """Rules of marked words: a rare word, a long one, one behind an article or the like."""
    counts = Counter(word for one in dev for word in one.case.text.lower().split())

    def rarer(case: Case) -> list[float]:
        return [-sum(counts[word] for word in one.text.split()) for one in case.candidates]

    rules = [
        Baseline("rarer", rarer),
        Baseline("longer", lambda case: [len(one.text) for one in case.candidates]),
        Baseline(DETERMINED, lambda case: [one.role == DETERMINED for one in case.candidates]),
    ]
    return that_apply(baseline_scores([one.case for one in test], rules))


def _random(
    model: StockModel, dev: Sequence[PlacedCase], asked: Experiment, spec: StudySpec,
    blind: Mapping[str, Float[np.ndarray, " items"]],
) -> tuple[Visible, ...]:  # fmt: skip
    """Models with random weights, judged as the model, each with its own choice."""
    found = []
    for number in range(spec.random_twins):
        twin = model.random_twin(spec.seed + number)
        before, after = (
            score_routes(twin, some, gradients=False, contributions=False).scores
            for some in (dev, asked.placed)
        )
        choice = choose(_giving_more(before))
        found.append(visible(choice, right_of(choice, after), blind, asked.dependence))
    return tuple(found)


def _sights(
    experiment: Experiment, head: Measure, sentences: Mapping[str, Rows], where: Where
) -> dict[str, SightOfNouns]:
    """From which rows words are hidden, by what the rows are called."""

    def behind(one: PlacedCase, rows: Iterable[int]) -> Rows:
        """Those of some rows that can look at the words, and are none of these words."""
        words = {row for noun in one.nouns_in(stack) for row in noun}
        return tuple(row for row in rows if row > min(words) and row not in words)

    stack: Stack = "cross" if where == "source" else "decoder"
    sights = {
        f"this head ({head.place})": sight_of_measure(experiment, head, alone=True),
        "the deciding row": sight_of_nouns("decision", stack, lambda one: one.rows_of("")),
    }
    if where == "source":  # all rows of the decoder stand behind it
        sights["all rows of the sentence"] = sight_of_nouns(
            "sentence", stack, lambda one: sentences[one.case.id]
        )
        return sights
    sights["all rows of the sentence"] = sight_of_nouns(
        "sentence", stack, lambda one: behind(one, sentences[one.case.id])
    )
    if where == "target context":
        sights["all rows behind the words"] = sight_of_nouns(
            "rows", stack, lambda one: behind(one, range(one.rows_of("")[0] + 1))
        )
    return sights


def _hidden(
    experiment: Experiment, sights: Mapping[str, SightOfNouns], spec: StudySpec
) -> tuple[tuple[Hidden, ...], Float[np.ndarray, "sights items"]]:
    """What hiding words from each of some rows costs, and how much more the preference falls."""
    trials = [(experiment.trial(one.gold), experiment.trial(one.other)) for one in sights.values()]
    effects = experiment.effects([one for pair in trials for one in pair])
    falls = np.stack([other.after - marked.after for marked, other in trials])
    costs = np.stack(
        [answers_right(other.after) - answers_right(marked.after) for marked, other in trials]
    )
    clusters = experiment.dependence.clusters
    p = max_t_sign_flip(falls, clusters, flips=spec.resamples, seed=spec.seed).p_fwer
    both = np.concatenate([costs, falls])
    more = cluster_bootstrap(both, clusters, resamples=spec.resamples, seed=spec.seed)
    count = len(sights)
    hidden = (
        Hidden(rows, effects[2 * n], effects[2 * n + 1], more[n], more[count + n], float(p[n]))
        for n, rows in enumerate(sights)
    )
    return tuple(hidden), falls
