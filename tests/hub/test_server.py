"""The test Hub in the hands of the real clients, unmodified."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.client import run_client
from tests.hub.server import READER, STRANGER, Fault, HubServer
from tests.warm import Warm

MODEL = """
    import json, sys, torch
    from huggingface_hub import HfApi, hf_hub_download, snapshot_download
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, MarianConfig, MarianMTModel
    from transformers import PreTrainedTokenizerFast
    from pathlib import Path
    folder = Path(sys.argv[1])
    torch.manual_seed(0)
    words = {"</s>": 0, "<unk>": 1, "the": 2, "owl": 3, "<pad>": 4}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)
    model = MarianMTModel(MarianConfig(
        vocab_size=5, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, pad_token_id=4,
        eos_token_id=0, decoder_start_token_id=4, forced_eos_token_id=0,
        max_position_embeddings=32,
    ))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text("---\\nlicense: mit\\nlanguage: [en, 'no']\\n---\\n# Owl\\n")
    api, name = HfApi(), "tester/owl"
    said = {"me": api.whoami()["name"], "before": api.repo_exists(name)}
    api.create_repo(name, private=True)
    first = api.upload_folder(repo_id=name, folder_path=folder)
    again = api.upload_folder(repo_id=name, folder_path=folder)
    said["no-op"] = first.oid == again.oid
    api.create_tag(name, tag="v1")
    api.upload_file(repo_id=name, path_or_fileobj=b"later", path_in_repo="later.txt")
    said["tags"] = [tag.name for tag in api.list_repo_refs(name).tags]
    said["at v1"] = sorted(p.name for p in Path(snapshot_download(name, revision="v1")).iterdir())
    said["small file"] = Path(hf_hub_download(name, "later.txt")).read_text()
    loaded = AutoModelForSeq2SeqLM.from_pretrained(name)
    said["same weights"] = all(
        torch.equal(a, b)
        for a, b in zip(model.state_dict().values(), loaded.state_dict().values(), strict=True)
    )
    said["ids"] = AutoTokenizer.from_pretrained(name)("the owl").input_ids
    model.push_to_hub("tester/pushed")
    said["pushed"] = AutoModelForSeq2SeqLM.from_pretrained("tester/pushed").config.d_model
    info = api.model_info(name, files_metadata=True)
    said["info"] = [info.private, info.card_data.license, info.config["model_type"]]
    print(json.dumps(said))
"""
DATASET = """
    import json
    from datasets import Dataset, load_dataset
    from huggingface_hub import HfApi
    rows = [{"translation": {"en": f"owl {n}", "no": f"ugle {n}"}} for n in range(5)]
    Dataset.from_list(rows).push_to_hub("tester/owls")
    api = HfApi()
    api.create_repo("tester/lines", repo_type="dataset")
    api.upload_file(repo_id="tester/lines", repo_type="dataset", path_in_repo="train.jsonl",
                    path_or_fileobj=b'{"source": "a", "target": "b"}\\n' * 3)
    whole = load_dataset("tester/owls", split="train")
    stream = load_dataset("tester/owls", split="train", streaming=True)
    lines = load_dataset("tester/lines", split="train")
    print(json.dumps([whole[4], list(stream)[4], lines[2], len(lines)]))
"""
SPACE = """
    import json
    from huggingface_hub import HfApi
    api, name = HfApi(), "tester/demo"
    api.create_repo(name, repo_type="space", space_sdk="gradio")
    card = b"---\\ntitle: Demo\\nsdk: gradio\\nsdk_version: 6.31.0\\napp_file: app.py\\n---\\n"
    api.upload_file(repo_id=name, repo_type="space", path_in_repo="README.md", path_or_fileobj=card)
    print(json.dumps(api.space_info(name).sdk))
"""
# Tries each operation and says how it ended.
TRY = """
    import json, time
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub import hf_hub_download
    time.sleep = lambda seconds: waits.append(seconds)
    api, waits, said, name = HfApi(), [], {}, "tester/owl"
    add = lambda path, content: CommitOperationAdd(path, content)
    def attempt(what, function):
        try:
            function()
            said[what] = "ok"
        except Exception as error:
            response = getattr(error, "response", None)
            said[what] = [type(error).__name__, getattr(response, "status_code", None)]
    def commit(*operations, parent=None, repository=name):
        api.create_commit(repository, operations, commit_message="x", parent_commit=parent)
