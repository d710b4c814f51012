"""The rows of the table in docs/quality.md, with the bound that each figure should keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from training.strangers import measures
from training.strangers.measures import Row
from training.strangers.pictures import EMPTY_PARTS, PORTRAITS

EVERYDAY, STREETS, OLD_STREETS, KINDS, ROOMS = (
    "faces-wider",
    "face-mask-ilc",
    "face-mask-boxes",
    "face-mask-types",
    "rooms-empty",
)
FAR = "far"  # the name of the pair with the finder of [face] reach = "far"


@dataclass(frozen=True, slots=True)
class Target:
    """One row of the table, with the bound that the figure must keep."""

    about: str
    source: str
    measure: str
    bound: float | None = None  # None: the figure is only shown
    most: bool = False  # whether the bound is an upper one
    of_system: Mapping[str, float] = field(default_factory=dict)  # the bounds of systems that have their own

    def kept_by(self, row: Row) -> bool | None:
        """Whether a figure keeps its bound; None without a bound or without a value."""
        bound = self.of_system.get(row.system, self.bound)
        if bound is None or row.value is None:
            return None
        return row.value <= bound if self.most else row.value >= bound

    def record(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def _faces(source: str, ap50: float, recall: float, precision: float, far_ap50: float | None = None) -> list[Target]:
    return [
        Target("faces", source, "AP50", ap50, of_system={} if far_ap50 is None else {FAR: far_ap50}),
        Target("faces", source, "recall", recall),
        Target("faces", source, "precision", precision),
    ]


def _labels(about: str, wrong: float | None, masked: float | None, bare: float | None) -> list[Target]:
    return [
        target
        for source in (OLD_STREETS, STREETS, KINDS)
        for target in (
            Target(about, source, measures.WORN_WRONG, wrong),
            Target(about, source, measures.MASKED_BARE, masked, most=True),
            Target(about, source, measures.BARE_MASKED, bare, most=True),
        )
    ]


TARGETS = (
    *_faces(EVERYDAY, 0.935, 0.90, 0.96, far_ap50=0.965),
    *_faces(STREETS, 0.91, 0.89, 0.93),
    *_faces(OLD_STREETS, 0.955, 0.92, 0.95),
    *(Target("faces", KINDS, measure) for measure in ("AP50", "recall", "precision")),
    Target("rooms", ROOMS, "false faces an image", 0.007, most=True),
    Target("rooms", EMPTY_PARTS, "false faces an image"),
    *_labels("labels", 0.85, 0.015, 0.02),
    *_labels("crops: grey", None, 0.015, None),
    Target("portraits", PORTRAITS, "right", 0.993),
    Target("close-ups", KINDS, "masked, found", 0.98),
    Target("close-ups", KINDS, "uneven mask, found", 0.98),
    Target("crops: whole", PORTRAITS, "right", 0.994),
    Target("crops: tight", PORTRAITS, "right", 0.996),
    Target("crops: face", PORTRAITS, "right"),
    *(Target("float", source, "AP50 drop", 0.005, most=True) for source in (EVERYDAY, STREETS, OLD_STREETS, KINDS)),
    *(Target("float, crops: face", source, "drop", 0.003, most=True) for source in (OLD_STREETS, STREETS, KINDS)),
    Target("float, crops: whole", PORTRAITS, "drop", 0.003, most=True),
)
