"""The tables of a probe, the same for a terminal, a model card and a page."""

from seq2seq.probe.causes.experiment import Effect
from seq2seq.probe.causes.knock_outs import PRONOUN
from seq2seq.probe.report.result import Study
from seq2seq.probe.report.verdict import accuracy, p_value, share
from seq2seq.probe.report.wording import REMOVED_WITH, ROUTES, VARIANTS, in_words
from seq2seq.probe.statistics.bootstrap import Estimate
from seq2seq.probe.statistics.selection import Finding
from seq2seq.text_table import Bar, Table

MOST_EFFECTS = 12


def tables_of(study: Study) -> tuple[Table, ...]:
    """Routes, free translations, control sets and knock-outs; those that have rows."""
    tables = (
        routes_table(study),
        _written_table(study),
        _controls_table(study),
        _effects_table(study),
    )
    return tuple(table for table in tables if table.rows)


def routes_table(study: Study) -> Table:
    """Each route with its own choice, the rules, and the head's row of other words."""
    found = (*study.by_route, *study.baselines, *study.wrong_queries)
    return Table(
        "On which route does the answer travel?",
        ("route", "layer", "head", "right noun", "pairs", "p", "cost of removing it", "control"),
        tuple(_route(one, study) for one in found),
        f"{routes_explained(study)} The line in a bar is chance.",
        next((n for n, one in enumerate(found) if one.measure == study.finding.measure), None),
    )


def routes_explained(study: Study) -> str:
    """What the names in the table of routes mean."""
    found = (*study.by_route, *study.baselines, *study.wrong_queries)
    known = (ROUTES | VARIANTS).items()
    said = {part for one in found for part in (one.measure.route, one.measure.variant)}
    return (
        f"{'; '.join(f'{name}: {words}' for name, words in known if name in said)}. ★ was chosen "
        "on other items; p is of a measure by itself. Cost: points of accuracy of the answer that "
        "are gone once the link is cut in all layers and heads; control: the same for links to "
        "other words that draw as much attention."
    )


def _route(one: Finding, study: Study) -> tuple[str | Bar, ...]:
    measure = one.measure
    effects = {effect.name: effect for effect in study.verdict.causes.effects}
    effect = effects.get(REMOVED_WITH.get(measure.route, ""))
    star = "★ " if measure == study.finding.measure else ""
    layer, head = ("" if each is None else str(each) for each in (measure.layer, measure.head))
    return (
        f"{star}{measure.route} {measure.variant}{'' if one.sign == 1 else ' (other)'}",
        layer,
        head,
        Bar(accuracy(one), one.accuracy, chance=True),
        "" if one.pair is None else f"{one.pair:.1%}",
        p_value(one.p),
        *(("", "") if effect is None else (_cost(effect), _control(effect))),
    )


def _effects_table(study: Study) -> Table:
    """What knock-outs cost: the costliest, those of the pronoun, sets of several, and each use."""
    causes = study.verdict.causes
    shown = causes.effects[:MOST_EFFECTS]
    shown += tuple(one for one in causes.effects[MOST_EFFECTS:] if one.name in PRONOUN)
    shown += () if causes.joint is None else causes.joint.effects
    shown += tuple(effect for use in study.verdict.uses.values() for effect in use.effects)
    once = {each.name: each for each in shown}.values()
    return Table(
        "What does the answer hang on?",
        ("taken away", "cost", "control", "still right", "p of all"),
        tuple(
            (in_words(one.name), _cost(one), _control(one), _bar(one.accuracy), p_value(one.p))
            for one in sorted(once, key=lambda one: -one.cost.value)
        ),
        "Each was taken away in all layers and heads, unless it says the chosen head. Control: the "
        "same done to other words, as like as the sentence has them.",
    )


def _written_table(study: Study) -> Table:
    """What free translations show, untouched and with knock-outs."""
    genders = sorted(study.generated[0].score.recall) if study.generated else []
    rows: list[tuple[str | Bar, ...]] = []
    for one in study.generated:
        shares = [one.pair.value, one.quad.value, one.score.coverage]
        shares += [one.score.recall[gender] for gender in genders]
        rows.append((in_words(one.name), _bar(one.accuracy), *(f"{each:.1%}" for each in shares)))
    head = ("written freely", "right", "pairs", "quads", "readable", *genders)
    return Table("What does the model write by itself?", head, tuple(rows))


def _controls_table(study: Study) -> Table:
    """The head on control sets."""
    rows: list[tuple[str | Bar, ...]] = []
    for one in study.controls:
        meant = "" if one.accuracy is None else share(one.accuracy)
        lost = f"{one.left_out:,}" if one.left_out else ""
        rows.append((one.name, f"{one.mass.value:.3f}", share(one.first), meant, lost))
    head = ("head on", "mass on nouns", "first noun", "meant noun", "left out")
    return Table("What does the head do where nothing is asked?", head, tuple(rows))


def _bar(estimate: Estimate) -> Bar:
    return Bar(share(estimate), estimate.value, chance=True)


def _cost(effect: Effect) -> Bar:
    return Bar(f"{100 * effect.cost.value:z.1f}", effect.cost.value)


def _control(effect: Effect) -> str:
    return "" if effect.control is None else f"{100 * effect.control.value:z.1f}"
