"""Whoever writes never waits for a reader; what found none is counted and told, and the end is bounded."""

import contextlib
import fcntl
import io
import os
import select
import threading
import time
from collections.abc import Iterator

import pytest

from maskwatch import unblocked
from maskwatch.unblocked import Unblocked, close_all, say, writing_to

MANY = 5 * unblocked.QUEUED


class Pipe:
    """A pipe nobody reads until read() is called."""

    def __init__(self) -> None:
        self.reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        self.stream = os.fdopen(writing, "w")

    def read(self) -> str:
        return os.read(self.reading, 65536).decode()

    def close(self) -> None:
        """The reader first, so that nobody who still writes gets another file by the same number."""
        with contextlib.suppress(OSError):
            os.close(self.reading)
        for thread in threading.enumerate():
            if thread.name in ("writer", "last words"):
                thread.join(0.2)
        with contextlib.suppress(OSError):
            self.stream.close()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def read_out(pipe: Pipe, stream: Unblocked) -> str:
    """Everything that is written until the stream is closed."""
    text = ""
    closer = threading.Thread(target=stream.close, args=(20.0,))
    closer.start()
    while closer.is_alive() or select.select([pipe.reading], [], [], 0.01)[0]:
        if select.select([pipe.reading], [], [], 0.01)[0]:
            text += pipe.read()
    return text


def note(lines: int) -> str:
    return f"{lines} dropped\n"


def test_lines_arrive_whole_and_in_order(pipe: Pipe) -> None:
    stream = Unblocked(writing_to(pipe.stream), note)
    for number in range(100):
        stream.write(f"line {number}\n")
    assert stream.close(20.0)
    assert pipe.read().splitlines() == [f"line {number}" for number in range(100)]


def test_a_reader_that_stands_still_blocks_nobody_and_is_told_what_it_missed(pipe: Pipe) -> None:
    stream = Unblocked(writing_to(pipe.stream), note)
    for number in range(MANY):  # would wait for ever
        stream.write(f"line {number}\n")
    assert stream._queue.qsize() <= unblocked.QUEUED
    text = read_out(pipe, stream)
    lines = text.splitlines()
    told = sum(int(line.split()[0]) for line in lines if line.endswith("dropped"))
    written = [line for line in lines if line.startswith("line")]
    numbers = [int(line.split()[1]) for line in written]
    assert numbers == sorted(numbers)
    assert numbers[: unblocked.QUEUED // 2] == list(range(unblocked.QUEUED // 2))  # the oldest: what led to it
    assert len(written) + told == MANY


def test_many_who_write_at_once_lose_no_count(pipe: Pipe) -> None:
    stream = Unblocked(writing_to(pipe.stream), note)
    each = [threading.Thread(target=lambda: [stream.write("line\n") for _ in range(MANY)]) for _ in range(4)]
    for thread in each:
        thread.start()
    for thread in each:
        thread.join()
    lines = read_out(pipe, stream).splitlines()
    told = sum(int(line.split()[0]) for line in lines if line.endswith("dropped"))
    assert lines.count("line") + told + stream._dropped == 4 * MANY


def test_the_end_waits_no_longer_than_it_may(pipe: Pipe) -> None:
    streams = [Unblocked(writing_to(pipe.stream), note) for _ in range(2)]
    for stream in streams:
        for _ in range(MANY):
            stream.write("line\n")
    begun = time.monotonic()
    close_all(streams)
    assert time.monotonic() - begun < unblocked.FLUSH_WITHIN + 0.5


def test_the_last_words_are_bounded_too(pipe: Pipe) -> None:
    begun = time.monotonic()
    say(pipe.stream, "x" * 100_000, 0.1)
    assert time.monotonic() - begun < 1.0


def test_a_reader_that_went_away_is_no_error(pipe: Pipe) -> None:
    os.close(pipe.reading)
    stream = Unblocked(writing_to(pipe.stream), note)
    stream.write("line\n")
    assert stream.close(20.0)
    say(pipe.stream, "line\n")
    pipe.reading = -1


def test_a_disk_that_was_full_is_told_once_there_is_room() -> None:
    full, there = [True], []

    def write(text: str) -> None:
        if full[0]:
            raise OSError(28, "No space left on device")
        there.append(text)

    stream = Unblocked(write, note)
    for number in range(3):
        stream.write(f"line {number}\n")
    end = time.monotonic() + 20
    while stream._dropped < 3:
        assert time.monotonic() < end
    full[0] = False
    stream.write("line 3\n")
    assert stream.close(20.0)
    assert there == ["3 dropped\n", "line 3\n"]


def test_a_stream_that_is_no_file_and_none_at_all_will_do() -> None:
    text = io.StringIO()
    for stream in (text, None):
        writer = Unblocked(writing_to(stream), note)
        writer.write("line\n")
        assert writer.close(20.0)
    assert text.getvalue() == "line\n"


def test_a_pipe_that_does_not_wait_gets_everything(pipe: Pipe) -> None:
    os.set_blocking(pipe.stream.fileno(), False)
    stream = Unblocked(writing_to(pipe.stream), note)
    text = "x" * 20_000
    stream.write(text)
    seen = ""
    while len(seen) < len(text):
        seen += pipe.read()
    assert stream.close(20.0)
    assert seen == text
