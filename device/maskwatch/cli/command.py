"""How a command line ends: an expected failure is one line and its exit code, anything else keeps its traceback."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NoReturn

import click

from maskwatch.daemon import signals, systemd
from maskwatch.errors import MaskwatchError, OutputError
from maskwatch.system import libraries, nonblocking_stream, process_end
from maskwatch.text.printable import one_line
from maskwatch.text.redaction import redacted

STOPPED = 130  # as a shell has it: 128 + SIGINT
READER_GONE = 1  # as click has it
LOST = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}  # what a write to stdout may end with


@process_end.whatever_threads_do()
def run(command: click.Command, name: str, arguments: Sequence[str] | None = None, extra: str = "") -> NoReturn:
    """Run a click command as the program `name`, with the process's own arguments or those given.

    `extra`: of the package, where what the program imports comes with one; a library that is not there is told so.

    Exits with 0, a MaskwatchError's own code, 2 when the words of the call are off, 5 when stdout cannot be written,
    1 without a word when nobody reads stdout any more, or 130 after Ctrl-C.
    """
    _prepare_streams()
    sys.excepthook = _show_traceback
    threading.excepthook = lambda end: _show_traceback(end.exc_type, end.exc_value or end.exc_type(), end.exc_traceback)
    was_interrupted = _note_interrupts()
    try:
        code = _finish(command, name, arguments)
    except BaseException as error:
        # A library may turn the interrupt, which can arise at any point of its import, into its own error.
        code = STOPPED if was_interrupted() and not isinstance(error, SystemExit) else _complain(name, error, extra)
        if code == STOPPED:
            _say(name, "stopped")
    _leave(code)


def _finish(command: click.Command, name: str, arguments: Sequence[str] | None) -> int | str | None:
    """Run it to its end, and write what is buffered, while a failure can still be told."""
    try:
        code: int | str | None = command.main(arguments, prog_name=name, standalone_mode=False)
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    return code


def _complain(name: str, error: BaseException, extra: str) -> int:
    """Say what went wrong.

    Returns:
        the exit code.

    Raises:
        BaseException: the error itself, when nobody expected it.
    """
    if isinstance(error, MaskwatchError):
        return _say(name, str(error), error.exit_code)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    if isinstance(error, click.ClickException):
        return _say(name, f"{error.format_message()} See `{name} --help`.", error.exit_code)
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        return STOPPED
    if extra and isinstance(error, ModuleNotFoundError) and error.name and "." not in error.name:
        mend = f"pip install -e '.[{extra}]' in the checkout"
        return _say(name, f"{error.name} is not installed: this command needs extra `{extra}`: {mend}", 1)
    if isinstance(error, ImportError):
        return _say(name, libraries.unforeseen(error), MaskwatchError.exit_code)
    if isinstance(error, OSError) and error.filename is None:  # an error of opening has the file's name
        if error.errno == errno.EPIPE:
            return READER_GONE
        if error.errno in LOST:
            return _say(name, f"stdout: cannot be written: {error.strerror}", OutputError.exit_code)
    raise error


def _say(name: str, message: str, exit_code: int = STOPPED) -> int:
    line = systemd.error_line(name.rpartition(" ")[2], one_line(redacted(" ".join(message.split()))))
    nonblocking_stream.say(sys.stderr, f"{line}\n")  # stderr may be full or closed; the exit code still tells
    return exit_code


def _show_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Of an error that nobody expected, without the addresses in it: a library may repeat what it was given."""
    sys.stderr.write(redacted("".join(traceback.format_exception(kind, error, trace))))


def _prepare_streams() -> None:
    """Have stdin, stdout and stderr open, and able to print any name.

    In place of one that is closed, the next file opened would get its number, and whatever a library writes to "stderr"
    would go into that file.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8")  # noqa: SIM115 - a number; open to the end
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a test may have put its own in place
            stream.reconfigure(errors="backslashreplace")


def _note_interrupts() -> Callable[[], bool]:
    """From now on Ctrl-C raises KeyboardInterrupt, except for the daemon; the result says whether it did."""
    if signals.are_asked():
        return lambda: False
    came: list[int] = []

    def interrupt(number: int, _: object) -> NoReturn:
        came.append(number)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        with contextlib.suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGINT, interrupt)
    return lambda: bool(came)


def _leave(code: int | str | None) -> NoReturn:
    """The end, in which Python writes out stdout once more: what could not be written must not fail again."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)
