"""Text streams that never block who writes: a reader that stands still must not stop the loop or a pin.

logging's QueueHandler and QueueListener were considered: a full queue makes the one print a traceback, to the very
stream that is stuck, and the other waits for ever at the end.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import threading
import time
from collections.abc import Callable, Iterable
from typing import TextIO

QUEUED = 1000  # texts that wait for a reader; what comes then is dropped, counted and told
FLUSH_WITHIN = 0.5  # seconds the end waits for a reader
Write = Callable[[str], None]


class Unblocked:
    """A text stream of which write() only queues; a separate thread hands the texts on.

    What cannot be written (nobody reads any more, the disk is full) is dropped like what finds no room.
    """

    def __init__(self, write: Write, note: Callable[[int], str]) -> None:
        """
        Args:
            write: hands a text on; may block, or raise OSError.
            note: a text that tells how many were dropped.
        """
        self._write, self._note = write, note
        self._queue: queue.Queue[str | None] = queue.Queue(QUEUED)
        self._dropped = 0  # and not told yet
        self._counting = threading.Lock()  # never held while somebody writes
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Queue a text, which is handed on whole."""
        try:
            self._queue.put_nowait(text)
        except queue.Full:
            self._count(1)
        return len(text)

    def flush(self) -> None:
        """As other streams have it; see close."""

    def close(self, within: float = FLUSH_WITHIN) -> bool:
        """Write out what waits; whether that was done within so many seconds."""
        deadline = time.monotonic() + within
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=within)
            self._thread.join(max(0.0, deadline - time.monotonic()))
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (text := self._queue.get()) is not None:
            try:
                if dropped := self._dropped:
                    self._write(self._note(dropped))
                    self._count(-dropped)
                self._write(text)
            except (OSError, ValueError):  # nobody reads any more, a full disk, a closed stream
                self._count(1)

    def _count(self, dropped: int) -> None:
        with self._counting:
            self._dropped += dropped


def writing_to(stream: TextIO | None) -> Write:
    """Hands texts to a stream's file, past its buffer: the interpreter waits for a buffer's lock at its end."""
    if stream is None:
        return lambda _: None
    try:
        number = stream.fileno()
    except (OSError, ValueError, AttributeError):  # it is no file
        return _through(stream)
    stream.flush()
    return lambda text: _write_out(number, text.encode(stream.encoding or "utf-8", "backslashreplace"))


def say(stream: TextIO | None, text: str, within: float = FLUSH_WITHIN) -> None:
    """Write one text, or give up after so many seconds, or when nobody reads."""
    write = writing_to(stream)

    def attempt() -> None:
        with contextlib.suppress(OSError, ValueError):
            write(text)

    writer = threading.Thread(target=attempt, name="last words", daemon=True)
    with contextlib.suppress(RuntimeError):  # no thread to be had
        writer.start()
        writer.join(within)


def close_all(streams: Iterable[Unblocked]) -> None:
    """Close them, within FLUSH_WITHIN together."""
    deadline = time.monotonic() + FLUSH_WITHIN
    for stream in streams:
        stream.close(max(0.0, deadline - time.monotonic()))


def _write_out(number: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(number, data) :]
        except BlockingIOError:  # who shares the terminal or pipe has made it so
            select.select([], [number], [])


def _through(stream: TextIO) -> Write:
    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write
