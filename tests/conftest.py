"""What every test stands on: one thread, fixed seeds, no network, and the real data if present."""

import os
import tempfile

# Before anything imports torch or the Hub client: they read these once, when they are loaded.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["SEQ2SEQ_CACHE"] = f"{tempfile.gettempdir()}/seq2seq-tests-{os.getpid()}"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

import gc
import importlib
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hub.server import HubServer
from tests.shape_checks import check_modules
from tests.viewer.browser import Browser
from tests.warm import Warm

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("SEQ2SEQ_DATA", ROOT.parent / "shared" / "data"))


STATING = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted((ROOT / "seq2seq").rglob("*.py"))
    if "jaxtyping" in path.read_text(encoding="utf-8")
]
assert not any(name.startswith("seq2seq") for name in sys.modules), "loaded before it is checked"
check_modules(STATING)

# What the modules of all tests load stays for good: looking for garbage in it, again and again
# while it grows and at every later collection, would only take time.
gc.disable()


def pytest_collection_finish() -> None:
    if "seq2seq.train.run" in sys.modules:  # loading it takes seconds that most files do not need
        importlib.import_module("tests.unmeasured")
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)  # as often as by default costs a third in tests of much text
    gc.enable()


# Folders with a fixture that takes long to make and is made once in a process, and its first value.
SHARED = {"pronouns": ("language", "es"), "decode": ("trained", "m2m_100")}
# What trainings and other commands load late, when they come to it: half of what a tiny one takes.
LATE = (
    *("datasets", "torch._dynamo", "langcodes", "sacrebleu.metrics"),
    *("transformers.models.t5.modeling_t5", "transformers.models.bart.modeling_bart"),
    *("seq2seq.train.run", "seq2seq.cli.app", "seq2seq.probe.study", "seq2seq.publish.plan"),
)
# The value that another is compared with, which needs both.
BESIDE = {"vi": "es"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several workers run the tests: what shares a fixture stays on one of them.

    Files with slow tests begin first, so that no worker waits for the other at the end.
    """
    training = {item.path for item in items if "trainer" in getattr(item, "fixturenames", ())}
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            group = "trainer" if item.path in training else _shared(item)
            item.add_marker(pytest.mark.xdist_group(group))


def _shared(item: pytest.Item) -> str:
    folder = item.path.parent.name
    if folder not in SHARED:
        return item.path.relative_to(ROOT).as_posix()
    fixture, first = SHARED[folder]
    values = getattr(getattr(item, "callspec", None), "params", {})
    value = values.get(fixture, first)
    return f"{folder} {BESIDE.get(value, value)}"


@pytest.fixture(autouse=True)
def _seed() -> None:
    """Every test draws the same numbers, alone or in any order."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:  # importing it takes seconds that most tests do not need
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data; a test that asks for it is skipped where there is none."""
    if not DATA.is_dir():
        pytest.skip(f"{DATA}: no such folder; set SEQ2SEQ_DATA to the folder of the real data")
    return DATA.resolve()


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """Runs programs of any kind in processes of their own that have torch loaded already.

    So is what transformers and datasets would load too; only what reads the environment when it is
    loaded, such as the Hub's client, is not.
    """
    beside = ("torch._dynamo", "torch.distributed.checkpoint", "scipy.optimize", "pandas")
    with Warm("torch", *beside, "pyarrow.dataset") as server:
        yield server


@pytest.fixture(scope="session")
def trainer() -> Iterator[Warm]:
    """Runs programs that train, in processes of their own that have loaded everything already."""
    unmeasured = str(ROOT / "tests" / "unmeasured.py")
    with Warm(*LATE, unmeasured) as server:
        yield server


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A real browser, for tests that are skipped where there is none."""
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="session")
def family_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Finds the stock folder of a published family by its name; each is written once."""
    from tests.pipeline.families import write_family

    root = tmp_path_factory.mktemp("families")

    def find(family: str) -> Path:
        folder = root / family
        return folder if folder.exists() else write_family(family, folder)

    return find


@pytest.fixture
def hub() -> Iterator[HubServer]:
    """A Hub on this machine; what talks to it runs in a process of its own."""
    with HubServer() as server:
        yield server
