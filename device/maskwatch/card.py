"""The model card: what a model is and what it needs, with bounds, so that no card can make a unit mute or crash."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from maskwatch.printable import one_line

LONGEST = 200  # characters of what a card says in its own words
Task = Literal["mask", "face", "scene"]
Name = Annotated[str, Field(pattern=r"^[!-~]([ -~]*[!-~])?$", max_length=100)]
Label = Annotated[str, Field(pattern=r"^[!-~]+$", max_length=64)]
SHA256 = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]

NOT_JUDGED = "not judged"  # of a model of others that was packed without photographs


class ModelCard(BaseModel):
    """Written by convert and obeyed by the device.

    The bounds hold all that training.calibration.fit can find, and leave the alarm possible: with a bias of -100 nobody
    would ever count as bare.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: Literal[1] = 1
    name: Name
    """Architecture and recipe, e.g. mobilenet_v2."""
    task: Task
    """mask: face crop -> a logit a class. face: letterboxed frame -> score logits and boxes at several strides.
    scene: letterboxed frame -> faces with their classes, for comparison; no device runs it."""
    labels: tuple[Label, ...] = Field(min_length=1, max_length=16)
    """Class names in the order of the outputs."""
    input_size: int = Field(ge=1, le=2048)
    """Side of the square input, pixels."""
    preprocess_version: int = Field(ge=1, le=1000)
    """preprocess.VERSION of the crops it was trained on."""
    margin: float | None = Field(default=None, ge=0, le=1)
    """Face margin of the crops the device must cut (mask models), see preprocess.face_square."""
    score_threshold: float | None = Field(default=None, ge=0.01, le=0.99)
    """The default threshold, chosen on validation scenes (face and scene models)."""
    temperature: float = Field(default=1.0, ge=0.04, le=25)
    """Logits are divided by this before softmax, so that confidence means what it says (mask models)."""
    bias: float = Field(default=0.0, ge=-5, le=5)
    """Added to the log-odds of being bare, see classifier.bare_share (mask models)."""
    sha256: SHA256
    """Of the flatbuffer, the part of the file before the appended archive."""
    metrics: dict[str, Any] = {}
    """Figures measured on this very file, with their counts."""
    provenance: dict[str, Any] = {}
    """Seed, split and calibration hashes, versions, data sets; also `quick`, `loosened` and `own`, see caveats."""

    @property
    def caveats(self) -> tuple[str, ...]:
        """What whoever wants to use the model must know, a line each; of a model that kept every promise, none."""
        loosened = self.provenance.get("loosened")
        told = ["made with --quick, of a few pictures: not for use at a door"] if self.provenance.get("quick") else []
        if isinstance(loosened, dict) and loosened:
            limits = ", ".join(f"{name} {'off' if limit is None else limit}" for name, limit in loosened.items())
            told.append(f"its gates were loosened: {one_line(limits)[:LONGEST]}")
        own = self.provenance.get("own")
        if isinstance(own, dict) and own.get("judged") == NOT_JUDGED:
            told.append(f"{NOT_JUDGED}: nobody measured on photographs how often it is right")
        return tuple(told)
