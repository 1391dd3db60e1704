"""A model that lies on the Hub is opened by its name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hub.client import run_client
from tests.hub.server import HubServer
from tests.warm import Warm

CODE = """
    import json, sys
    from huggingface_hub import HfApi
    from seq2seq.errors import ModelError
    from seq2seq.pipeline import pipeline
    api, name = HfApi(), "tester/owl"
    api.create_repo(name)
    api.upload_folder(repo_id=name, folder_path=sys.argv[1])
    api.create_tag(name, tag="v1")
    api.delete_file("config.json", name)
    def answer(model, **options):
        try:
            pipe = pipeline("translation", model=model, max_length=9, **options)
            return pipe(["the red fox", "an owl"], src_lang="en_XX", tgt_lang="fr_XX")
        except ModelError as error:
            return str(error)
    print(json.dumps([answer(sys.argv[1]), answer(name, revision="v1"), answer(name)]))
"""


@pytest.mark.slow
def test_a_model_of_the_hub_answers_like_its_folder_and_at_its_revision(
    hub: HubServer, warm: Warm, tmp_path: Path, family_folder: Callable[[str], Path], root: Path
) -> None:
    code = f"import sys\nsys.path.insert(0, {str(root)!r})\n" + CODE.replace("\n    ", "\n")
    folder, tagged, without = run_client(hub, tmp_path, code, family_folder("mbart50"), warm=warm)
    assert tagged == folder
    assert without.startswith("tester/owl: no config.json there at commit ")
