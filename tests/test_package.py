"""What the package holds and says of itself, without building it."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hatchling.builders.wheel import WheelBuilder

from seq2seq import __version__
from seq2seq.publish.space import REQUIREMENTS

ROOT = Path(__file__).parent.parent
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    content: dict[str, Any] = tomllib.loads(text)
    return content


@pytest.fixture(scope="module")
def held() -> set[str]:
    """Names of the files that the wheel would have."""
    files = WheelBuilder(str(ROOT)).recurse_included_files()
    return {str(file.distribution_path) for file in files}


def test_the_wheel_holds_all_of_the_package_and_the_recipes(held: set[str]) -> None:
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "seq2seq").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    recipes = {f"seq2seq/{path.relative_to(ROOT).as_posix()}" for path in ROOT.glob("recipes/*")}
    assert {"seq2seq/py.typed", "seq2seq/viewer/page.js", "seq2seq/viewer/page.css"} <= package
    assert "seq2seq/recipes/demo.toml" in recipes
    assert held == package | recipes


def test_all_extras_are_in_the_extra_of_that_name(project: dict[str, Any]) -> None:
    extras = dict(project["project"]["optional-dependencies"])
    (everything,) = extras.pop("all")
    name, _, listed = everything.removesuffix("]").partition("[")
    assert name == project["project"]["name"]
    assert listed.split(",") == sorted(extras)


def test_every_extra_is_explained_where_people_install(project: dict[str, Any]) -> None:
    page = (ROOT / "documentation" / "pages" / "start.md").read_text(encoding="utf-8")
    (rows,) = re.findall(r"(?s)\| Extra \|.*?\n\n", page)
    named = {name for cell in re.findall(r"(?m)^\| (`.*?) \|", rows) for name in cell.split(", ")}
    assert named == {f"`{name}`" for name in project["project"]["optional-dependencies"]} - {
        "`all`"
    }


def test_the_tools_of_developers_have_the_bounds_of_the_extras(project: dict[str, Any]) -> None:
    tools = {tool for tool in project["dependency-groups"]["dev"] if isinstance(tool, str)}
    named = {re.split(r"[<>=]", tool)[0] for tool in tools}
    for extra in project["project"]["optional-dependencies"].values():
        both = {needed for needed in extra if re.split(r"[<>=]", needed)[0] in named}
        assert both <= tools


def test_the_citation_is_of_this_version_and_licence(project: dict[str, Any]) -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__
    assert citation["license"] == project["project"]["license"]
    assert citation["authors"] == project["project"]["authors"]
    assert citation["keywords"] == project["project"]["keywords"]


def test_the_container_installs_as_everybody_does() -> None:
    lines = (ROOT / "scripts" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    words = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    assert [step for name, step in words if name == "RUN"] == ["scripts/install"]
    assert [name for name, _ in words] == [
        "FROM", "COPY", "WORKDIR", "ENV", "RUN", "ENV", "WORKDIR", "ENTRYPOINT",
    ]  # fmt: skip
    install = (ROOT / "scripts" / "install").read_text(encoding="utf-8")
    assert 'export PIP_COMPILE="${PIP_COMPILE:-0}"' in install
    assert words[3] == ["ENV", "PIP_COMPILE=1"], "its user may not keep what Python compiles"


def test_the_container_gets_nothing_that_git_ignores() -> None:
    left_out = set((ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines())
    assert ".git" in left_out
    for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines():
        name = line.removesuffix("/")
        assert left_out & {name, f"**/{name}"}, f"{name} would be copied"


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_forms_for_issues_can_be_read(path: Path) -> None:
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path.stem == "config":
        assert form == {"blank_issues_enabled": True}
        return
    assert {"name", "description", "body"} <= form.keys()
    ids = [part["id"] for part in form["body"]]
    assert len(ids) == len(set(ids))
    for part in form["body"]:
        assert part["type"] == "textarea"
        assert part["attributes"]["label"]


def test_pythons_that_are_checked_are_those_that_are_promised(project: dict[str, Any]) -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text(encoding="utf-8"))
    start = "Programming Language :: Python :: 3."
    promised = [
        classifier.rpartition(" ")[2]
        for classifier in project["project"]["classifiers"]
        if classifier.startswith(start)
    ]
    assert workflow["jobs"]["check"]["strategy"]["matrix"]["python"] == promised
    assert project["project"]["requires-python"] == f">={promised[0]}"


def test_workflows_run_scripts_that_exist_and_keep_no_password() -> None:
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        assert "secrets." not in text
        for job in yaml.safe_load(text)["jobs"].values():
            for step in job["steps"]:
                command = step.get("run", "").split(maxsplit=1)
                if command and command[0].startswith("scripts/"):
                    assert (ROOT / command[0]).is_file()


def test_a_space_needs_what_the_package_needs(project: dict[str, Any]) -> None:
    gradio, *rest = REQUIREMENTS.split()
    assert gradio.startswith("gradio>="), "which the package does without"
    assert set(rest) <= set(project["project"]["dependencies"])
