"""How the process ends while one of its threads is still inside a C or C++ library.

If a daemon thread returns from FFmpeg while the interpreter shuts down, Python ends the thread by unwinding its stack.
C++ does not allow this, and the process dies by SIGABRT (-6 instead of its exit code). So while such a thread is alive,
the process ends without shutting the interpreter down. The daemon always ends so, for three more reasons: a library's
thread or exit function may hang, stderr may be full, and a late signal would find Python's handlers removed.
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
LEAVE_WITHIN = 1.0  # seconds that exit functions and the last traceback may take
_foreign: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
_at_once = False


def waits_in_a_library(thread: threading.Thread) -> None:
    """Register a daemon thread that may still be inside a library when the process ends."""
    _foreign.add(thread)


def at_once() -> None:
    """From now on the process ends within LEAVE_WITHIN, without shutting the interpreter down."""
    global _at_once
    _at_once = True


def attempt(what: str, close: Callable[[], object], within: float) -> None:
    """Close something on a separate thread. If it raises or hangs, that is logged and nothing else happens.

    Args:
        what: for the log, e.g. "the camera".
        close: closes it.
        within: seconds after which it is abandoned.
    """

    def work() -> None:
        try:
            close()
        except BaseException as error:  # the others must still be closed
            logger.error("%s could not be closed: %s: %s", what, type(error).__name__, error)

    closer = threading.Thread(target=work, name=f"closing {what}", daemon=True)
    waits_in_a_library(closer)
    try:
        closer.start()
    except RuntimeError:  # no thread can be started: close without a time limit
        work()
        return
    closer.join(within)
    if closer.is_alive():
        logger.error("%s could not be closed within %g s", what, within)


@contextlib.contextmanager
def whatever_threads_do() -> Iterator[None]:
    """Wraps a whole program. It keeps its exit code, or traceback and code 1, even if a thread hangs in a library."""
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
    """If a thread hangs, run the exit functions, flush the streams and end the process; otherwise do nothing."""
    if not _hanging():
        return
    _leave_later(exit_code)
    with contextlib.suppress(Exception):  # what an exit function raised
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # no reader, closed, or missing
            stream.flush()
    os._exit(exit_code)


def _leave_later(exit_code: int) -> None:
    """End the process after LEAVE_WITHIN seconds, even if the main thread blocks."""
    timer = threading.Timer(LEAVE_WITHIN, os._exit, [exit_code])
    timer.daemon = True
    with contextlib.suppress(RuntimeError):  # no thread can be started; then go on without the limit
        timer.start()


def _exit_code(end: SystemExit) -> int:
    """The exit code by Python's rules: None is 0, an int is itself, anything else is printed and means 1."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    if _hanging():
        print(end.code, file=sys.stderr)
    return 1
