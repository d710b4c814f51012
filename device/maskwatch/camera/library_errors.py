"""Calls into other people's libraries: whatever they raise becomes a SourceError of one line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from maskwatch.errors import SourceError


@contextlib.contextmanager
def failing_as(where: str, advice: str = "") -> Iterator[None]:
    """Around calls into a camera's library.

    Args:
        where: the start of the message, e.g. "picamera:0: cannot be opened"; the library's reason follows it.
        advice: the end of the message.

    Raises:
        SourceError: the library raised.
    """
    try:
        yield
    except SourceError:
        raise
    except Exception as error:  # libraries raise anything: RuntimeError, cv2.error, IndexError, KeyError …
        raise SourceError(f"{where} ({in_a_line(_root(error))}){advice}") from error


def in_a_line(error: BaseException) -> str:
    """An exception in one line; with its class where its text is a single word or empty."""
    text = " ".join(str(error).split())
    return text if " " in text else f"{type(error).__name__}: {text}".rstrip(": ")


def _root(error: BaseException) -> BaseException:
    """The first cause: picamera2 wraps libcamera's exception up to three times."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
