"""What the capture thread needs from a live camera, whatever its driver."""

from __future__ import annotations

from typing import Protocol

from maskwatch.flow import Image


class Grabber(Protocol):
    """An open camera. It gives one picture after the other, and waits a few seconds at most for each."""

    def grab(self) -> Image | None:
        """The next picture, (H, W, 3) uint8 RGB, which nobody else writes to; None when there will be no more.

        Raises:
            FrameError: this picture cannot be used, but the next one may be.
            SourceError: the camera failed.
        """

    def close(self) -> None:
        """Close the device. Called on the thread that grabs.

        Raises:
            SourceError: it cannot be closed.
        """

    def describe(self) -> str:
        """The camera in a few words, or ""."""
