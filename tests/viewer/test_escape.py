"""No character of a text may act on the page, or act without being seen."""

import unicodedata

import pytest

from seq2seq.viewer.escape import escape, visible

UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("wrench", "wrench"),
        ("llave inglesa", "llave inglesa"),
        ("\u202egod", "⟦U+202E⟧god"),
        ("\u2066x\u2069", "⟦U+2066⟧x⟦U+2069⟧"),
        ("a\u00adb\ufeff", "a⟦U+00AD⟧b⟦U+FEFF⟧"),
        ("\u00a0", "⟦U+00A0⟧"),
        ("\n\t\r\0", "⏎⇥⟦U+000D⟧⟦U+0000⟧"),
        ("\ud800", "⟦U+D800⟧"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\u200c", "⟦U+200C⟧"),
        ("👩\u200d🔧", "👩\u200d🔧"),
        ("▁the", "▁the"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_no_control_or_format_character_of_unicode_is_left() -> None:
    unseen = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) in UNSEEN]
    assert len(unseen) > 2000
    assert {c for c in unseen if c in visible(f"a{c}")} == {" ", "\u200c", "\u200d"}


def test_markup_becomes_text() -> None:
    assert escape("</script>") == "&lt;/script&gt;"
    assert escape("""<img onerror="x" a='y'>&amp;""") == (
        "&lt;img onerror=&quot;x&quot; a=&#x27;y&#x27;&gt;&amp;amp;"
    )
