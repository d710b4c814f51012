"""run.json: how a model was trained. training writes it beside model.keras; convert and the study read it."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from maskwatch.records.record import Record
from maskwatch.vision import preprocess

FILE = "run.json"
REMEDY = "`python -m training train` writes it beside the model"


class Run(Record):
    """Everything needed to know how a model came about."""

    CALLED: ClassVar[str] = "run record"

    name: str
    """The network, e.g. mobilenet_v2."""
    task: str
    """mask, face or scene."""
    labels: tuple[str, ...]
    """Class names in the order of the outputs."""
    input_size: int
    """Side of the square input, pixels."""
    preprocess_version: int = preprocess.VERSION
    """The version of the geometry that the crops were cut with."""
    margin: float | None = None
    """Face margin that the device must cut with (mask)."""
    temperature: float = 1.0
    """Divides the logits; fitted on the validation part (mask)."""
    bias: float = 0.0
    """Added to the log-odds of a bare face; fitted on the validation part (mask)."""
    score_threshold: float | None = None
    """Default threshold, chosen on the validation part (face, scene)."""
    seed: int
    split_sha256: str
    """Which photographs were trained on, see data.Split.sha256."""
    knobs: dict[str, Any]
    """Every number that the recipe was run with."""
    versions: dict[str, str]
    """Package -> version."""
    history: dict[str, Any]
    """Curves by epoch, among them the seconds each epoch took."""
    metrics: dict[str, Any] = Field(default_factory=dict)
    """Figures of the float model, by data set."""
    quick: bool = False
    """Whether it was trained with --quick, on a few pictures and for minutes: not for use."""
    start_sha256: str | None = None
    """SHA-256 of the model file that the training continued from (--start); None without --start."""
    key: str = ""
    """A hash of all that decides the result, see checkpoints.fingerprint; empty in records of older versions."""
