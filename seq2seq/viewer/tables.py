"""The verdict and the tables of a probe, as HTML that no script draws again."""

import math
from collections.abc import Iterable

from seq2seq.viewer.content import Finding, Removal, Route
from seq2seq.viewer.escape import escape

BAR = 110  # pixels for 100 %
HINTS = {
    "routes": "★ was chosen on other items. The line in a bar is chance. Cost: points of accuracy "
    "of the answer that are gone once the link is cut in all layers and heads; control: the same "
    "for links to other words that draw as much attention.",
    "removals": "Each was taken away in all layers and heads. Control: the same done to other "
    "words, as like as the sentence has them. A dash: there are none.",
}


def findings_html(findings: tuple[Finding, ...]) -> str:
    """The verdict, one line each."""
    if not findings:
        return ""
    lines = (
        f'<li class="{finding.answer}"><span class="question">{escape(finding.question)}</span> '
        f"<strong>{escape(finding.said or finding.answer)}</strong> "
        f'<span class="detail">{escape(finding.detail)}</span></li>'
        for finding in findings
    )
    return f'<section id="verdict" aria-label="Verdict"><ul>{"".join(lines)}</ul></section>'


def routes_html(routes: tuple[Route, ...]) -> str:
    """The table of routes, with a dash for what was not measured."""
    names = ("route", "from → to", "right noun", "95 %", "pairs", "cost of removing it", "control")
    return _table("routes", "On which route does the answer travel?", names, map(_route, routes))


def removals_html(removals: tuple[Removal, ...]) -> str:
    """The table of what was taken away from the model, and what that cost."""
    names = ("taken away", "cost", "control", "still right", "95 %")
    rows = [_removal(one) for one in removals]
    return _table("removals", "What does the answer hang on?", names, rows)


def _table(name: str, title: str, columns: tuple[str, ...], rows: Iterable[str]) -> str:
    body = "".join(rows)
    if not body:
        return ""
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    return (
        f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{title}</h2>'
        f'<div class="scroll" tabindex="0" role="group" aria-labelledby="{name}-title">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        f'<p class="hint">{HINTS[name]}</p></section>'
    )


def _route(route: Route) -> str:
    chosen = ' class="chosen"' if route.chosen else ""
    star = "★ " if route.chosen else ""
    where = f'<small class="where">{escape(route.where)}</small>' if route.where else ""
    return (
        f'<tr{chosen}><th scope="row">{star}{escape(route.name)}</th>'
        f"<td>{escape(route.meaning)}{where}</td>"
        f"{_share(route.accuracy)}{_interval(route.interval)}{_number(route.pairs, ' %')}"
        f"{_points(route.cost)}{_number(route.control, '')}</tr>"
    )


def _removal(removal: Removal) -> str:
    return (
        f'<tr><th scope="row">{escape(removal.name)}</th>'
        f"{_points(removal.cost)}{_number(removal.control, '')}"
        f"{_share(removal.accuracy)}{_interval(removal.interval)}</tr>"
    )


def _share(value: float | None) -> str:
    """A share with its bar; a line across the bar marks chance."""
    if value is None:
        return _number(None, "")
    tone = "more" if value >= 0.5 else "less"
    chance = f'<path class="chance" d="M{BAR / 2:g} 0v10"/>'
    return f'<td class="number">{_bar(value, tone, chance)}{_figure(value, " %")}</td>'


def _points(value: float | None) -> str:
    """Points of accuracy with their bar; what removing something gains has none."""
    if value is None:
        return _number(None, "")
    return f'<td class="number">{_bar(max(value, 0), "less", "")}{_figure(value, "")}</td>'


def _figure(value: float, unit: str) -> str:
    return f'<span class="figure">{_whole(value)}{unit}</span>'


def _bar(value: float, tone: str, mark: str) -> str:
    return (
        f'<svg class="bar-of" width="{BAR}" height="10" viewBox="0 0 {BAR} 10" '
        f'aria-hidden="true"><rect class="{tone}" width="{BAR * value:.1f}" height="10"/>{mark}'
        "</svg>"
    )


def _interval(interval: tuple[float, float] | None) -> str:
    text = "–" if interval is None else f"[{_whole(interval[0])}, {_whole(interval[1])}]"
    return f'<td class="number">{text}</td>'


def _number(value: float | None, unit: str) -> str:
    return f'<td class="number">{"–" if value is None else f"{_whole(value)}{unit}"}</td>'


def _whole(value: float) -> str:
    """A share as a whole percentage with a minus as people write it; what is not all is not 100."""
    if 0.995 <= value < 1:
        return f"{math.floor(1000 * value) / 10:.1f}"
    return f"{round(100 * value)}".replace("-", "−")
