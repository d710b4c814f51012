"""How long each stage of a frame's processing takes."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable

STAGES = ("capture", "find", "crop", "classify", "rest")
KEPT = 4096  # newest frames; a limit, because the daemon runs for months


class StageTimes:
    """Measures the stages of each frame with lap times. A lap costs about a microsecond."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._rows: deque[dict[str, float]] = deque(maxlen=KEPT)  # seconds by stage
        self._row: dict[str, float] = {}
        self._last = clock()

    def begin(self) -> None:
        """Start a frame; an unfinished one is dropped."""
        self._row = dict.fromkeys(STAGES, 0.0)
        self._last = self._clock()

    def lap(self, stage: str) -> None:
        """Add the time since the last lap to this stage."""
        now = self._clock()
        self._row[stage] += now - self._last
        self._last = now

    def end(self) -> None:
        """End the frame; the time since the last lap is `rest`."""
        self.lap("rest")
        self._rows.append(self._row)

    @property
    def rows(self) -> list[dict[str, float]]:
        """The newest frames' seconds by stage, oldest first."""
        return list(self._rows)

    def table(self) -> str:
        """A table with median and 90th percentile of each stage, ms. `capture` includes waiting for a live camera."""
        if not self._rows:
            return "no frame was seen"
        lines = [f"{'stage':<10}{'median ms':>11}{'p90 ms':>9}   ({len(self._rows)} frames)"]
        lines += [_line(stage, [row[stage] for row in self._rows]) for stage in STAGES]
        lines.append(_line("total", [sum(row.values()) for row in self._rows]))
        return "\n".join(lines)


def _line(name: str, seconds: list[float]) -> str:
    p90 = sorted(seconds)[min(len(seconds) - 1, int(0.9 * len(seconds)))]
    return f"{name:<10}{statistics.median(seconds) * 1e3:>11.2f}{p90 * 1e3:>9.2f}"