"""


@pytest.fixture(params=["lfs", "xet"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HubServer]:
    folder = tmp_path / "objects" if request.param == "xet" else None
    with HubServer(xet_folder=folder) as server:
        yield server


@pytest.mark.slow
def test_a_model_goes_up_and_comes_back_the_same(
    both: HubServer, warm: Warm, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    said = run_client(both, tmp_path / "home", MODEL, tmp_path / "model", warm=warm)
    files = {".gitattributes", "README.md", "config.json", "generation_config.json",
             "model.safetensors", "tokenizer.json", "tokenizer_config.json"}  # fmt: skip
    assert set(said.pop("at v1")) == files
    assert said == {
        "me": "tester", "before": False, "no-op": True, "tags": ["v1"], "small file": "later",
        "same weights": True, "ids": [2, 3], "pushed": 16, "info": [True, "mit", "marian"],
    }  # fmt: skip
    entries = both.repository("tester/owl").head.files
    assert (
        entries["model.safetensors"].content
        == (tmp_path / "model" / "model.safetensors").read_bytes()
    )
    assert [path for path, entry in entries.items() if entry.large] == ["model.safetensors"]
    assert bool(both.store.xet) == (both.xet_folder is not None)
    assert any("/xet-write-token/" in line for line in both.requests) == bool(both.xet_folder)


@pytest.mark.slow
def test_datasets_go_up_and_come_back_whole_and_streamed(
    both: HubServer, warm: Warm, tmp_path: Path
) -> None:
    row = {"translation": {"en": "owl 4", "no": "ugle 4"}}
    line = {"source": "a", "target": "b"}
    assert run_client(both, tmp_path / "home", DATASET, warm=warm) == [row, row, line, 3]


def test_a_space_says_what_it_runs(hub: HubServer, tmp_path: Path) -> None:
    assert run_client(hub, tmp_path, SPACE) == "gradio"


def test_every_refusal_has_the_status_that_the_client_expects(
    hub: HubServer, tmp_path: Path
) -> None:
    code = """
    attempt("no repository", lambda: commit(add("a", b"1")))
    attempt("create", lambda: api.create_repo(name, private=True))
    attempt("create twice", lambda: api.create_repo(name))
    attempt("create, or there", lambda: api.create_repo(name, exist_ok=True))
    attempt("create elsewhere", lambda: api.create_repo("stranger/owl"))
    attempt("stale parent", lambda: commit(add("a", b"1"), parent="0" * 40))
    attempt("bad card", lambda: commit(add("README.md", b"---\\nlanguage: no\\n---\\n")))
    attempt("delete nothing", lambda: commit(add("a", b"1"), CommitOperationDelete("b")))
    attempt("tag", lambda: api.create_tag(name, tag="v1"))
    attempt("tag twice", lambda: api.create_tag(name, tag="v1"))
    attempt("no such revision", lambda: api.model_info(name, revision="v2"))
    attempt("no such file", lambda: hf_hub_download(name, "nothing.txt"))
    attempt("wrong token", lambda: HfApi(token="hf_wrong").whoami())
    print(json.dumps(said))
    """
    assert run_client(hub, tmp_path, TRY + code) == {
        "no repository": ["RepositoryNotFoundError", 404],
        "create": "ok",
        "create twice": ["HfHubHTTPError", 409],
        "create, or there": "ok",
        "create elsewhere": ["HfHubHTTPError", 403],
        "stale parent": ["HfHubHTTPError", 412],
        "bad card": ["ValueError", None],
        "delete nothing": ["RemoteEntryNotFoundError", 404],
        "tag": "ok",
        "tag twice": ["HfHubHTTPError", 409],
        "no such revision": ["RevisionNotFoundError", 404],
        "no such file": ["RemoteEntryNotFoundError", 404],
        "wrong token": ["HfHubHTTPError", 401],
    }
    repository = hub.repository("tester/owl")
    assert len(repository.commits) == 1, "what was refused left nothing"


def test_rights_end_where_the_owner_says(hub: HubServer, tmp_path: Path) -> None:
    hub.store.create("model", "tester/owl", private=True)
    hub.store.create("model", "tester/open")
    code = """
    attempt("see private", lambda: api.model_info(name))
    attempt("see public", lambda: api.model_info("tester/open"))
    attempt("write", lambda: commit(add("a", b"1"), repository="tester/open"))
    print(json.dumps(said))
    """
    forbidden = ["HfHubHTTPError", 403]
    assert run_client(hub, tmp_path, TRY + code, token=STRANGER) == {
        "see private": ["RepositoryNotFoundError", 404],
        "see public": "ok",
        "write": forbidden,
    }
    assert run_client(hub, tmp_path, TRY + code, token=READER) == {
        "see private": "ok",
        "see public": "ok",
        "write": forbidden,
    }


def test_faults_strike_as_often_as_they_should(hub: HubServer, tmp_path: Path) -> None:
    hub.store.create("model", "tester/owl")
    hub.inject(Fault("PUT /objects/.*", "drop", times=1))
    hub.inject(Fault("PUT /objects/.*", "limit", times=1, retry_after=7))
    hub.inject(Fault("POST .*/commit/.*", "fail", times=1))
    code = """
    attempt("commit fails", lambda: commit(add("a.bin", bytes(9999))))
    attempt("second attempt", lambda: commit(add("a.bin", bytes(9999))))
    print(json.dumps([said, waits]))
    """
    said, waits = run_client(hub, tmp_path, TRY + code)
    assert said == {"commit fails": ["HfHubHTTPError", 500], "second attempt": "ok"}
    assert waits == [1.0, 8.0], "after a broken connection 1 s; after a limit what it asks, and 1"
    assert sum(line.startswith("PUT /objects/") for line in hub.requests) == 3
    assert hub.repository("tester/owl").head.files["a.bin"].content == bytes(9999)


def test_a_connection_that_stays_broken_leaves_nothing_visible(
    hub: HubServer, tmp_path: Path
) -> None:
    hub.store.create("model", "tester/owl")
    hub.inject(Fault("PUT /objects/.*", "drop"))
    code = """
    attempt("commit", lambda: commit(add("a.bin", bytes(9999)), add("b.txt", b"b")))
    print(json.dumps(said))
    """
    (kind, status) = run_client(hub, tmp_path, TRY + code)["commit"]
    assert status is None, kind
    assert set(hub.repository("tester/owl").head.files) == {".gitattributes"}
