"""What is an address or placeholder, and what only looks like one."""

from itertools import product

import pytest

from seq2seq.placeables import FORMS, placeables_in

# One or more of each form, as the documents of the programs that read them write them.
EXAMPLES = {
    "URL": [
        "https://example.org/a_b?c=d+e&f=%20#g", "http://localhost:8080/", "ftp://ftp.gnu.org/gnu",
        "www.example.org", "https://es.wikipedia.org/wiki/España",
        "https://en.wikipedia.org/wiki/Bank_(geography)", "HTTPS://EXAMPLE.ORG/img/logo@2x.png",
    ],
    "e-mail address": ["ann.o+news@mail.example.co.uk", "b-1@example.org"],
    "${{ }}": ["${{ secrets.TOKEN }}", "${{x}}"],
    "{{ }}": ["{{x}}", "{{ user.name }}", "{{{raw}}}", "{{#if_admin}}", "{{count, number}}"],
    "${ }": ["${x}", "${items.length}"],
    "#{ }": ["#{x}", "#{user.name}"],
    "%{ }": ["%{x}", "%{count}"],
    "{% %}": ["{% endif %}", "{% trans %}"],
    "{ }": ["{}", "{0}", "{x}", "{x!r}", "{0:N2}", "{x:,}", "{ $title }", "{x,number}"],
    "<% %>": ["<%= name %>", "<%name%>"],
    "tag": [
        "<b>", "</b>", "<br/>", "<br />", "<0>", "</0>", '<a href="https://x.org/{1}">',
        "<xliff:g id='count'>", '<ph id="p1"/>', "<user_name>",
    ],
    "[[ ]]": ["[[x]]", "[[Main_Page]]"],
    "[ ]": ["[user_name]", "[firstName]", "[_1]"],
    "%( )s": ["%(x)s", "%(count)d", "%(price).2f"],
    "%s": ["%s", "%d", "%1$s", "%-10s", "%+.3e", "%lld", "%.1f", "%@", "%*d"],
    "% %": ["%TOTAL%", "%%TOTAL%%", "%dir%"],
    "@ @": ["@x@", "@old_password@"],
    "@name": ["@ann", "@count", "@some_one"],
    "$name": ["$name", "$HOME", "$user_name"],
    "__ __": ["__NAME__", "__first_name__", "__MSG_title__"],
    ": :": [":smile:", ":thumbs_up:"],
    ":name": [":user_name", ":userName"],
}  # fmt: skip
FRAMES = [
    "*", "Hello *.", "Is it *? Yes", "(*)", "“*”, she said", "see * and go", "*; yes", "*!",
    "请看 *。", "*、次", "שלום * עולם", "مرحبا *، شكرا",
]  # fmt: skip


def found(text: str) -> list[tuple[str, str]]:
    return [(one.form, one.text) for one in placeables_in(text)]


def test_every_form_has_an_example() -> None:
    assert list(EXAMPLES) == list(FORMS)


@pytest.mark.parametrize("form", EXAMPLES)
def test_it_is_found_whole_wherever_it_stands(form: str) -> None:
    for text, frame in product(EXAMPLES[form], FRAMES):
        line = frame.replace("*", text)
        assert found(line) == [(form, text)]
        (one,) = placeables_in(line)
        assert line[one.start : one.end] == text


@pytest.mark.parametrize(
    "text",
    [
        "", "Nothing here, 50 % and 100%.", "50% de descuento", "Only 5% are, 100 % sure",
        "It costs $5, US$ 20 or $CAN 50.", "%50 indirim", "at 10:30:15", "A: no. :-) :p :D",
        "a < b and c > d", "x<y", "1 <2 and 3> 2", "[laughs] [sic] [MUSIC] [1, 2]", "*very*",
        "__very__", "end.The next", "a@b", "me @ home", "Tom & Mary", r"C:\new",
        r"\emph{word} and \textbf{x}", "{a word or two}", "note :comment", "http:// www. e.g.",
        "x@y.z",
    ],
)  # fmt: skip
def test_ordinary_text_holds_none(text: str) -> None:
    assert found(text) == []


def test_several_are_found_in_order_and_none_in_another() -> None:
    text = 'Mail <a href="mailto:a@b.org">{name}</a> at %s%d, {{x}}{y}, @a@@b@ (www.a.org/(b)).'
    assert [one for _, one in found(text)] == [
        '<a href="mailto:a@b.org">', "{name}", "</a>", "%s", "%d", "{{x}}", "{y}", "@a@", "@b@",
        "www.a.org/(b)",
    ]  # fmt: skip


def test_a_url_ends_where_a_script_without_spaces_goes_on() -> None:
    assert found("https://x.org/aをご覧ください") == [("URL", "https://x.org/a")]
    assert found("{name}さん、%d件") == [("{ }", "{name}"), ("%s", "%d")]


@pytest.mark.parametrize("part", ["[[{{<%${", "a.", "<a a=b ", "@a.", "__a_", ":a", "%(a", "a@b."])
def test_a_long_line_that_holds_none_takes_no_long_time(part: str) -> None:
    assert found(part * 20_000) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("请看https://example.org/a。谢谢", ["https://example.org/a"]),
        ("发邮件到ann@example.org吧", ["ann@example.org"]),
        ("ann@example.org和bob@example.org", ["ann@example.org", "bob@example.org"]),
        ("感谢@some_one你好", ["@some_one"]),
        ("詳細はwww.example.orgへ", ["www.example.org"]),
        ("ดูที่https://example.org/aนะ", ["https://example.org/a"]),
        ("иванов@example.org", ["иванов@example.org"]),  # a script with spaces is part of it
    ],
)
def test_text_without_spaces_stands_beside_an_address_and_is_no_part_of_it(
    text: str, found: list[str]
) -> None:
    assert [one.text for one in placeables_in(text)] == found


@pytest.mark.timeout(10)  # where what stands before a brace was looked at first, it took 25 s
@pytest.mark.parametrize("end", ["@", "{", "{x}", "://", "%"])
def test_a_long_line_without_spaces_takes_no_time(end: str) -> None:
    found = placeables_in("a" * 100_000 + end)
    assert [one.text for one in found] == (["{x}"] if end == "{x}" else [])
