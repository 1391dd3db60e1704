"""The verdict and the tables of a probe, as HTML that no script draws again."""

from collections.abc import Iterable

from seq2seq.text_table import Bar, Table
from seq2seq.viewer.content import Finding
from seq2seq.viewer.escape import escape

BAR = 110  # pixels for 100 %


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


def tables_html(tables: Iterable[Table]) -> str:
    """Tables one below the other; nothing for one without rows."""
    return "".join(_table(number, one) for number, one in enumerate(tables) if one.rows)


def _table(number: int, table: Table) -> str:
    name = f"table-{number}"
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.head)
    body = "".join(
        f'<tr{chosen}><th scope="row">{escape(str(row[0]))}</th>{"".join(map(_cell, row[1:]))}</tr>'
        for place, row in enumerate(table.rows)
        for chosen in [' class="chosen"' if place == table.chosen else ""]
    )
    return (
        f'<section class="figures" aria-labelledby="{name}"><h2 id="{name}">{escape(table.title)}'
        f'</h2><div class="scroll" tabindex="0" role="group" aria-labelledby="{name}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        f'<p class="hint">{escape(table.hint)}</p></section>'
    )


def _cell(cell: str | Bar) -> str:
    """A figure with its bar, or a dash for what was not measured."""
    bar = ""
    if isinstance(cell, Bar):
        tone = "more" if cell.chance and cell.share >= 0.5 else "less"
        mark = f'<path class="chance" d="M{BAR / 2:g} 0v10"/>' if cell.chance else ""
        bar = (
            f'<svg class="bar-of" width="{BAR}" height="10" viewBox="0 0 {BAR} 10" '
            f'aria-hidden="true"><rect class="{tone}" width="{BAR * max(cell.share, 0):.1f}" '
            f'height="10"/>{mark}</svg>'
        )
    return f'<td class="number">{bar}<span class="figure">{escape(str(cell)) or "–"}</span></td>'
