"""Whatever the call, the streams and the moment of Ctrl-C: one line and an exit code, never a traceback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from maskwatch.text.printable import one_line

COMMAND = [sys.executable, "-c", "from maskwatch.cli import main; main()"]
ENVIRONMENT = {**os.environ, "GPIOZERO_PIN_FACTORY": "mock"}

# Sends itself SIGINT when the module named first is looked for.
INTERRUPTED = """
import os, signal, sys
from maskwatch.cli import main

class Hook:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

module = sys.argv.pop(1)
sys.meta_path.insert(0, Hook())
main()
"""


def call(*words: str | bytes, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, **variables}
    command = [*COMMAND, *words]
    return subprocess.run(
        command, capture_output=True, text=True, errors="surrogateescape", env=environment, timeout=60, check=False
    )


def shell(redirection: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The call with the shell's redirection behind it."""
    command = ["sh", "-c", f'"$@" {redirection}', "sh", *COMMAND, *words]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False)


def assert_one_line(done: subprocess.CompletedProcess[str], exit_code: int) -> str:
    (line,) = done.stderr.splitlines()
    assert line.startswith("maskwatch: ")
    assert (done.returncode, done.stdout) == (exit_code, "")
    return line


@pytest.mark.parametrize("module", ["click", "maskwatch.errors", "maskwatch.cli.commands", "pydantic", "numpy", "cv2"])
def test_ctrl_c_while_something_is_imported_is_one_line(tmp_path: Path, module: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED, module, "detect", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False)
    assert done.stderr.split("\n", 1)[0] in ("", "maskwatch: stopped")  # click ends the line of the terminal's ^C
    assert done.stderr.strip() == "maskwatch: stopped"
    assert (done.returncode, done.stdout) == (130, "")


def test_who_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    """A shell starts its background jobs so: Ctrl-C is for the job in front."""
    command = [sys.executable, "-c", INTERRUPTED, "click", "config"]
    done = subprocess.run(
        command,
        capture_output=True,
        env=ENVIRONMENT,
        timeout=60,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("word", ["config", "--help", "--version"])
def test_a_full_stdout_is_one_line_and_exit_5(word: str) -> None:
    line = assert_one_line(shell(">/dev/full", word), 5)
    assert line == "maskwatch: stdout: cannot be written: No space left on device"


@pytest.mark.parametrize("word", ["config", "--help"])
def test_a_reader_who_left_ends_it_without_a_word(word: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, word], stdout=writing, stderr=subprocess.PIPE, env=ENVIRONMENT, timeout=60, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">&- 2>/dev/full"])
def test_closed_streams_change_no_exit_code(redirection: str) -> None:
    done = shell(redirection, "config")
    assert (done.returncode, done.stderr) == (0, "")
    done = shell(redirection, "config", "--config", "/nowhere.toml")
    assert done.returncode == 6
    assert "Traceback" not in done.stderr


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """A library's warning on "stderr" would be written into it."""
    program = "import click, os; from maskwatch.cli import command\n"
    program += "command.run(click.Command('x', callback=lambda: (os.open('f', 65, 0o600), os.write(2, b'x'))), 'x')"
    command = ["sh", "-c", '"$@" 2>&-', "sh", sys.executable, "-c", program]
    subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, timeout=60, check=False)
    assert (tmp_path / "f").read_bytes() == b""


@pytest.mark.parametrize("option", [("run", "--duration"), ("detect", "x", "--min-score")])
def test_a_number_that_is_none_is_refused(option: tuple[str, ...]) -> None:
    assert "is not a number" in assert_one_line(call(*option, "nan"), 2)


LONG = "a" * 5000


@pytest.mark.parametrize("path", [b"\xff\xfe.png", "\N{GRINNING FACE}.png", LONG, f"/{LONG}/x", "a\nb\x1b[31m.png"])
@pytest.mark.parametrize("variables", [{}, {"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}], ids=str)
def test_any_path_can_be_named_and_refused(path: str | bytes, variables: dict[str, str]) -> None:
    may_come = LONG not in str(path)  # the others are names that a file may have yet
    line = assert_one_line(call("config", "--config", path, **variables), 6 if may_come else 2)
    assert line.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\udcff.png", r"\xff.png"),
        ("\ud800", r"\ud800"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\x00", r"\x00"),
        ("Tür 😀.png", "Tür 😀.png"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_a_wrong_command_line_names_the_help_of_its_own_command() -> None:
    assert assert_one_line(shell("", "flash"), 2).endswith("See `maskwatch flash --help`.")
    assert assert_one_line(shell("", "detect"), 2).endswith("See `maskwatch detect --help`.")
    assert assert_one_line(shell("", "nosuch"), 2).endswith("See `maskwatch --help`.")
