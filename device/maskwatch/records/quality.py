"""What training finds out about models on held-out pictures. benchmarks draws tables from these records."""

from __future__ import annotations

from maskwatch.records.record import Interval, Number, Record

REMEDY = "make it again with `make quality`"


class ClassFigures(Record):
    """Precision, recall and F1 of one class, 0–1, and its number of pictures."""

    precision: Number
    recall: Number
    f1: Number
    n: int


class Evaluated(Record):
    """A classifier on whole portraits: a line of `python -m training evaluate --json`."""

    model: str
    part: str
    n: int
    accuracy: Number
    per_class: dict[str, ClassFigures]
    confusion: tuple[tuple[int, ...], ...]
    """(C, C) counts, rows truth, columns answer."""
    labels: tuple[str, ...]
    unreadable: int


class SceneScores(Record):
    """A detector on annotated scenes: a line of `python -m training score`. Shares are 0–1."""

    detector: str
    part: str
    images: int
    min_side: Number
    """Smaller faces are ignored, pixels of the shorter side."""
    faces: int
    face_ap50: Number
    face_ap50_interval95: Interval
    threshold: Number
    recall: Number
    recall_interval95: Interval
    precision: Number
    precision_interval95: Interval
    with_mask_ap50: Number
    with_mask_n: int
    without_mask_ap50: Number
    without_mask_n: int
    label_accuracy: Number | None
    """None: the detector gives no labels."""
    label_interval95: Interval | None
    bare_called_masked: str
    """`3/120`: three of 120."""
    masked_called_bare: str


class PortraitScores(Record):
    """Finder and classifier together on portraits: a line of `python -m training score-portraits`."""

    models: str = ""
    part: str
    portraits: str
    """all, pasted masks, or the rest."""
    images: int
    right: int
    accuracy: Number
    interval95: Interval
    no_face: int
    bare_called_masked: int
    masked_called_bare: int


class SliceFigures(Record):
    """The faces that share a trait. Counts are texts such as `3/120`."""

    kind: str
    slice: str
    n: int
    right: Number
    """Share, 0–1."""
    interval95: Interval
    bare_called_masked: str
    masked_called_bare: str
    worn_wrong_flagged: str = ""


class OperatingPoint(Record):
    """What one threshold costs, in people."""

    threshold: Number
    false_alarms: int
    """Masked people called bare."""
    masked: int
    missed: int
    """Bare people called masked."""
    bare: int


class WornWrong(Record):
    """Masks worn wrong: how many there are, and what they were called."""

    n: int
    called_with_mask: int
    called_without_mask: int
    called_mask_weared_incorrect: int


class Slices(Record):
    """slices.json, from `python -m training slices`."""

    model: str
    part: str
    seed: int
    slices: tuple[SliceFigures, ...]
    worst: SliceFigures | None
    incorrect: WornWrong
    calibration_error: Number
    """Expected calibration error, 0–1."""
    thresholds: tuple[OperatingPoint, ...]
    chosen: OperatingPoint | None


class RecipeNumbers(Record):
    """The numbers of the recipe that both models were trained with."""

    size: int
    alpha: Number
    epochs: int
    looks: int


class LeftOut(Record):
    """A source that one classifier was not trained on: a line of left-out.jsonl."""

    left_out: str
    without: SliceFigures
    """The classifier that was not trained on the source."""
    learnt: SliceFigures
    """The classifier that was."""
    knobs: RecipeNumbers
    quick: bool = False
