"""Text streams that never block the writer, so that a reader that stops reading cannot stop the loop or a pin.

logging's QueueHandler and QueueListener were considered. If the queue is full, QueueHandler prints a traceback to the
blocked stream itself, and QueueListener waits for ever at the end.
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

QUEUED = 1000  # texts that wait at most; more are dropped, counted and reported
FLUSH_WITHIN = 0.5  # seconds to wait for a reader at the end
Write = Callable[[str], None]


class Unblocked:
    """A text stream whose write() only queues the text; a separate thread writes it.

    Texts that cannot be written (the reader has gone, the disk is full) are dropped, like those for which there is no
    room.
    """

    def __init__(self, write: Write, note: Callable[[int], str]) -> None:
        """
        Args:
            write: writes a text; may block, or raise OSError.
            note: makes a text that says how many were dropped.
        """
        self._write, self._note = write, note
        self._queue: queue.Queue[str | None] = queue.Queue(QUEUED)
        self._dropped = 0  # not reported yet
        self._counting = threading.Lock()  # never held during a write
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Queue a text, which will be written in one piece."""
        try:
            self._queue.put_nowait(text)
        except queue.Full:
            self._count(1)
        return len(text)

    def flush(self) -> None:
        """Do nothing; it exists because streams have it. See close."""

    def close(self, within: float = FLUSH_WITHIN) -> bool:
        """Write the queued texts; return whether that took less than `within` seconds."""
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
            except (OSError, ValueError):  # the reader has gone, the disk is full, the stream is closed
                self._count(1)

    def _count(self, dropped: int) -> None:
        with self._counting:
            self._dropped += dropped


def writing_to(stream: TextIO | None) -> Write:
    """A function that writes to the stream's file without its buffer: at its end, Python waits for a buffer's lock."""
    if stream is None:
        return lambda _: None
    try:
        number = stream.fileno()
    except (OSError, ValueError, AttributeError):  # it is not a file
        return _through(stream)
    stream.flush()
    return lambda text: _write_out(number, text.encode(stream.encoding or "utf-8", "backslashreplace"))


def say(stream: TextIO | None, text: str, within: float = FLUSH_WITHIN) -> None:
    """Write one text; give up after `within` seconds, or if the reader has gone."""
    write = writing_to(stream)

    def attempt() -> None:
        with contextlib.suppress(OSError, ValueError):
            write(text)

    writer = threading.Thread(target=attempt, name="last words", daemon=True)
    with contextlib.suppress(RuntimeError):  # no thread can be started
        writer.start()
        writer.join(within)


def close_all(streams: Iterable[Unblocked]) -> None:
    """Close all streams within FLUSH_WITHIN seconds together."""
    deadline = time.monotonic() + FLUSH_WITHIN
    for stream in streams:
        stream.close(max(0.0, deadline - time.monotonic()))


def _write_out(number: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(number, data) :]
        except BlockingIOError:  # another process that shares the terminal or pipe made it non-blocking
            select.select([], [number], [])


def _through(stream: TextIO) -> Write:
    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write
