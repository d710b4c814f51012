"""The mask classifier, float against int8, verdict by verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from convert.samples import Example
from maskwatch.flow import Image

Logits = Callable[[Image], NDArray[np.float32]]  # (S, S, 3) uint8 RGB -> (C,) logits


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one model said of one picture."""

    label: str
    score: float  # confidence in the label, 0–1


@dataclass(frozen=True, slots=True)
class Pair:
    """One validation picture, judged by both."""

    name: str
    view: str
    truth: str
    float_: Opinion
    int8: Opinion

    @property
    def flipped(self) -> bool:
        return self.float_.label != self.int8.label

    def record(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "image": self.name,
            "view": self.view,
            "truth": self.truth,
            "float": {"label": self.float_.label, "score": round(self.float_.score, 4)},
            "int8": {"label": self.int8.label, "score": round(self.int8.score, 4)},
        }


@dataclass(frozen=True, slots=True)
class MaskJudgement:
    """Every pair, and the figures that follow."""

    labels: tuple[str, ...]
    pairs: tuple[Pair, ...]

    @property
    def flips(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if pair.flipped)

    def accuracy(self, model: str, view: str | None = None) -> float:
        """% of the pictures (of a view) that `model` ("float_" or "int8") judged right."""
        return _right([pair for pair in self.pairs if view in (None, pair.view)], model)

    def recall(self, model: str, label: str) -> float:
        """% of the pictures of a class that `model` called so."""
        return _right([pair for pair in self.pairs if pair.truth == label], model)

    def recall_drop(self, label: str) -> float:
        """Points lost."""
        return self.recall("float_", label) - self.recall("int8", label)

    def measures(self) -> dict[str, float]:
        """What the gates ask for."""
        return {
            "accuracy": self.accuracy("int8"),
            "accuracy_drop": self.accuracy("float_") - self.accuracy("int8"),
            "recall_drop": max(self.recall_drop(label) for label in self.labels),
            "flips": 100 * len(self.flips) / len(self.pairs),
        }

    def metrics(self) -> dict[str, Any]:
        """The figures with their counts, for the card and the report, in %."""
        views = sorted({pair.view for pair in self.pairs})
        return {
            "n": len(self.pairs),
            "accuracy_float": round(self.accuracy("float_"), 3),
            "accuracy_int8": round(self.accuracy("int8"), 3),
            "recall_float": {label: round(self.recall("float_", label), 3) for label in self.labels},
            "recall_int8": {label: round(self.recall("int8", label), 3) for label in self.labels},
            "flips": len(self.flips),
            "by_view": {
                view: {
                    "n": sum(pair.view == view for pair in self.pairs),
                    "accuracy_float": round(self.accuracy("float_", view), 3),
                    "accuracy_int8": round(self.accuracy("int8", view), 3),
                    "flips": sum(pair.view == view for pair in self.flips),
                }
                for view in views
            },
        }

    def listed(self) -> list[dict[str, Any]]:
        """Every flipped verdict, with both scores."""
        return [pair.record() for pair in self.flips]


def _right(pairs: Sequence[Pair], model: str) -> float:
    """NaN where there is none, so that a class nobody saw holds no gate."""
    if not pairs:
        return float("nan")
    return 100 * sum(getattr(pair, model).label == pair.truth for pair in pairs) / len(pairs)


def judge(
    examples: Iterable[Example],
    float_: Logits,
    int8: Logits,
    labels: tuple[str, ...],
    truth: tuple[str, ...],
    temperature: float,
) -> MaskJudgement:
    """Show every picture to both models.

    Args:
        examples: the validation pictures; `label` is an index into `truth`.
        float_: the Keras model.
        int8: the quantised model, run as the device runs it.
        labels: class names in the order of the outputs.
        truth: class names in the order of the data set.
        temperature: divides the logits before softmax.
    """
    return MaskJudgement(
        labels,
        tuple(
            Pair(
                example.name,
                example.view,
                truth[example.label],
                opinion(float_(example.image), labels, temperature),
                opinion(int8(example.image), labels, temperature),
            )
            for example in examples
        ),
    )


def opinion(logits: NDArray[np.float32], labels: tuple[str, ...], temperature: float) -> Opinion:
    """(C,) logits -> the likeliest class."""
    scores = softmax(logits / temperature)
    best = int(scores.argmax())
    return Opinion(labels[best], float(scores[best]))
