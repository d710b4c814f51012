"""The progress of a training: on a terminal a bar with the time left, and a line for each epoch."""

from __future__ import annotations

import sys
import time

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

SHARES = ("accuracy",)  # measures that are shown in %


class Course(keras.callbacks.Callback):
    """Shows the bar on stderr and prints the lines on stdout, so that a log has only the lines."""

    def __init__(self, title: str, epochs: int, steps: int, later: int = 0) -> None:
        """Args:
        title: the phase's name.
        epochs: of the phase.
        steps: of an epoch.
        later: of the phases that follow.
        """
        super().__init__()
        self.title, self.epochs, self.steps, self.later = title, epochs, steps, later
        self.began = time.monotonic()
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=(console := Console(stderr=True)),
            disable=not console.is_terminal,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
        )
        self.task = self.bar.add_task(title, total=None)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 - keras's
        if not self.bar.live.is_started:
            self.bar.start()
            self.bar.reset(self.task, total=self.steps * (self.epochs - epoch) + self.later)
        self.bar.update(self.task, description=f"{self.title}, epoch {epoch + 1} of {self.epochs}")
        self.began = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 - keras's
        self.bar.advance(self.task)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        took = time.monotonic() - self.began
        left = took * (self.epochs - epoch - 1 + self.later / self.steps)
        figures = ", ".join(figure_text(name, value) for name, value in (logs or {}).items())
        ending = f"{duration(took)}, about {duration(left)} left" if left else duration(took)
        print(f"{self.title}, epoch {epoch + 1} of {self.epochs}: {figures}; {ending}", flush=True)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 - keras's
        self.close()

    def close(self) -> None:
        """Remove the bar; calling it again does nothing."""
        self.bar.stop()


def figure_text(name: str, value: float) -> str:
    """`val_accuracy`, 0.953 -> `validation accuracy 95.3 %`."""
    words = name.replace("val_", "validation ").replace("_", " ")
    return f"{words} {value:.1%}".replace("%", " %") if name.removeprefix("val_") in SHARES else f"{words} {value:.4g}"


def duration(seconds: float) -> str:
    """`48 s`, `12 min`, `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"
