"""Names that may become names of files."""

import pytest

from seq2seq.file_names import LONGEST_BYTES, file_name_problems


@pytest.mark.parametrize(
    "name", ["test", "news 2016", "wmt14.en-de", "năm", "测试", "a..b", "x" * 200]
)
def test_names_that_stay_in_their_folder_are_taken(name):
    assert file_name_problems([name]) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "'' is empty"),
        ("../escaped", "holds a slash"),
        ("/etc/passwd", "holds a slash"),
        ("a/b", "holds a slash"),
        ("..\\escaped", "holds a slash"),
        ("a\0b", "holds a control character"),
        ("a\nb", "holds a control character"),
        ("a\u2028b", "holds a control character"),
        ("\ud800", "holds a control character"),
        (".", "begins with a dot"),
        ("..", "begins with a dot"),
        (".tmp-best", "begins with a dot"),
        (" a", "begins or ends with a space"),
        ("a ", "begins or ends with a space"),
        ("nul", "is a device on Windows"),
        ("COM1.txt", "is a device on Windows"),
        ("x" * (LONGEST_BYTES + 1), "201 bytes long, needed at most 200"),
        ("é" * 101, "202 bytes long"),
    ],
)
def test_other_names_are_told_what_speaks_against_them(name, why):
    (problem,) = file_name_problems(["good", name])
    assert why in problem


@pytest.mark.parametrize("twins", [("News", "news"), ("\u00e9", "e\u0301"), ("Straße", "STRASSE")])
def test_names_that_some_disk_takes_for_one_are_told(twins):
    assert file_name_problems([*twins, "other"]) == [
        f"{twin!r} differs from another in case alone" for twin in twins
    ]
