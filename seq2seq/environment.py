"""The machine and the versions with which something was made."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from seq2seq import __version__

VERSIONED = (
    "torch", "transformers", "accelerate", "datasets", "tokenizers", "sentencepiece", "sacrebleu",
    "rouge-score", "numpy", "safetensors",
)  # fmt: skip


def describe_environment() -> dict[str, Any]:
    """Versions, commit and machine, as ``environment.json`` keeps them.

    The commit is that of the seq2seq checkout, or null for an installed package.
    """
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seq2seq": {"version": __version__, "commit": _commit()},
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": processor_name(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "preloaded": [Path(name).name for name in os.environ.get("LD_PRELOAD", "").split()],
        "versions": {name: _version(name) for name in VERSIONED},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    command = [
        "git",
        "-C",
        str(Path(__file__).parent),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=12",
    ]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip() or None


def processor_name() -> str:
    """What the processor calls itself, or its architecture where it does not say."""
    return _processor_line("model name") or platform.processor() or platform.machine()


def computes_in_bf16() -> bool:
    """Whether the processor says that it has instructions for bf16: others are slower in it."""
    return "bf16" in _processor_line("flags")


def _processor_line(name: str) -> str:
    """What Linux tells about the first core under a name; empty where it tells nothing."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(name):
                return line.partition(":")[2].strip()
    return ""
