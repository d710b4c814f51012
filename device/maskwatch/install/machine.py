"""The machine that is set up: where its files are, what runs on it. Tests pass one whose root is a folder."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from maskwatch.system import whole_file

COMMAND_LIMIT = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command came to."""

    code: int
    output: str  # stdout and stderr

    @property
    def last_line(self) -> str:
        """The end of what it said, for a message."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return lines[-1] if lines else f"exit code {self.code}"


class Machine:
    """A real one, or for tests a folder, in which commands are not run."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    @classmethod
    def from_environment(cls) -> Machine:
        """MASKWATCH_ROOT names another root folder, for tests; there commands are noted in its commands.log."""
        root = os.environ.get("MASKWATCH_ROOT")
        return Rehearsed(Path(root)) if root else cls()

    def at(self, path: str) -> Path:
        """Where a file of this machine is."""
        return self.root / path.lstrip("/")

    def run(self, *words: str, feed: str = "", limit: float = COMMAND_LIMIT) -> Ran:
        """Run a command; whatever goes wrong with it is in the result. `feed` goes to its stdin."""
        try:
            done = subprocess.run(
                words,
                input=feed,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=limit,
                check=False,
            )
        except FileNotFoundError:
            return Ran(127, f"{words[0]}: not found")
        except subprocess.TimeoutExpired:
            return Ran(124, f"{words[0]}: took longer than {limit:.0f} s")
        except OSError as error:
            return Ran(126, f"{words[0]}: {error.strerror}")
        return Ran(done.returncode, done.stdout)

    def is_root(self) -> bool:
        """Whether we may change the system."""
        return os.geteuid() == 0

    def write(self, path: str, content: str, mode: int = 0o644) -> None:
        """A file that is there whole or not at all: written beside it, synced, renamed."""
        put(self.at(path), content, mode)


class Rehearsed(Machine):
    """A folder in the machine's place: commands succeed and are noted in its commands.log."""

    def run(self, *words: str, feed: str = "", limit: float = COMMAND_LIMIT) -> Ran:  # noqa: ARG002
        with (self.root / "commands.log").open("a") as file:
            file.write(" ".join(words) + "\n")
        return Ran(0, "")

    def is_root(self) -> bool:
        return True


def put(path: Path, content: str, mode: int = 0o644) -> None:
    """Write a file whole or not at all, in a folder that is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole_file.write(path, content, mode)
