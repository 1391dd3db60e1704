"""One file, closed in itself: its policy, its size, its text; no browser needed."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from seq2seq.text_table import Bar, Table
from seq2seq.viewer.content import (
    AttentionPage,
    Example,
    Finding,
    Head,
    Panel,
    Reading,
)
from seq2seq.viewer.pack import unpack
from seq2seq.viewer.page import attention_page
from tests.viewer.sample_page import (
    gradient_png,
    hebrew_page,
    picture_page,
    plain_page,
    random_maps,
    sample_page,
    sample_reading,
    text_of,
)

HOSTILE = (
    "</script><script>window.hacked=1</script>",
    "<img srcset=x onerror=window.hacked=1>",
    "</style></title></svg>",
    "<!--",
    '"><svg onload=window.hacked=1>',
    "'><b>",
    "&lt;",
    "$data",
    "${title}",
    "\u202egod",
    "\u2028",
    "\ud800",
    "\0",
)
PAGES = {"pair": sample_page(), "plain": plain_page(("a", "b")), "picture": picture_page(),
         "hostile": plain_page(HOSTILE)}  # fmt: skip


class Outline(HTMLParser):
    """Tags, attributes and text of a page, as a browser would take them apart."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._open, []).append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def data_of(html: str) -> Any:
    return json.loads(re.search(r'id="data">(.*?)</script>', html, re.DOTALL)[1])  # type: ignore[index]


def policy_of(html: str) -> dict[str, str]:
    meta = next(m for m in Outline(html).of("meta") if "http-equiv" in m)
    rules = (rule.split(" ", 1) for rule in (meta["content"] or "").split("; "))
    return {name: value for name, value in rules}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_names_no_address(name: str) -> None:
    html = attention_page(PAGES[name])
    written = re.sub(r'("maps":"|;base64,)[^"]*', r"\1", html)  # not what is packed
    written = re.sub(r"'sha256-[^']*'", "", written)
    written = re.sub(r"^ *// .*", "", written, flags=re.MULTILINE)
    for sign in (r"http(?!-equiv)", r"//\w", r"url\(", "@import", r'\bsrc=(?!"data:)'):
        assert re.findall(sign, written) == []
    assert not any("href" in a or "style" in a or any(k.startswith("on") for k in a)
                   for _, a in Outline(html).tags)  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_the_policy_allows_this_script_and_this_style_alone(name: str) -> None:
    html = attention_page(PAGES[name])
    policy = policy_of(html)
    assert policy["default-src"] == "'none'"
    assert policy["img-src"] == "data:", "pictures that the file brings along, of no address"
    assert set(policy) == {
        "default-src", "script-src", "style-src", "img-src", "base-uri", "form-action",
        "require-trusted-types-for",
    }  # fmt: skip
    for kind, opening in (("script", "<script>"), ("style", "<style>")):
        text = html.partition(opening)[2].partition(f"</{kind}>")[0]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert policy[f"{kind}-src"] == f"'sha256-{digest}'"
    assert "unsafe" not in str(policy)


def test_hostile_words_are_text_and_nothing_else() -> None:
    alike = tuple("a" if any(map(str.isalnum, word)) else "." for word in HOSTILE)
    harmless = Outline(attention_page(plain_page(alike)))
    html = attention_page(PAGES["hostile"])
    outline = Outline(html)
    assert [tag for tag, _ in outline.tags] == [tag for tag, _ in harmless.tags]
    shown = "".join(outline.texts["span"])
    for word in HOSTILE[:9]:
        assert word in shown
    assert not set("\u202e\u2028\ud800\0") & set(html)
    assert data_of(html)["examples"][0]["readings"][0]["texts"][0]["pieces"] == [
        *HOSTILE[:9], "⟦U+202E⟧god", "⟦U+2028⟧", "⟦U+D800⟧", "⟦U+0000⟧",
    ]  # fmt: skip


def test_every_other_string_of_a_page_is_escaped_too() -> None:
    bad = "</script><img onerror=x>\u202e"
    page = sample_page()
    reading = page.examples[0].readings[0]
    variants = tuple(replace(v, name=bad, output=bad) for v in reading.variants)
    shares = tuple(replace(s, path=bad) for s in reading.shares)
    reading = replace(reading, variants=variants, shares=shares, answers=(bad, bad), output=bad)
    html = attention_page(
        AttentionPage(
            bad,
            bad,
            (Example(bad, (reading,)),),
            start=Head("encoder", 0),
            findings=(Finding(bad, "no", bad, bad),),
            grids=tuple(replace(grid, name=bad) for grid in page.grids),
            tables=(Table(bad, (bad, bad), ((bad, Bar(bad, 0)),), bad, 0),),
            notes=(bad,),
        )
    )
    assert "\u202e" not in html
    assert "<img" not in html
    assert html.count("</script>") == 2


