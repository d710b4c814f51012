"""The mask classifier, float against int8, verdict by verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from convert.samples import Example
from maskwatch.classifier import as_verdict
from maskwatch.flow import Image, Verdict
from maskwatch.runtime import Floats
from training.scorer import interval

Logits = Callable[[Image], Floats]  # (S, S, 3) uint8 RGB -> (C,) logits


@dataclass(frozen=True, slots=True)
class Pair:
    """One validation picture, judged by both."""

    name: str
    view: str
    truth: str
    float_: Verdict
    int8: Verdict

    @property
    def flipped(self) -> bool:
        return self.float_.label != self.int8.label

    def record(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "image": self.name,
            "view": self.view,
            "truth": self.truth,
            "float": {"label": str(self.float_.label), "score": round(self.float_.score, 4)},
            "int8": {"label": str(self.int8.label), "score": round(self.int8.score, 4)},
        }


@dataclass(frozen=True, slots=True)
class MaskJudgement:
    """Every pair, and the figures that follow."""

    labels: tuple[str, ...]  # the verdicts
    pairs: tuple[Pair, ...]

    @property
    def flips(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if pair.flipped)

    def accuracy(self, model: str, view: str | None = None) -> float:
        """% of the pictures (of a view) that `model` ("float_" or "int8") judged right."""
        return _right([pair for pair in self.pairs if view in (None, pair.view)], model)

    def interval(self, model: str, view: str) -> list[float]:
        """Wilson's 95 % interval of that accuracy, %."""
        pairs = [pair for pair in self.pairs if pair.view == view]
        right = sum(getattr(pair, model).label == pair.truth for pair in pairs)
        return [round(100 * end, 2) for end in interval(right, len(pairs))]

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
                    "interval95_int8": self.interval("int8", view),
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
    examples: Iterable[Example], float_: Logits, int8: Logits, truth: tuple[str, ...], bare: Callable[[Floats], Floats]
) -> MaskJudgement:
    """Show every picture to both models.

    Args:
        examples: the pictures; `label` is an index into `truth`.
        float_: the Keras model.
        int8: the quantised model, run as the device runs it.
        truth: the two verdicts, in the order of the data set.
        bare: (C,) logits -> how surely the face counts as bare, as the device reckons it.
    """

    def verdict(logits: Floats) -> Verdict:
        return as_verdict(float(bare(logits)))

    pairs = (
        Pair(
            example.name,
            example.view,
            truth[example.label],
            verdict(float_(example.image)),
            verdict(int8(example.image)),
        )
        for example in examples
    )
    return MaskJudgement(truth, tuple(pairs))
