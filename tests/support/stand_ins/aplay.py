"""A stand-in for ALSA's program aplay: it records its arguments and input, and fails when a test asks for it.

It is written into a folder that a test puts first on PATH. The program writes three files there: `calls` has a line
for each start (the arguments), `played` has the bytes of all starts, `ended` has a line for each start that was not
killed. While a file named `does` exists, its text says what the next starts do: `fail TEXT` writes TEXT to stderr and
exits with 1, `hang` reads everything and never ends, `haste` ends at once, `chatter` fills stderr first.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

PROGRAM = r"""#!{python} -S
import os, sys, time
folder, words = {folder!r}, sys.argv[1:]
with open(folder + "/calls", "a") as calls:
    calls.write(" ".join(words) + " pid=" + str(os.getpid()) + "\n")
try:
    does = open(folder + "/does").read()
except FileNotFoundError:
    does = ""
if does.startswith("fail "):
    sys.stderr.write(does[5:])
    sys.exit(1)
data = sys.stdin.buffer.read()
with open(folder + "/played", "ab") as played:
    played.write(data)
if does == "hang":
    time.sleep(1000)
if does == "chatter":
    sys.stderr.write("underrun!!! (at least 1.0 ms long)\n" * 20000)
rate, channels = int(words[words.index("-r") + 1]), int(words[words.index("-c") + 1])
if does != "haste":
    time.sleep(len(data) / 2 / rate / channels)
with open(folder + "/ended", "a") as ended:
    ended.write("ended\n")
"""


class Aplay:
    """The stand-in in a folder. A test sets PATH to `path`, where this folder comes first."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, program = folder, folder / "aplay"
        program.write_text(PROGRAM.format(python=sys.executable, folder=str(folder)))
        program.chmod(0o755)

    @property
    def path(self) -> str:
        """PATH with the stand-in's folder in front."""
        return f"{self.folder}{os.pathsep}{os.environ['PATH']}"

    def does(self, what: str | None) -> None:
        """Set what the next starts do, as in the file `does`; None: play normally."""
        if what is None:
            (self.folder / "does").unlink(missing_ok=True)
        else:
            (self.folder / "does").write_text(what)

    def calls(self) -> list[str]:
        return self._lines("calls")

    def ended(self) -> int:
        return len(self._lines("ended"))

    def played(self) -> bytes:
        path = self.folder / "played"
        return path.read_bytes() if path.exists() else b""

    def pids(self) -> list[int]:
        return [int(line.rpartition("pid=")[2]) for line in self.calls()]

    def alive(self) -> list[int]:
        """The processes of the stand-in that still run."""
        return [pid for pid in self.pids() if _runs(pid)]

    def _lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
