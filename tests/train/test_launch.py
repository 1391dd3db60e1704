"""Workers that this process starts, with small programs in the place of training."""

import gc
import os
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from signal import SIGTERM
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from seq2seq.errors import TrainingError
from seq2seq.train import launch
from seq2seq.train.launch import (
    is_first,
    keep_group,
    launched_workers,
    note_ready,
    worker_command,
)

READY = "import os, pathlib; pathlib.Path(os.environ['SEQ2SEQ_READY_FILE']).touch(); "


def program(text: str) -> Sequence[str]:
    return [sys.executable, "-c", text]


def test_one_process_starts_no_other():
    with launched_workers(["/no/such/program"], 1):
        assert "WORLD_SIZE" not in os.environ
        note_ready()


def test_a_process_of_a_launcher_starts_no_other(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with launched_workers(["/no/such/program"], 2):
        pass


def test_every_process_is_told_its_place_and_its_threads(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "OMP_NUM_THREADS")
    told = f"values = repr([os.environ[name] for name in {names}]); "
    told += f"open(r'{tmp_path}/' + os.environ['RANK'], 'w').write(values)"
    before = dict(os.environ)
    threads = torch.get_num_threads()
    torch.set_num_threads(7)
    try:
        with launched_workers(program(READY + told), 3):
            assert [os.environ[name] for name in names] == ["0", "0", "3", "3", "2"]
            assert torch.get_num_threads() == 2
        assert torch.get_num_threads() == 7
    finally:
        torch.set_num_threads(threads)
    assert (tmp_path / "1").read_text() == "['1', '1', '3', '3', '2']"
    assert (tmp_path / "2").read_text() == "['2', '2', '3', '3', '2']"
    assert dict(os.environ) == before


def test_no_pipe_to_another_process_stays_open(monkeypatch):
    started: list[subprocess.Popen[bytes]] = []

    def start(*args: Any, **kwargs: Any) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(*args, **kwargs))
        return started[-1]

    patched = SimpleNamespace(Popen=start, PIPE=subprocess.PIPE, DEVNULL=subprocess.DEVNULL)
    monkeypatch.setattr(launch, "subprocess", patched)
    with launched_workers(program(READY), 2):
        pass
    assert [one.stdin.closed for one in started if one.stdin is not None] == [True]


@pytest.mark.parametrize("name", ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"])
def test_a_process_of_mpi_starts_no_other(name, monkeypatch):
    monkeypatch.setenv(name, "2")
    with launched_workers(["/no/such/program"], 2):
        pass


def test_each_process_has_the_threads_that_the_user_gave_it(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", str(torch.get_num_threads()))
    told = f"open(r'{tmp_path}/threads', 'w').write(os.environ['OMP_NUM_THREADS'])"
    with launched_workers(program(READY + told), 2):
        pass
    assert int((tmp_path / "threads").read_text()) == torch.get_num_threads()


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with (
        pytest.raises(TrainingError, match=r"train.processes = 2: 1 GPU\(s\) found"),
        launched_workers(["/no/such/program"], 2, on_gpus=True),
    ):
        pytest.fail("the block must not run")


MISTAKE = "import sys; sys.stderr.write('reading\\nerror: the disk is full\\n'); sys.exit(2)"
FAULT = "import sys; sys.exit('a traceback')"
GONE = RuntimeError("Connection closed by peer")


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (MISTAKE, TrainingError, "process 2 ended with exit code 2: the disk is full"),
        (FAULT, RuntimeError, "process 2 ended with exit code 1:\na traceback"),
        ("import os; os.kill(os.getpid(), 9)", TrainingError, "process 2 ended with exit code -9"),
        ("import sys; sys.exit(130)", KeyboardInterrupt, ""),
    ],
)
@pytest.mark.parametrize("ready", [False, True], ids=["on its way", "at its end"])
def test_one_that_fails_is_not_waited_for(code, kind, said, ready):
    with (
        pytest.raises(kind, match=f"^{said}$"),
        launched_workers(program((READY if ready else "") + code), 2),
    ):
        assert ready, "the block must not run"


def test_one_that_ends_well_without_having_come_to_the_meeting_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(launch, "PATIENCE_SECONDS", 0.1)
    with (
        pytest.raises(RuntimeError, match="process 2 ended with exit code 0"),
        launched_workers(program(""), 2),
    ):
        pytest.fail("the block must not run")


def test_one_that_finds_a_mistake_explains_what_torch_says_of_it():
    with (
        pytest.raises(TrainingError, match="process 2 ended with exit code 2: the disk is full"),
        launched_workers(program(READY + MISTAKE), 2),
    ):
        raise GONE


def test_a_fault_of_another_is_shown_beside_that_of_this_one(capfd):
    with (
        pytest.raises(RuntimeError, match="Connection closed by peer"),
        launched_workers(program(READY + FAULT), 2),
    ):
        raise GONE
    assert capfd.readouterr().err == "process 2 ended with exit code 1:\na traceback\n"


def test_another_ends_with_the_first_even_before_it_has_come_as_far_as_meeting_it(tmp_path):
    place = tmp_path / "pid"
    other = (  # what the command line loads takes so long that the first is killed meanwhile
        "import os, runpy, time; start = runpy.run_module\n"
        "def load(name, **_):\n"
        f"    open(r'{place}', 'w').write(str(os.getpid())); time.sleep(99)\n"
        "runpy.run_module = load; start('seq2seq.train.worker', run_name='__main__')"
    )
    first = (
        "import sys; from seq2seq.train.launch import launched_workers\n"
        f"with launched_workers([sys.executable, '-c', {other!r}], 2): pass\n"
    )
    with subprocess.Popen(program(first)) as process:
        wait_until(lambda: (place.exists() and place.read_text()) or process.poll() is not None)
        process.terminate()  # as a shell or a cluster does
    assert process.returncode == -SIGTERM
    wait_until(lambda: not running(int(place.read_text())))


def wait_until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end, "what was waited for has not come"
        time.sleep(0.01)


def running(process: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except FileNotFoundError:
        return False


def test_a_first_that_waits_for_one_that_is_gone_is_ended():
    first = (
        "import sys, time; from seq2seq.train import launch; launch.STUCK_SECONDS = 0.1\n"
        f"with launch.launched_workers([sys.executable, '-c', {READY + MISTAKE!r}], 2):\n"
        "    time.sleep(99)\n"
    )
    ended = subprocess.run(program(first), check=False, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr == "error: process 2 ended with exit code 2: the disk is full\n"


def test_an_error_of_this_process_stays_what_it_is_and_ends_the_others(monkeypatch, tmp_path):
    monkeypatch.setattr(launch, "PATIENCE_SECONDS", 0.3)
    place = tmp_path / "pid"
    waiting = READY + f"open(r'{place}', 'w').write(str(os.getpid())); import time; time.sleep(99)"

    def fail_later() -> None:
        with launched_workers(program(waiting), 2):
            wait_until(lambda: place.exists() and place.read_text())
            raise RuntimeError("a mistake")

    with pytest.raises(RuntimeError, match="a mistake"):
        fail_later()
    with pytest.raises(ProcessLookupError):
        os.kill(int(place.read_text()), 0)


def test_the_command_is_the_same_training_again(tmp_path):
    sets = ["seed=2", "train.steps=5"]
    command = worker_command(tmp_path / "r.toml", sets, tmp_path, resume=True, device="cpu")
    given = ["--set", "seed=2", "--set", "train.steps=5", "--run", str(tmp_path)]
    given += ["--device", "cpu", "--resume"]
    assert command[1:] == [
        "-P",
        "-m",
        "seq2seq.train.worker",
        "train",
        str(tmp_path / "r.toml"),
        *given,
    ]


def listening() -> set[str]:
    """Addresses and ports on which this process waits for others, as /proc writes them."""
    links = (link for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    own = {str(link.readlink()) for link in links}
    tables = (Path("/proc/self/net", name).read_text("ascii") for name in ("tcp", "tcp6"))
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return {row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in own}


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="needs Linux's /proc")
def test_nobody_outside_this_machine_can_connect(monkeypatch):
    """Neither to the store that processes meet at nor to what gloo exchanges gradients by."""
    monkeypatch.delenv("GLOO_SOCKET_IFNAME", raising=False)
    before, loopback = listening(), "0100007F:"  # 127.0.0.1, last byte first
    shared, store = launch._rendezvous(2, 1)
    opened = listening() - before
    assert len(opened) == 1
    assert all(place.startswith(loopback) for place in opened)
    assert shared["GLOO_SOCKET_IFNAME"] == "lo"
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        assert len(listening() - before) == 2
        assert all(place.startswith(loopback) for place in listening() - before)
    finally:
        torch.distributed.destroy_process_group()


def test_the_interface_that_a_user_names_stays(monkeypatch):
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "eth7")
    assert "GLOO_SOCKET_IFNAME" not in launch._rendezvous(2, 1)[0]


@pytest.mark.parametrize("name", ["RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK"])
def test_the_first_process_of_any_launcher_knows_that_it_is(name, monkeypatch):
    assert is_first()
    monkeypatch.setenv(name, "1")
    assert not is_first()
    monkeypatch.setenv(name, "0")
    assert is_first()


def test_one_that_never_ends_though_all_work_is_done_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "END_SECONDS", 0.2)
    hangs = f"open(r'{tmp_path}/pid', 'w').write(str(os.getpid())); import time; time.sleep(600)"
    with launched_workers(program(hangs.replace("open", READY + "open", 1)), 2):
        while not (tmp_path / "pid").is_file():
            time.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


ENDS_WITH_A_GROUP = """
import atexit, sys, torch
from seq2seq.train import launch
atexit.register(lambda: print(launch._kept_groups))  # what is registered first is done last
store = "file://" + sys.argv[1]
torch.distributed.init_process_group("gloo", init_method=store, rank=0, world_size=1)
for _ in range(2):
    launch.keep_group()
torch.distributed.destroy_process_group()
print(len(launch._kept_groups))
"""


def test_the_threads_of_a_group_end_before_the_interpreter(tmp_path):
    command = [sys.executable, "-c", ENDS_WITH_A_GROUP, str(tmp_path / "store")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["1", "[]"]


def test_the_last_reference_to_a_group_is_pythons(tmp_path):
    """Of DistributedDataParallel it would be one that holds the interpreter while it waits."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1
    )
    keep_group()
    module = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(1, 1))
    torch.distributed.destroy_process_group()
    ended = weakref.ref(module.reducer)
    del module
    gc.collect()
    assert ended() is None
    assert launch._kept_groups[0].size() == 1
    with launched_workers(program(READY), 2):
        assert not launch._kept_groups
