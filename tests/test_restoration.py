"""What is put back where, and above all what is not."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.placeables import placeables_in
from seq2seq.restoration import Restored, restore

URL = "https://www.nationalgeographic.com/gp/help"


@pytest.mark.parametrize(
    ("source", "output", "wanted"),
    [
        ("Hi {{name}}.", "Hola {{name}.", "Hola {{name}}."),
        ("Hi {{name}}.", "Hola {name}}.", "Hola {{name}}."),
        ("Hi {{name}}.", "Hola {{{name}}}.", "Hola {{name}}."),
        ("Hi {{name}}.", "Hola {{name}}}.", "Hola {{name}}."),
        ("({{name}})", "({{name})", "({{name}})"),
        ("Hi ${{a.TOKEN}}!", "Hola ${a.TOKEN}}!", "Hola ${{a.TOKEN}}!"),
        ("TV @old_password@.", "tele @old_passsword@.", "tele @old_password@."),
        ("{city!r} says", "{city.r} dice", "{city!r} dice"),
        ("Go {APP_NAME}.", "Ve {AP_NAME}.", "Ve {APP_NAME}."),
        # a number more, a number less, and not the mark or the word behind
        ("See http://a.es/b/2000.", "Ve http://a.es/b/200.", "Ve http://a.es/b/2000."),
        ("See http://a.es/b/2000 a", "Ve http://a.es/b/200 a", "Ve http://a.es/b/2000 a"),
        ("See http://a.es/b/2000.", "Ve http://a.es/b/20000.", "Ve http://a.es/b/2000."),
        ("See http://a.es/b/200.", "Ve hhttp://a.es/b/200.", "Ve http://a.es/b/200."),
        (
            "See https://www.a.org/ab/cde/fg.",
            "Ve https://www.aa.org/ab/c/cde/fg.",
            "Ve https://www.a.org/ab/cde/fg.",
        ),
        # a sign came in, a space came in
        ("Hi {name}", "Hola ${name}", "Hola {name}"),
        (f"See {URL}", URL.replace("graphic", " fuerte"), URL),
        # a name in a program that was translated
        ("Hi {name}.", "Hola {nombre}.", "Hola {name}."),
        ("%d files", "%s archivos", "%d archivos"),
        ("<b>Hi</b>", "<strong>Hola</b>", "<b>Hola</b>"),
        ("a {{ x }} b", "a {{x}} b", "a {{ x }} b"),
        # the same twice, once changed; two alike, both changed; brackets lost round a name
        ("{{a}} and {{a}}", "{{a}} y {{a}", "{{a}} y {{a}}"),
        ("{{one}} {{two}}", "{{two} {{one}", "{{two}} {{one}}"),
        ("{customer_name} says", "customer_name dice", "{customer_name} dice"),
        # right to left, and without spaces
        ("שלום {{name}}.", "مرحبا {{name}.", "مرحبا {{name}}."),
        ("See https://x.org/ab.", "https://x.org/aを見て", "https://x.org/abを見て"),
    ],
)
def test_what_was_changed_is_put_back(source: str, output: str, wanted: str) -> None:
    found = restore(source, output)
    assert found.text == wanted
    assert found.restored >= 1
    assert found.missing == 0
    assert restore(source, wanted) == Restored(wanted)


@pytest.mark.parametrize(
    ("source", "output", "missing"),
    [
        ("See https://github.com/faq.php.", "Ve la luz y luego.php.", 1),
        ("Hi {name}", "Hola", 1),
        ("It is %s", "Es 50 %", 1),
        ("Go to <no>", "No, no vayas", 1),
        ("Your {hotel}", "Tu hotel", 1),
        ("{a} and {b}", "{a} y {a}", 1),
        ("{a} and {a}", "{a}", 1),
        # which of two it is, is not known
        ("{first} {last}", "{primero} {ultimo}", 2),
        ("{first} {last}", "{nombre}", 2),
        # the output's own is another of the source's
        ("{{order}} or {{orders}}", "{{orders}} u {{orders}}", 1),
        ("www.a.org/x or www.a.org/y", "www.a.org/x o www.a.org/x", 1),
        ("{{x}} and {y}", "{{x}} y {x}", 1),
        # another address: where it ends is not known
        ("See www.a.org", "Ve www.museodelprado.es", 1),
        # nothing is left of an address that went on too long
        ("See https://www.a.org/ab/cde/fg.", "Ve https://www.aa.org/ab/cd/ab/cde/fg/hi.", 1),
        # what the source says beside it is no copy of it
        ("user_name is {user_name}", "user_name es", 1),
        ("a@b.org", "", 1),
    ],
)
def test_what_has_no_copy_is_missing_and_put_nowhere(
    source: str, output: str, missing: int
) -> None:
    assert restore(source, output) == Restored(output, missing=missing)


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("plain text, 50 %", "Texto {x} con www.a.org y %s"),
        ("Hi {name}, see www.a.org.", "Hola {name}, ve a www.a.org!"),
        ("v{version}", "v{version}"),
        ("{a}{a} {one{b}}", "{a}{a} {one{b}}"),
        ("{a}", "{a} {a}"),
        ("www.a.org and www.a.org/b", "www.a.org/b y www.a.org"),
    ],
)
def test_what_is_there_is_left_as_it_is(source: str, output: str) -> None:
    assert restore(source, output) == Restored(output)


@given(st.lists(st.sampled_from(["{{a}}", "{b}", "%s", "www.c.org", "x", " ", "{", "}", "."])))
def test_a_copy_of_the_source_is_never_changed(parts: list[str]) -> None:
    text = "".join(parts)
    assert restore(text, text) == Restored(text)


@given(st.text("ab {}%s@.", max_size=30), st.text("ab {}%s@.", max_size=30))
def test_every_address_is_there_put_back_or_missing(source: str, output: str) -> None:
    found = restore(source, output)
    wanted = Counter(one.text for one in placeables_in(source))
    lacking = sum(max(0, count - found.text.count(text)) for text, count in wanted.items())
    assert lacking <= found.missing <= wanted.total() - found.restored
    assert found.restored or found.text == output
