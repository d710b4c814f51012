"""Compares the mask classifier's variants with the float model, verdict by verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert import intervals
from convert.recipe import REFERENCE, Variant
from convert.samples import Example
from maskwatch.flow import Image, Label
from maskwatch.vision.classifier import as_verdict
from maskwatch.vision.quantization import Floats

Bare = Callable[[Image], float]  # (S, S, 3) uint8 RGB -> how surely the face counts as bare, 0–1
THRESHOLDS = np.linspace(0, 1, 101)


@dataclass(frozen=True, slots=True, eq=False)
class MaskJudgement:
    """The answers of every variant on every picture, and the figures computed from them."""

    labels: tuple[str, ...]  # the verdicts
    names: tuple[str, ...]
    views: NDArray[np.str_]  # (N,)
    truths: NDArray[np.str_]  # (N,) labels
    bare: Mapping[Variant, Floats]  # (N,) each

    def counts(self) -> dict[str, int]:
        """The number of pictures of each class."""
        return {label: int((self.truths == label).sum()) for label in self.labels}

    def called(self, variant: Variant) -> NDArray[np.str_]:
        """(N,) labels, as the device gives them."""
        return np.array([str(as_verdict(float(share)).label) for share in self.bare[variant]])

    def right(self, variant: Variant) -> NDArray[np.bool_]:
        """(N,) whether each verdict is right."""
        return self.called(variant) == self.truths

    def flips(self, variant: Variant) -> NDArray[np.bool_]:
        """(N,) whether the variant's verdict differs from the float model's."""
        return self.called(variant) != self.called(REFERENCE)

    def measures(self, variant: Variant) -> dict[str, float]:
        """The measures of the gates."""
        before, after = self.right(REFERENCE), self.right(variant)
        return {
            "accuracy": _percent(after),
            "accuracy_drop": _percent(before) - _percent(after),
            "recall_drop": _worst(
                _percent(before[self.truths == label]) - _percent(after[self.truths == label]) for label in self.labels
            ),
            "flips": _percent(self.flips(variant)),
        }

    def figures(self, variant: Variant) -> dict[str, Any]:
        """The figures with their counts and intervals, for the card and the report, in %."""
        called, right, flips = self.called(variant), self.right(variant), self.flips(variant)
        return {
            "n": len(right),
            "accuracy": intervals.share(right),
            "recall": {label: intervals.share(right[self.truths == label]) for label in self.labels},
            "f1": {label: intervals.f1(called == label, self.truths == label) for label in self.labels},
            "by_view": {
                str(view): {**intervals.share(right[self.views == view]), "flips": int(flips[self.views == view].sum())}
                for view in sorted(set(self.views))
            },
            **({} if variant == REFERENCE else self._against(variant)),
        }

    def _against(self, variant: Variant) -> dict[str, Any]:
        """The difference from float."""
        flips = self.flips(variant)
        return {
            "flips": int(flips.sum()),
            "agreement": intervals.share(~flips),
            "drop": intervals.drop(self.right(REFERENCE), self.right(variant)),
            "drift": intervals.drift(self.bare[variant] - self.bare[REFERENCE]),
        }

    def changes(self, variant: Variant) -> list[dict[str, Any]]:
        """Every flipped verdict, with both scores."""
        return [self._change(variant, index) for index in np.flatnonzero(self.flips(variant))]

    def _change(self, variant: Variant, index: int) -> dict[str, Any]:
        before, after = (as_verdict(float(self.bare[model][index])) for model in (REFERENCE, variant))
        return {
            "image": self.names[index],
            "view": str(self.views[index]),
            "truth": str(self.truths[index]),
            "float": {"label": str(before.label), "score": round(before.score, 4)},
            variant: {"label": str(after.label), "score": round(after.score, 4)},
        }

    def curve(self, variant: Variant) -> dict[str, list[float]]:
        """In % by threshold of the bare share: bare faces called bare, and masked faces called bare."""
        is_bare = self.truths == Label.WITHOUT_MASK
        shares = self.bare[variant]
        return {
            "threshold": THRESHOLDS.round(3).tolist(),
            "bare called bare": [_rounded(shares[is_bare] >= at) for at in THRESHOLDS],
            "masked called bare": [_rounded(shares[~is_bare] >= at) for at in THRESHOLDS],
        }


def judge(
    examples: Iterable[Example], models: Mapping[Variant, Bare], labels: tuple[str, ...] = tuple(Label)[:2]
) -> MaskJudgement:
    """Run every variant on every picture.

    Args:
        examples: the pictures; `label` is an index into `labels`.
        models: each variant, run as the device runs it; one of them is REFERENCE.
        labels: the two verdicts, in the order of the data set.
    """
    names, views, truths = [], [], []
    bare: dict[Variant, list[float]] = {variant: [] for variant in models}
    for example in examples:
        names.append(example.name)
        views.append(example.view)
        truths.append(str(labels[example.label]))
        for variant, model in models.items():
            bare[variant].append(model(example.image))
    shares = {variant: np.array(values, np.float32) for variant, values in bare.items()}
    return MaskJudgement(tuple(map(str, labels)), tuple(names), np.array(views), np.array(truths), shares)


def _percent(right: NDArray[np.bool_]) -> float:
    """% of True; NaN for an empty array, so that no gate holds for a class without pictures."""
    return 100 * float(right.mean()) if len(right) else float("nan")


def _rounded(right: NDArray[np.bool_]) -> float:
    return round(_percent(right), 2)


def _worst(drops: Iterable[float]) -> float:
    """The largest drop; NaN if any is NaN, which max() would hide."""
    return float(np.max(list(drops)))
