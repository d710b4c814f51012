"""How the process ends while a thread of it is still inside a library that is not Python.

A daemon thread that waits in FFmpeg comes back to an interpreter that is being taken down. Python then ends the thread
by unwinding its stack, C++ refuses that, and the process dies by SIGABRT (-6 in place of its exit code). So while such
a thread is alive, the interpreter is not taken down at all.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import weakref
from collections.abc import Iterator

_foreign: weakref.WeakSet[threading.Thread] = weakref.WeakSet()


def waits_in_a_library(thread: threading.Thread) -> None:
    """Say of a daemon thread that it may still be inside a library when the process ends."""
    _foreign.add(thread)


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
            sys.excepthook(*sys.exc_info())
        _leave_beside_threads(1)
        raise


def _hanging() -> bool:
    return any(thread.is_alive() for thread in _foreign)


def _leave_beside_threads(exit_code: int) -> None:
    """End the process at once if a thread hangs; what is registered to run at the end has run, what was printed is
    out."""
    if not _hanging():
        return
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # nobody reads, closed, or there is none
            stream.flush()
    os._exit(exit_code)


def _exit_code(end: SystemExit) -> int:
    """As Python itself takes it: nothing is 0, a number is a number, anything else is printed and means 1."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    if _hanging():
        print(end.code, file=sys.stderr)
    return 1
