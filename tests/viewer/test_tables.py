"""The tables of a probe, cell by cell."""

import re

from seq2seq.text_table import Bar, Table
from seq2seq.viewer.content import Finding
from seq2seq.viewer.tables import findings_html, tables_html


def cells(html: str) -> list[list[str]]:
    """What stands in the rows of a table's body."""
    body = html.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr.*?</tr>", body)
    return [
        [re.sub("<.*?>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in rows
    ]


def test_what_was_not_measured_is_a_dash_and_no_bar_and_an_empty_column_is_left_out() -> None:
    rows = (("CH", "", "", ""), ("X", "", "20 %", ""))
    html = tables_html([Table("Which?", ("route", "cost", "pairs", "p"), rows)])
    assert re.findall('scope="col">(.*?)<', html) == ["route", "pairs"]
    assert cells(html) == [["CH", "–"], ["X", "20 %"]]
    assert "bar-of" not in html


def test_a_share_is_drawn_with_chance_in_the_middle_and_a_cost_is_not() -> None:
    row = ("★ X", Bar("25 % [20, 30]", 0.25, chance=True), Bar("50", 0.5), Bar("−2", -0.02))
    html = tables_html([Table("Which?", ("route", "right", "cost", "gain"), (row,), "how", 0)])
    assert cells(html) == [["★ X", "25 % [20, 30]", "50", "−2"]]
    assert re.findall(r'<rect class="(\w+)" width="([\d.]+)"', html) == [
        ("less", "27.5"), ("less", "55.0"), ("less", "0.0"),
    ]  # fmt: skip
    assert html.count('d="M55 0v10"') == 1, "a cost has no chance"
    assert '<tr class="chosen">' in html
    shown = Bar("60 %", 0.6, chance=True)
    assert 'class="more"' in tables_html([Table("", ("a", "b"), (("a", shown),))])


def test_a_table_is_the_same_in_a_terminal() -> None:
    table = Table("", ("route", "right", "p"), (("E→", Bar("98 %", 0.98), ""), ("X", "5 %", "")))
    assert str(table).splitlines() == ["route  right", "E→      98 %", "X        5 %"]


def test_a_finding_says_its_own_word_where_yes_and_no_would_not_do() -> None:
    html = findings_html((Finding("Used?", "no", "why", "shown, but not used"),))
    assert '<li class="no">' in html
    assert "<strong>shown, but not used</strong>" in html
    assert "<strong>yes</strong>" in findings_html((Finding("Used?", "yes", "why"),))
    assert findings_html(()) == tables_html([Table("", ("a",), ())]) == ""
