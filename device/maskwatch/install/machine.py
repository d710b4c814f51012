"""The machine that is set up: its files and commands. In tests its root is a folder."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from maskwatch.system import whole_file

COMMAND_LIMIT = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a command."""

    code: int
    output: str  # stdout and stderr

    @property
    def last_line(self) -> str:
        """The last line of its output, for a message."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return lines[-1] if lines else f"exit code {self.code}"


class Machine:
    """The real machine. For tests see DryRunMachine."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    @classmethod
    def from_environment(cls) -> Machine:
        """The real machine; if MASKWATCH_ROOT names a folder (in tests), a DryRunMachine one."""
        root = os.environ.get("MASKWATCH_ROOT")
        return DryRunMachine(Path(root)) if root else cls()

    def at(self, path: str) -> Path:
        """The path of a file of this machine."""
        return self.root / path.lstrip("/")

    def run(self, *words: str, feed: str = "", limit: float = COMMAND_LIMIT) -> Result:
        """Run a command. It does not raise: failures are in the result. `feed` is its stdin, `limit` seconds it may
        take."""
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
            return Result(127, f"{words[0]}: not found")
        except subprocess.TimeoutExpired:
            return Result(124, f"{words[0]}: took longer than {limit:.0f} s")
        except OSError as error:
            return Result(126, f"{words[0]}: {error.strerror}")
        return Result(done.returncode, done.stdout)

    def is_root(self) -> bool:
        """Whether we may change the system."""
        return os.geteuid() == 0

    def write(self, path: str, content: str, mode: int = 0o644) -> None:
        """Write a file, see put()."""
        put(self.at(path), content, mode)


class DryRunMachine(Machine):
    """A folder instead of a machine: commands are not run, only written to commands.log, and succeed."""

    def run(self, *words: str, feed: str = "", limit: float = COMMAND_LIMIT) -> Result:  # noqa: ARG002
        with (self.root / "commands.log").open("a") as file:
            file.write(" ".join(words) + "\n")
        return Result(0, "")

    def is_root(self) -> bool:
        return True


def put(path: Path, content: str, mode: int = 0o644) -> None:
    """Write a file atomically (see whole_file), and create its folder if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole_file.write(path, content, mode)
