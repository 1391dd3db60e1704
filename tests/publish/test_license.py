"""Under which licence a model goes out."""

from typing import Any

import pytest

from seq2seq.errors import PublishError
from seq2seq.publish.license import LICENSES, choose_license
from seq2seq.recipe import Recipe
from seq2seq.recipe_file import parse_recipe
from tests.hub.validate import LICENSES as HUB_LICENSES


def recipe(*licenses: str | None) -> Recipe:
    corpora: list[dict[str, Any]] = [
        {"file": f"{number}.tsv", "license": name} for number, name in enumerate(licenses)
    ]
    content = {
        "source_language": "en",
        "target_language": "de",
        "data": {"train": corpora, "dev": {"file": "dev.tsv"}},
    }
    return parse_recipe(content, where="test")


def test_one_licence_of_all_data_is_the_models() -> None:
    assert choose_license(recipe("CC-BY-4.0", "cc-by-4.0"), None) == "cc-by-4.0"


def test_what_the_maker_says_counts() -> None:
    assert choose_license(recipe("CC-BY-4.0", "MIT"), "Apache-2.0") == "apache-2.0"


def test_a_licence_of_the_data_may_have_any_name_where_the_model_has_its_own() -> None:
    assert choose_license(recipe("Tatoeba terms"), "mit") == "mit"


@pytest.mark.parametrize(
    ("licenses", "given", "said"),
    [
        (("mit", None), None, r"data\.train\[1\] \(1\.tsv\): no licence; add 'license' there"),
        (("mit", None), "mit", r"data\.train\[1\] \(1\.tsv\): no licence"),
        ((None, None), None, r"data\.train\[0\] \(0\.tsv\), data\.train\[1\] \(1\.tsv\): no"),
        (("mit", "isc"), None, "under 'isc' and 'mit', which does not say what the model is"),
        (("apache",), None, "licence 'apache': not one of the Hub's names; did you mean 'apache-2"),
        (("mit",), "secret", "licence 'secret': not one of the Hub's names"),
    ],
)
def test_what_is_missing_or_unclear_is_refused(
    licenses: tuple[str | None, ...], given: str | None, said: str
) -> None:
    with pytest.raises(PublishError, match=said):
        choose_license(recipe(*licenses), given)


@pytest.mark.parametrize(
    ("known", "given", "said"),
    [
        (["cc-by-4.0"], None, "cc-by-4.0"),
        (None, "mit", "mit"),
        (["cc-by-nc-4.0"], "cc-by-nc-4.0", "cc-by-nc-4.0"),
    ],
)
def test_the_model_that_was_trained_further_has_a_say(
    known: list[str] | None, given: str | None, said: str
) -> None:
    origin = {"init": "team/opus", "licenses": known}
    assert choose_license(recipe("CC-BY-4.0"), given, origin) == said


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (None, r"init = 'team/opus': nobody says what that model is under, .*; add --license NAME"),
        (["mit"], r"the model of init: under 'cc-by-4.0' and 'mit', which does not say"),
    ],
)
def test_a_model_of_unknown_or_another_licence_leaves_the_choice_to_the_maker(
    known: list[str] | None, said: str
) -> None:
    origin = {"init": "team/opus", "licenses": known}
    with pytest.raises(PublishError, match=said):
        choose_license(recipe("CC-BY-4.0"), None, origin)


def test_our_names_and_the_test_hubs_agree_but_for_those_that_need_a_text() -> None:
    assert HUB_LICENSES - set(LICENSES) == {"other", "unknown"}
