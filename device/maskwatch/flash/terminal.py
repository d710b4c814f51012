"""Shows the progress of long work and the time left on stderr, if that is a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from maskwatch.flash.image import OnProgress


class Terminal:
    """Lines and progress bars for the user."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False, markup=False, soft_wrap=True)

    def say(self, line: str) -> None:
        """Print a line."""
        self._console.print(line)

    @contextlib.contextmanager
    def bar(self, name: str) -> Iterator[OnProgress]:
        """A progress bar; the yielded function takes the bytes done and the bytes in total."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal
        ) as progress:
            task = progress.add_task(name, total=None)

            def on_progress(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total or None)

            yield on_progress
