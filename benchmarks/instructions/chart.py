"""Draws the instructions of every finder by board. Needs extra `train` (matplotlib)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import LogLocator

from maskwatch.system import whole_file

STYLE = {"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}
COLOURS = ("#9ca3af", "#1d4ed8", "#059669")


def draw(record: dict[str, Any], place: Path) -> None:
    """A line for each model, a dot for each board, as a PNG; the file is replaced at once or not at all."""
    models, boards = record["models"][::-1], record["boards"]
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(8.4, 0.9 + 0.21 * len(models)), layout="constrained")
        axes = canvas.subplots()
        for board, colour in zip(boards, COLOURS, strict=False):
            counts = [model["instructions"][board][0] / 1e6 for model in models]
            axes.plot(counts, range(len(models)), "o", color=colour, markersize=4.5, label=board)
        axes.set_yticks(range(len(models)), [f"{model['name']}  {model['bytes'] / 1e6:.2f} MB" for model in models])
        axes.set(xlabel="million instructions for one picture, one thread", xscale="log")
        axes.xaxis.set_minor_locator(LogLocator(subs=(2, 3, 5)))
        axes.tick_params(axis="x", which="both", length=3, pad=3)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("{x:g}")
        axes.grid(alpha=0.3, which="both")
        canvas.legend(loc="outside upper center", ncols=len(boards), frameon=False)
        with whole_file.beside(place) as temporary:
            canvas.savefig(temporary, dpi=110, format="png")
