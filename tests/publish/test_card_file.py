"""The script that writes a run's card into model_cards/, and the cards that lie there."""

import re
from pathlib import Path

import pytest

from seq2seq.run import Run, write_json
from tests.hub.validate import validate_card
from tests.publish.finished_run import RECIPE, write_probe, write_run
from tests.warm import Ended, Warm

ROOT = Path(__file__).parent.parent.parent
CARDS = [path for path in sorted((ROOT / "model_cards").glob("*.md")) if path.stem != "README"]


def write_card(warm: Warm, run: Run, out: Path, *options: str) -> Ended:
    script = ROOT / "scripts" / "write_card.py"
    return warm.run((script, run.folder, "tester/owl", "--out", out, *options))


def links(text: str) -> list[str]:
    found = re.findall(r"\]\(([^)]+)\)", text)
    return [link for link in found if not link.startswith(("http:", "https:"))]


def test_a_card_is_written_with_its_figures_beside_it(
    exported: Run, warm: Warm, tmp_path: Path
) -> None:
    write_probe(exported, "![heads](T1/heat.svg)")
    (tmp_path / "owl").mkdir()
    (tmp_path / "owl" / "old.svg").write_text("<svg/>")
    result = write_card(warm, exported, tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{tmp_path / 'owl.md'}\n"
    text = (tmp_path / "owl.md").read_text(encoding="utf-8")
    assert validate_card(text, "model") == ([], [])
    assert "license: mit" in text
    assert links(text) == ["owl/probe/T1/heat.svg"]
    assert [path.name for path in (tmp_path / "owl").rglob("*.svg")] == ["heat.svg"]


def test_without_a_licence_the_card_states_none_and_the_script_says_so(
    warm: Warm, tmp_path: Path
) -> None:
    data = RECIPE["data"] | {"train": [{"file": "train.tsv"}, {"hub": "tester/owls"}]}
    run = write_run(tmp_path / "run", data=data)
    result = write_card(warm, run, tmp_path)
    assert result.returncode == 0
    assert result.stderr.startswith("the card states no licence: data.train[0] (train.tsv), data.t")
    assert "license:" not in (tmp_path / "owl.md").read_text(encoding="utf-8").split("---")[1]
    refused = write_card(warm, run, tmp_path, "--license", "mine")
    assert refused.returncode == 2
    assert "licence 'mine': not one of the Hub's names" in refused.stderr


def test_the_licence_of_the_model_that_was_trained_further_counts(
    warm: Warm, tmp_path: Path
) -> None:
    run = write_run(tmp_path / "run", init="team/opus")
    known = {"init": "team/opus", "base_model": "team/opus", "revision": "abc"}
    write_json(run.origin, known | {"licenses": ["cc-by-nc-4.0"]})
    result = write_card(warm, run, tmp_path)
    assert result.returncode == 0
    assert "under 'cc-by-nc-4.0' and 'mit', which does not say" in result.stderr
    assert "license:" not in (tmp_path / "owl.md").read_text(encoding="utf-8").split("---")[1]


def test_a_card_that_would_tell_about_this_machine_is_not_written(
    warm: Warm, tmp_path: Path
) -> None:
    train = [{"file": "/home/ana/train.tsv"}, RECIPE["data"]["train"][1]]
    run = write_run(tmp_path / "run", data=RECIPE["data"] | {"train": train})
    result = write_card(warm, run, tmp_path)
    assert result.returncode == 2
    assert "README.md, line " in result.stderr
    assert not (tmp_path / "owl.md").exists()


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_the_cards_that_lie_here_are_whole(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert validate_card(text, "model")[0] == []
    assert [link for link in links(text) if not (path.parent / link).is_file()] == []
