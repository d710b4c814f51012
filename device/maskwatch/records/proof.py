"""NAME.report.json: the proof that convert writes beside a model. benchmarks draws tables from it."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from maskwatch.records.record import Interval, Number, Record

SUFFIX = ".report.json"
REMEDY = "expected a NAME.report.json, made by `python -m convert`"


class Share(Record):
    """A figure in % with its 95 % interval; `value` is null when there was nothing to count."""

    value: Number | None
    interval95: Interval
    n: int = 0


class ViewShare(Share):
    """Accuracy on one kind of picture (face crops, whole portraits, a source of scenes)."""

    flips: int


class Drop(Record):
    """Points of accuracy that a variant lost on the same pictures."""

    value: Number
    interval95: Interval
    only_before_right: int
    only_after_right: int


class Drift(Record):
    """How far a variant's scores are from the float model's."""

    n: int
    mean: Number
    median_size: Number
    p99_size: Number
    largest: Number
    histogram: tuple[int, ...]


class MaskFigures(Record):
    """A mask classifier in one variant; the last four only when it is not the float variant."""

    n: int
    accuracy: Share
    recall: dict[str, Share]
    f1: dict[str, Share]
    by_view: dict[str, ViewShare]
    flips: int | None = None
    agreement: Share | None = None
    drop: Drop | None = None
    drift: Drift | None = None

    @property
    def quality(self) -> Share:
        """The figure that the tables show."""
        return self.accuracy


class FinderView(Record):
    """Average precision on one source of pictures."""

    pictures: int
    ap50: Share


class FaceFigures(Record):
    """A face finder in one variant; the last four only when it is not the float variant."""

    pictures: int
    faces: int
    ap50: Share
    threshold: Number
    precision: Share
    recall: Share
    f1: Share
    by_view: dict[str, FinderView]
    lost: int | None = None
    gained: int | None = None
    agreement: Share | None = None
    drift: Drift | None = None

    @property
    def quality(self) -> Share:
        """The figure that the tables show."""
        return self.ap50


class ClassPrecision(Record):
    """Average precision of one class, %."""

    value: Number
    n: int


class SceneFigures(Record):
    """A detector of faces with labels in one variant; the last five only when it is not the float variant."""

    map50: Number
    class_ap50: dict[str, ClassPrecision]
    verdict_precision: Share
    verdict_recall: Share
    pictures: int
    faces: int
    ap50: Share
    threshold: Number
    precision: Share
    recall: Share
    f1: Share
    by_view: dict[str, FinderView]
    lost: int | None = None
    gained: int | None = None
    agreement: Share | None = None
    drift: Drift | None = None
    relabelled: int | None = None

    @property
    def quality(self) -> Share:
        """The figure that the tables show."""
        return self.ap50


Figures = MaskFigures | FaceFigures | SceneFigures


class Part(Record):
    """Every variant on one part of the data (validation, test)."""

    figures: dict[str, Figures]
    """Variant -> its figures."""
    changed_verdicts: dict[str, tuple[dict[str, Any], ...]]
    """Variant -> each picture on which it differs from float, with both scores."""
    curves: dict[str, dict[str, tuple[Number | None, ...]]]
    """Variant -> column -> values by threshold."""


class Input(Record):
    """A model's input tensor."""

    type: str
    scale: Number | None
    zero_point: int | None


class Layer(Record):
    """The error of one layer against float; null where the layer has no counterpart."""

    layer: str
    operator: str
    sqnr_db: Number | None
    cosine: Number | None


class VariantFile(Record):
    """One variant's file."""

    bytes: int
    sha256: str
    size_ratio: Number
    """Its size in % of the float32 file."""
    input: Input
    operators: dict[str, int]
    """Operator -> how often it occurs."""
    in_float: int
    left_in_float: tuple[str, ...]
    layers: tuple[Layer, ...]
    worst_layers: tuple[str, ...]


class Gate(Record):
    """One limit that a variant must keep, and what was found."""

    variant: str
    measure: str
    at_least: Number | None = None
    at_most: Number | None = None
    unit: str
    usual: Number | None = None
    """The default limit, where another one was asked for."""
    found: Number | None
    holds: bool


class Calibration(Record):
    """The pictures whose activations set the int8 ranges."""

    n: int
    seed: int
    sha256: str
    pictures: tuple[str, ...]


class Proof(Record):
    """Everything measured in one conversion."""

    CALLED: ClassVar[str] = "report"

    model: str
    task: str
    shipped: bool
    withheld: tuple[str, ...] = ()
    """Variants that were not written because a gate failed."""
    quick: bool = False
    loosened: dict[str, Number | None] = Field(default_factory=dict)
    """Gate -> its looser limit."""
    judged: str = ""
    """On which pictures, in words."""
    recipe: dict[str, Any]
    card: dict[str, Any]
    variants: dict[str, VariantFile]
    gates: tuple[Gate, ...]
    parts: dict[str, Part]
    calibration: Calibration
    versions: dict[str, str]
    unreadable: tuple[str, ...]
