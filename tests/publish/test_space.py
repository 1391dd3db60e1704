"""The files of a Space: what the Hub reads, and what runs there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import SpaceCard

from seq2seq.errors import PublishError
from seq2seq.publish.page import gradio_page
from seq2seq.publish.page.settings import Settings
from seq2seq.publish.plan import SETTINGS, Plan
from seq2seq.publish.space import page_files, plan_space
from seq2seq.run import Run
from seq2seq.sentences import sentences_of
from tests.hub.validate import read_metadata, validate_card
from tests.publish.finished_run import write_run
from tests.publish.small_models import edit_json

COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


def text_of(plan: Plan, path: str) -> str:
    content = next(file.content for file in plan.files if file.path == path)
    return content.decode() if isinstance(content, bytes) else content.read_text("utf-8")


def test_a_space_is_the_page_its_settings_and_what_the_hub_must_know(exported: Run) -> None:
    plan = plan_space(exported, "tester/owl", examples=["An owl.", "Two owls."])
    assert [file.path for file in plan.files] == [
        "README.md", "app.py", "page/__init__.py", "page/gradio_page.py", "page/heat_map.py",
        "page/languages.py", "page/sentences.py", "page/settings.py", "page/writer.py",
        "requirements.txt", SETTINGS,
    ]  # fmt: skip
    assert plan.to_text().startswith("space tester/owl, licence apache-2.0\n")
    names = [line.partition(">")[0] for line in text_of(plan, "requirements.txt").splitlines()]
    assert names == ["gradio", "langcodes", "sentencex", "torch", "transformers"]
    assert plan_space(exported, "tester/owl", examples=["An owl.", "Two owls."]) == plan


def test_a_space_cuts_sentences_as_translating_does_and_without_seq2seq(tmp_path: Path) -> None:
    texts = [
        ("en", "Mrs. Hill saw J. Smith. See Art. 3 of it! Is that so?"),
        ("vi", "Anh ấy sống ở TP. Hồ Chí Minh. TS. Minh cũng vậy."),
        ("ar", "قال د. أحمد ذلك. ثم ذهب."),
        ("de", "Er kam am 3. Mai. Sie kam z.B. nicht."),
        ("zh", "他去了3。5年后他回来了。“好！”他说。"),
        ("ja", "「はい。」と言った。彼は行った。"),
        ("yue", "佢去咗。佢返嚟。"),
        (None, "One. Two."),
    ]
    assert [len(sentences_of(text, language=code)) for code, text in texts[:2]] == [3, 2]
    for file in page_files():
        content = file.content if isinstance(file.content, bytes) else file.content.read_bytes()
        path = tmp_path / file.path
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    program = (
        "import json, sys; sys.modules['seq2seq'] = None\n"
        "from page.sentences import sentences_of\n"
        "print(json.dumps([sentences_of(text, language=code) for code, text in "
        "json.loads(sys.argv[1])]))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, json.dumps(texts)],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(told.stdout) == [sentences_of(text, language=code) for code, text in texts]


def test_the_settings_name_the_model_on_the_hub(exported: Run, tmp_path: Path) -> None:
    path = tmp_path / SETTINGS
    path.write_text(text_of(plan_space(exported, "tester/owl", examples=["Ü"]), SETTINGS), "utf-8")
    wanted = Settings(
        "tester/owl", "owl", "translation", "en", "no", ("Ü",), sentences_in="en", whole_first=True
    )
    assert Settings.read(path) == wanted


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "cannot be read (Expecting value"),
        (b"\xff", "cannot be read ('utf-8' codec can't decode"),
        (b"[" * 100_000, "cannot be read ("),  # each Python has its own words for it
        (b"[1]", "cannot be read (list indices must be"),
        (b'{"model": "m", "title": "t"}', "cannot be read ('examples')"),
        (b'{"model": "m", "title": "t", "examples": [], "x": 1}', "cannot be read (Settings.__in"),
        (b'{"model": "m", "title": 1, "examples": []}', "holds something else than texts"),
        (b'{"model": "m", "title": "t", "examples": "ab"}', "holds something else than texts"),
        (b'{"model": "m", "title": "t", "examples": [], "task": "x"}', "task 'x' is not known"),
    ],
)
def test_damaged_settings_end_a_space_in_one_sentence(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / SETTINGS
    path.write_bytes(content)
    with pytest.raises(SystemExit) as said:
        gradio_page.main(path)
    assert str(said.value).startswith(f"{path}: {problem}")
    assert str(said.value).endswith("needed what 'seq2seq publish --space' writes; restore it")
    path.unlink()
    with pytest.raises(SystemExit, match=r"space\.json: cannot be read .*No such file"):
        gradio_page.main(path)


def test_sentences_joints_and_directions_follow_the_run_and_its_languages(tmp_path: Path) -> None:
    def settings(run: Run) -> Settings:
        path = tmp_path / SETTINGS
        path.write_text(text_of(plan_space(run, "tester/owl"), SETTINGS), "utf-8")
        return Settings.read(path)

    run = write_run(tmp_path / "run", source_language="ar", target_language="zh")
    found = settings(run)
    assert (found.sentences_in, found.whole_first, found.joint) == ("ar", True, "")
    assert (found.source_right_to_left, found.target_right_to_left) == (True, False)
    edit_json(run.data_report, lambda report: report.update(several_sentences_share=0.001))
    assert (settings(run).sentences_in, settings(run).whole_first) == ("ar", False)
    edit_json(run.data_report, lambda report: report.update(several_sentences_share=0.5))
    assert settings(run).whole_first
    thai = write_run(tmp_path / "thai", source_language="ar", target_language="th")
    assert (settings(thai).sentences_in, settings(thai).whole_first) == ("", False)
    edit_json(thai.data_report, lambda report: report.update(several_sentences_share=0.001))
    assert (settings(thai).sentences_in, settings(thai).whole_first) == ("ar", False)


def test_the_head_of_the_card_is_what_the_hubs_own_client_reads(exported: Run) -> None:
    card = plan_space(exported, "tester/owl").card()
    assert validate_card(card, "space") == ([], [])
    data = SpaceCard(card).data
    assert (data.title, data.sdk, data.app_file) == ("owl", "gradio", "app.py")
    assert (data.license, data.models) == ("apache-2.0", ["tester/owl"])
    metadata = read_metadata(card)
    assert isinstance(metadata["sdk_version"], str)
    assert isinstance(metadata["python_version"], str), "3.10 would be the number 3.1"
    assert {metadata["colorFrom"], metadata["colorTo"]} <= COLOURS
    assert len(metadata["short_description"]) <= 60
    assert "Translates en to no with [tester/owl](https://huggingface.co/tester/owl)" in card


def test_a_summarizer_is_called_one(tmp_path: Path) -> None:
    train = {"select_by": "rouge1"}
    run = write_run(tmp_path / "run", task="summarization", target_language="en", train=train)
    assert "Summarizes en with [tester/owl]" in plan_space(run, "tester/owl").card()


def test_an_example_that_is_blank_or_tells_about_this_machine_is_refused(exported: Run) -> None:
    with pytest.raises(PublishError, match="example 2: ' ', needed text; leave it out"):
        plan_space(exported, "tester/owl", examples=["An owl.", " "])
    with pytest.raises(PublishError, match=r"spaces/tester/owl: .*space\.json, line \d+: '/home/a"):
        plan_space(exported, "tester/owl", examples=["It lies in /home/ana/owls."])


def test_a_name_that_the_hub_would_not_take_is_refused(exported: Run) -> None:
    with pytest.raises(PublishError, match="needed owner/name of letters, digits"):
        plan_space(exported, "owl")
