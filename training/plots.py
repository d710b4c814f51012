"""Pictures of a run."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

mpl.use("Agg")
from matplotlib import pyplot as plt


def curves(history: dict[str, list[float]], path: Path) -> None:
    """Each measure by epoch, training and validation on one axis, as a PNG."""
    names = [name for name in history if not name.startswith("val_")]
    figure, axes = plt.subplots(1, len(names), figsize=(5 * len(names), 3.6), squeeze=False)
    for axis, name in zip(axes[0], names, strict=True):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            if key in history:
                axis.plot(range(1, len(history[key]) + 1), history[key], label=label)
        axis.set(title=name, xlabel="epoch")
        axis.grid(alpha=0.3)
        axis.legend()
    _save(figure, path)


def confusion(matrix: NDArray[np.int64], labels: tuple[str, ...], path: Path) -> None:
    """Counts by true class (rows) and answer (columns), as a PNG."""
    figure, axis = plt.subplots(figsize=(4.2, 3.6))
    axis.imshow(matrix, cmap="Blues")
    axis.set(xticks=range(len(labels)), xticklabels=labels, yticks=range(len(labels)), yticklabels=labels)
    axis.set(xlabel="answer", ylabel="truth")
    for (row, column), count in np.ndenumerate(matrix):
        axis.text(
            column,
            row,
            f"{count}",
            ha="center",
            va="center",
            color="white" if count > matrix.max() / 2 else "black",
        )
    _save(figure, path)


def _save(figure: plt.Figure, path: Path) -> None:
    figure.tight_layout()
    temporary = path.with_name(f"writing-{path.name}")
    figure.savefig(temporary, dpi=110, format="png")
    plt.close(figure)
    temporary.replace(path)