def test_maps_in_the_file_are_the_maps_that_were_given() -> None:
    page = sample_page()
    stored = data_of(attention_page(page))["examples"][0]["readings"]
    first, second = page.examples[0].readings
    for reading, data, base in ((first, stored[0], None), (second, stored[1], first)):
        for panel, found in zip(reading.panels, data["panels"], strict=True):
            known = base.panel(panel.stack).maps if base else None  # type: ignore[union-attr]
            if known is not None and known.shape != panel.maps.shape:
                known = None  # a sentence with more pieces is written whole
            back = unpack(found["maps"], panel.maps.shape, known)
            assert np.abs(back - panel.maps).max() < 0.005
            assert (found["stack"], found["first"]) == (panel.stack, panel.first_query)
            assert found["added"] == (known is not None)


def test_a_page_of_6_and_6_layers_with_8_heads_and_64_pieces_is_below_a_megabyte() -> None:
    source = text_of("source", " ".join(["word"] * 63))
    target = text_of("translation", " ".join(["Wort"] * 63), start="<s>")
    shape = (6, 8, 64, 64)
    reading = Reading(
        (source, target),
        (
            Panel("encoder", "source", "source", random_maps(shape)),
            Panel("cross", "translation", "source", random_maps(shape), first_query=1),
            Panel("decoder", "translation", "translation", random_maps(shape, causal=True), 1),
        ),
    )
    html = attention_page(AttentionPage("large", "model", (Example("large", (reading,)),)))
    assert len(html.encode()) < 1_000_000


def test_the_opening_view_can_be_read_without_scripts() -> None:
    html = attention_page(sample_page())
    text = re.sub(r"<(script|style).*?</\1>", "", html, flags=re.DOTALL)
    said = re.findall(r'<p class="said">(.*?)</p>', text)
    assert [s.partition(" ·")[0] for s in said] == [
        "“<bdi>it</bdi>” reads: “<bdi>wrench</bdi>” 90 %",
        "“<bdi>it</bdi>” reads: “<bdi>robot</bdi>” 90 %",
    ]
    assert text.count('<svg class="map"') == 3
    assert text.count('<svg class="heads"') == 1
    assert "removing this edge costs 81 points [78, 84]" in text
    assert "“er (wrench)” over “er (robot)”: +4.3 nats" in text
    assert "By itself it writes: <bdi>Der Roboter hob es auf, weil er klug war.</bdi>" in text
    assert re.findall(r'<tr class="chosen"><th scope="row">(.*?)</th>', text) == ["★ E→ raw"]


def test_an_image_travels_inside_the_page() -> None:
    html = attention_page(picture_page())
    (image,) = Outline(html).of("img")
    content = (image["src"] or "").removeprefix("data:image/png;base64,")
    assert base64.b64decode(content) == gradient_png()
    assert html.count('class="veil"') == 16


def test_a_page_without_verdict_or_marks_has_no_room_for_them() -> None:
    html = attention_page(PAGES["plain"])
    for name in ("verdict", "figures", "legend"):
        assert f'id="{name}"' not in html
        assert f'class="{name}"' not in html


def test_a_page_without_a_start_opens_at_the_mean_of_the_last_layer_of_the_last_stack() -> None:
    page = AttentionPage("p", "m", (Example("one", (sample_reading("heavy", "wrench", "robot"),)),))
    assert data_of(attention_page(page))["start"] == {
        "stack": "decoder", "layer": 2, "head": 4, "readBy": False,
    }  # fmt: skip


def test_text_from_right_to_left_stands_in_its_direction_and_turns_nothing_around() -> None:
    """An end piece in Latin letters comes first in a translation, and is no letter of it."""
    html = attention_page(hebrew_page(("</s>", "אבא", "בא", "</s>"), output="אבא בא."))
    outline = Outline(html)
    (line,) = [one for one in outline.of("p") if "words" in (one.get("class") or "")]
    assert (line["dir"], line["lang"]) == ("auto", "he")
    tokens = [one for one in outline.of("span") if (one.get("class") or "").startswith("token")]
    assert [one.get("dir") for one in tokens] == ["ltr", None, None, "ltr"]
    said = re.search(r'<p class="said">(.*?)</p>', html)
    assert said is not None
    word = '“<bdi lang="he">{}</bdi>”'.format
    assert said[1] == (
        f"{word('בא')} reads: {word('&lt;/s&gt;')} 25 % · {word('אבא')} 25 % · {word('בא')} 25 %"
    )
    assert 'By itself it writes: <bdi lang="he">אבא בא.</bdi>' in html
    assert data_of(html)["examples"][0]["readings"][0]["texts"][0]["language"] == "he"
    plain = Outline(attention_page(plain_page(("a", "b"))))
    assert not any("lang" in one for one in plain.of("p"))


def test_what_holds_no_letter_runs_as_its_line_does() -> None:
    """By itself a bracket is taken to run from left to right, and would open to the wrong side."""
    html = attention_page(hebrew_page(("</s>", "«אבא»", "(", "5", ")", "<", "</s>")))
    tokens = [
        one for one in Outline(html).of("span") if (one.get("class") or "").startswith("token")
    ]
    signs = ["sign" in (one["class"] or "").split() for one in tokens]
    assert signs == [False, False, True, False, True, True, False]
