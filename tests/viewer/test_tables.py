"""The tables of a probe, cell by cell."""

import re

from seq2seq.viewer.content import Finding, Removal, Route
from seq2seq.viewer.tables import findings_html, removals_html, routes_html


def cells(html: str) -> list[list[str]]:
    """What stands in the rows of a table's body."""
    body = html.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr.*?</tr>", body)
    return [
        [re.sub("<.*?>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in rows
    ]


def test_what_was_not_measured_is_a_dash_and_no_bar() -> None:
    html = routes_html((Route("CH", "decision → noun"),))
    assert cells(html) == [["CH", "decision → noun", "–", "–", "–", "–", "–"]]
    assert "bar-of" not in html


def test_a_route_is_drawn_from_nothing_to_all_with_chance_in_the_middle() -> None:
    html = routes_html(
        (Route("X", "m", 0.25, (0.2, 0.3), 0.1, 0.5, 0.04, chosen=True, where="layer 1"),)
    )
    assert cells(html) == [["★ X", "mlayer 1", "25 %", "[20, 30]", "10 %", "50", "4"]]
    assert re.findall(r'<rect class="(\w+)" width="([\d.]+)"', html) == [
        ("less", "27.5"),
        ("less", "55.0"),
    ]
    assert html.count('d="M55 0v10"') == 1, "a cost has no chance"


def test_almost_all_is_not_printed_as_all_and_a_gain_has_no_bar() -> None:
    html = removals_html((Removal("a", 0.9996, (0.99, 1), -0.02),))
    assert cells(html) == [["a", "−2", "–", "99.9 %", "[99, 100]"]]
    assert 'width="0.0"' in html


def test_a_finding_says_its_own_word_where_yes_and_no_would_not_do() -> None:
    html = findings_html((Finding("Used?", "no", "why", "shown, but not used"),))
    assert '<li class="no">' in html
    assert "<strong>shown, but not used</strong>" in html
    assert "<strong>yes</strong>" in findings_html((Finding("Used?", "yes", "why"),))
    assert findings_html(()) == removals_html(()) == routes_html(()) == ""
