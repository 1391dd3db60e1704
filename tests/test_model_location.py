"""A name of a model means a folder here, else one of the Hub, else it is a mistake."""

import shutil
from pathlib import Path

import pytest

from seq2seq.errors import ModelError
from seq2seq.model_location import locate_model
from tests.hub.client import run_client
from tests.hub.server import HubServer
from tests.publish.small_models import small_folder

UPLOAD = """
    import sys
    from huggingface_hub import HfApi
    api, name = HfApi(), "tester/owl"
    api.create_repo(name)
    api.upload_folder(repo_id=name, folder_path=sys.argv[1])
    api.create_tag(name, tag="v1")
    api.delete_file("config.json", name)
    api.create_repo("tester/old")
    api.upload_folder(repo_id="tester/old", folder_path=sys.argv[2])
    print(0)
"""
FIND = """
    import json, sys
    from pathlib import Path
    from seq2seq.errors import ModelError
    from seq2seq.model_location import locate_model
    from seq2seq.translate import Translator
    def told(name, **options):
        try:
            found = locate_model(name, **options)
            files = sorted(path.name for path in found.folder.iterdir())
            return [found.repository, found.revision, files]
        except ModelError as error:
            return str(error)
    texts = [one.text for one in Translator.load("tester/owl@v1").translate(["the fox", "a dog"])]
    print(json.dumps([told("tester/owl@v1"), told("tester/owl", revision="v1"), told("tester/owl"),
                      told("tester/old"), told("tester/gone"), told("tester/owl@gone"), texts]))
"""


def test_what_is_here_is_not_looked_for_elsewhere(tmp_path: Path) -> None:
    folder = small_folder("m2m_100", tmp_path / "run" / "best")
    for path, found in ((tmp_path / "run", tmp_path / "run" / "best"), (folder, folder)):
        location = locate_model(path)
        assert (location.path, location.folder, location.repository) == (path, found, None)
    with pytest.raises(ModelError, match="a folder here, and revision 'v1' is asked for"):
        locate_model(folder, revision="v1")
    with pytest.raises(ModelError, match="neither a run folder nor a model folder"):
        _ = locate_model(tmp_path).folder


@pytest.mark.parametrize("name", ["/no/such", "./gone", "../gone", "a/b/c", "runs/gone/", ""])
def test_a_path_is_no_name_of_the_hub(name: str) -> None:
    with pytest.raises(ModelError, match=r"no such folder here, and no name of a model on the Hub"):
        locate_model(name)


def test_a_name_that_nobody_knows_says_what_was_tried() -> None:
    problem = (
        r"runs/dmo: no such folder here, and the Hub does not give it: .*; needed a run folder, a "
        r"model folder, or owner/name of a model on the Hub \(owner/name@revision"
    )
    with pytest.raises(ModelError, match=problem):
        locate_model("runs/dmo")


def test_a_model_of_the_hub_is_fetched_with_its_commit_and_translates_as_here(
    hub: HubServer, tmp_path: Path, root: Path
) -> None:
    folder, old = small_folder("m2m_100", tmp_path / "owl"), tmp_path / "old"
    (folder / "onnx").mkdir()
    (folder / "onnx" / "config.json").write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"twice")
    shutil.copytree(folder, old)
    (old / "model.safetensors").unlink()
    run_client(hub, tmp_path / "a", UPLOAD, folder, old)
    code = f"import sys\nsys.path.insert(0, {str(root)!r})\n" + FIND.replace("\n    ", "\n")
    tagged, asked, newest, older, gone, unknown, texts = run_client(hub, tmp_path / "b", code)
    names = {path.name for path in folder.iterdir()} - {"onnx", "pytorch_model.bin"}
    assert tagged[0] == "tester/owl"
    assert set(tagged[2]) == names, "the weights once, and nothing of other folders"
    assert asked == tagged
    assert newest.startswith("tester/owl: no config.json there at commit ")
    assert "pytorch_model.bin" in older[2]
    assert gone.startswith("tester/gone: no such folder here, and the Hub does not give it: ")
    assert "404 Client Error" in gone
    assert unknown.startswith("tester/owl@gone: no such folder here, and the Hub does not give it")
    from seq2seq.translate import Translator

    assert texts == [one.text for one in Translator.load(folder).translate(["the fox", "a dog"])]
