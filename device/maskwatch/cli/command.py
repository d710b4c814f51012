"""Runs a command line: an expected failure prints one line and sets the exit code; other failures keep their
traceback."""

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

STOPPED = 130  # the shells' convention: 128 + SIGINT
READER_GONE = 1  # click's convention
LOST = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}  # errors of a write to stdout


@process_end.whatever_threads_do()
def run(command: click.Command, name: str, arguments: Sequence[str] | None = None, extra: str = "") -> NoReturn:
    """Run a click command as the program `name`, then exit.

    Exit codes: 0; the code of a MaskwatchError; 2 for wrong arguments; 5 if stdout cannot be written; 1 without a
    message if the reader of stdout has gone; 130 after Ctrl-C.

    Args:
        command: to run.
        name: of the program, for messages.
        arguments: None: those of the process.
        extra: of the package, for the hint how to install a missing library; "": no hint.
    """
    _prepare_streams()
    sys.excepthook = _show_traceback
    threading.excepthook = lambda end: _show_traceback(end.exc_type, end.exc_value or end.exc_type(), end.exc_traceback)
    was_interrupted = _note_interrupts()
    try:
        code = _finish(command, name, arguments)
    except BaseException as error:
        # The interrupt may come during an import, and the library may turn it into another error.
        code = STOPPED if was_interrupted() and not isinstance(error, SystemExit) else _complain(name, error, extra)
        if code == STOPPED:
            _say(name, "stopped")
    _leave(code)


def _finish(command: click.Command, name: str, arguments: Sequence[str] | None) -> int | str | None:
    """Run the command and flush stdout while a failure of that can still be reported."""
    try:
        code: int | str | None = command.main(arguments, prog_name=name, standalone_mode=False)
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    return code


def _complain(name: str, error: BaseException, extra: str) -> int:
    """Print what went wrong.

    Returns:
        The exit code.

    Raises:
        BaseException: the error itself, if it is unexpected.
    """
    if isinstance(error, MaskwatchError):
        return _say(name, str(error), error.exit_code)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        of = context.command_path if context is not None else name
        return _say(name, f"{error.format_message()} See `{of} --help`.", error.exit_code)
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        return STOPPED
    if extra and isinstance(error, ModuleNotFoundError) and error.name and "." not in error.name:
        remedy = f"pip install -e '.[{extra}]' in the checkout"
        return _say(name, f"{error.name} is not installed: this command needs extra `{extra}`: {remedy}", 1)
    if isinstance(error, ImportError):
        return _say(name, libraries.unforeseen(error), MaskwatchError.exit_code)
    if isinstance(error, OSError) and error.filename is None:  # with a file name it is not about stdout
        if error.errno == errno.EPIPE:
            return READER_GONE
        if error.errno in LOST:
            return _say(name, f"stdout: cannot be written: {error.strerror}", OutputError.exit_code)
    raise error


def _say(name: str, message: str, exit_code: int = STOPPED) -> int:
    line = systemd.error_line(name.rpartition(" ")[2], one_line(redacted(" ".join(message.split()))))
    nonblocking_stream.say(sys.stderr, f"{line}\n")  # stderr may be full or closed; the exit code is set anyway
    return exit_code


def _show_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback of an unexpected error without secrets, which a library's message may contain."""
    sys.stderr.write(redacted("".join(traceback.format_exception(kind, error, trace))))


def _prepare_streams() -> None:
    """Open stdin, stdout and stderr if they are closed, and make them able to print any name.

    Otherwise the next file that is opened would get the number of a closed stream, and a library's messages to "stderr"
    would be written into that file.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8")  # noqa: SIM115 - stays open to the end
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a test may use another object
            stream.reconfigure(errors="backslashreplace")


def _note_interrupts() -> Callable[[], bool]:
    """From now on Ctrl-C raises KeyboardInterrupt, except in the daemon. The returned function says whether it did."""
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
    """Exit. Python flushes stdout once more then, so a stdout that cannot be written is replaced first."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)
