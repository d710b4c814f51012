"""How the process ends while a thread of it is still inside a library that is not Python.

A daemon thread that waits in FFmpeg comes back to an interpreter that is being taken down. Python then ends the thread
by unwinding its stack, C++ refuses that, and the process dies by SIGABRT (-6 in place of its exit code). So while such
a thread is alive, the interpreter is not taken down at all. Nor is the daemon's: a library's thread or what it
registered to run at the end may hang, stderr may be full, and a late signal would find Python's handlers gone.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator

logger = logging.getLogger(__name__)
LEAVE_WITHIN = 1.0  # seconds that what is registered to run at the end, and the last traceback, may take
_foreign: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
_at_once = False


def waits_in_a_library(thread: threading.Thread) -> None:
    """Say of a daemon thread that it may still be inside a library when the process ends."""
    _foreign.add(thread)


def at_once() -> None:
    """From now on the process ends without taking the interpreter down, within LEAVE_WITHIN."""
    global _at_once
    _at_once = True


def attempt(what: str, close: Callable[[], object], within: float) -> None:
    """Close something on a separate thread. What it raises, or that it hangs, is a line in the log and no more.

    Args:
        what: for the line, e.g. "the camera".
        close: closes it.
        within: seconds, then it is left behind.
    """

    def work() -> None:
        try:
            close()
        except BaseException as error:  # the rest must still be closed
            logger.error("%s could not be closed: %s: %s", what, type(error).__name__, error)

    closer = threading.Thread(target=work, name=f"closing {what}", daemon=True)
    waits_in_a_library(closer)
    try:
        closer.start()
    except RuntimeError:  # no thread to be had: better without a bound than not at all
        work()
        return
    closer.join(within)
    if closer.is_alive():
        logger.error("%s could not be closed within %g s", what, within)


@contextlib.contextmanager
def whatever_threads_do() -> Iterator[None]:
    """Around a whole program: its exit code, or traceback and code 1, also when a thread hangs in a library."""
    try:
        yield
    except SystemExit as end:
        _leave_beside_threads(_exit_code(end))
        raise
    except BaseException:
        if _hanging():
            _leave_later(1)
            sys.excepthook(*sys.exc_info())
        _leave_beside_threads(1)
        raise


def _hanging() -> bool:
    return _at_once or any(thread.is_alive() for thread in _foreign)


def _leave_beside_threads(exit_code: int) -> None:
    """End the process at once if a thread hangs; what is registered to run at the end has run, what was printed is
    out."""
    if not _hanging():
        return
    _leave_later(exit_code)
    with contextlib.suppress(Exception):  # the last one that one of them raised
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # nobody reads, closed, or there is none
            stream.flush()
    os._exit(exit_code)


def _leave_later(exit_code: int) -> None:
    """End the process after LEAVE_WITHIN, whatever the main thread waits for then."""
    timer = threading.Timer(LEAVE_WITHIN, os._exit, [exit_code])
    timer.daemon = True
    with contextlib.suppress(RuntimeError):  # no thread to be had; nothing may hang, either
        timer.start()


def _exit_code(end: SystemExit) -> int:
    """As Python itself takes it: nothing is 0, a number is a number, anything else is printed and means 1."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    if _hanging():
        print(end.code, file=sys.stderr)
    return 1
