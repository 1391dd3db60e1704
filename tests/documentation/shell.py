"""A shell in which `seq2seq` and `python` are started by a server that has loaded torch already.

The blocks of the documentation run in it as they stand, with their pipes and redirections; only the
seconds that each process would spend on loading libraries are saved.
"""

import json
import os
import socketserver
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Self

from tests.warm import LIMIT_SECONDS, Warm

ADDRESS = "SEQ2SEQ_TEST_SERVER"
COMMANDS: dict[str, list[str]] = {"seq2seq": ["-m", "seq2seq"], "python": []}
# Starts in some milliseconds, asks for the program and ends as it ends.
CALLER = """#!{python} -ISE
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect(os.environ["{address}"])
    asked = dict(program={first!r} + sys.argv[1:], folder=os.getcwd(), pid=os.getpid())
    server.sendall(json.dumps(asked).encode() + b"\\n")
    code = int(server.makefile().readline())
sys.exit(code if code >= 0 else 128 - code)
"""


class _Server(socketserver.UnixStreamServer):
    """Waits for one caller after the other."""

    def __init__(self, address: str, warm: Warm):
        super().__init__(address, _Handler)
        self.warm = warm

    def handle_error(self, *_: Any) -> None:
        """A caller that was killed wants no answer."""


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        """Run a program on the streams of its caller and tell how it ended."""
        asked = json.loads(self.rfile.readline())
        with tempfile.TemporaryDirectory() as files:
            for number, name in enumerate(("in", "out", "err")):
                Path(files, name).symlink_to(f"/proc/{asked['pid']}/fd/{number}")
            pid = self.server.warm.ask(program=asked["program"], environment=dict(os.environ),
                                       files=files, folder=asked["folder"])  # fmt: skip
            status = self.server.warm.ask(wait=pid, seconds=LIMIT_SECONDS)
        self.wfile.write(f"{os.waitstatus_to_exitcode(status)}\n".encode())


class Shell:
    """Runs lines of a shell in one folder.

    Args:
        warm: What starts the programs.
        folder: Where they run.
    """

    def __init__(self, warm: Warm, folder: Path):
        self.folder = folder
        self._files = tempfile.TemporaryDirectory()
        self._server = _Server(str(Path(self._files.name, "socket")), warm)
        for name, first in COMMANDS.items():
            path = Path(self._files.name, name)
            text = CALLER.format(python=sys.executable, address=ADDRESS, first=first)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._files.cleanup()

    def run(self, *command: str, text: str = "") -> str:
        """Run a command with a text on its standard input.

        Returns:
            What it wrote to standard output.
        """
        files = self._files.name
        path = os.pathsep.join([files, os.environ.get("PATH", os.defpath)])
        environment = {**os.environ, "PATH": path, ADDRESS: self._server.server_address}
        ended = subprocess.run(command, input=text, capture_output=True, text=True, check=False,
                               cwd=self.folder, env=environment)  # fmt: skip
        assert ended.returncode == 0, f"{text}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout
