"""Run real client code against the test Hub, in a process of its own."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from tests.hub.server import WRITER, HubServer
from tests.warm import Warm


def run_client(
    hub: HubServer,
    home: Path,
    code: str,
    *arguments: str | Path,
    token: str = WRITER,
    warm: Warm | None = None,
) -> Any:
    """Run code that prints one JSON value as its last line.

    Args:
        hub: Where it finds the Hub.
        home: Folder of the client's cache.
        code: Finds its arguments in ``sys.argv``.
        arguments: For the code.
        token: Who it is.
        warm: Runs it, where it needs torch.

    Returns:
        What it printed.
    """
    program = ["-c", textwrap.dedent(code), *map(str, arguments)]
    environment = {**os.environ, **hub.environment(home, token=token)}
    if warm:
        result: Any = warm.run(program, environment=environment)
    else:
        result = subprocess.run(
            [sys.executable, *program], capture_output=True, text=True, check=False, env=environment
        )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])
