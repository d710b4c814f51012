"""The model card: what a model is and what it needs. All values have bounds, so that no card can disable or crash a
unit."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from maskwatch.text.printable import one_line

LONGEST = 200  # characters of free text from a card in a message
Task = Literal["mask", "face", "scene"]
Name = Annotated[str, Field(pattern=r"^[!-~]([ -~]*[!-~])?$", max_length=100)]
Label = Annotated[str, Field(pattern=r"^[!-~]+$", max_length=64)]
SHA256 = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]

NOT_JUDGED = "not judged"  # a foreign model that was packed without measuring it on photographs


class ModelCard(BaseModel):
    """Written by convert, used by the device.

    The bounds include everything that training.judging.calibration.fit can find. They exclude values that make alerts
    impossible: with a bias of -100 nobody would ever count as bare.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: Literal[1] = 1
    name: Name
    """Architecture and recipe, e.g. mobilenet_v2."""
    task: Task
    """mask: face crop -> one logit for each class. face: letterboxed frame -> score logits and boxes at several
    strides. scene: letterboxed frame -> faces with their classes, for comparison only; no unit runs it."""
    labels: tuple[Label, ...] = Field(min_length=1, max_length=16)
    """Class names in the order of the outputs."""
    input_size: int = Field(ge=1, le=2048)
    """Side of the square input, pixels."""
    preprocess_version: int = Field(ge=1, le=1000)
    """preprocess.VERSION of the crops it was trained on."""
    margin: float | None = Field(default=None, ge=0, le=1)
    """Margin of the crops around a face, as a share of its longer side (mask models); see preprocess.face_square."""
    score_threshold: float | None = Field(default=None, ge=0.01, le=0.99)
    """Default threshold of the score, 0–1, chosen on validation scenes (face and scene models)."""
    temperature: float = Field(default=1.0, ge=0.04, le=25)
    """Logits are divided by this before softmax, so that the confidence is calibrated (mask models); see
    classifier.bare_share."""
    bias: float = Field(default=0.0, ge=-5, le=5)
    """Added to the log-odds of being bare, see classifier.bare_share (mask models)."""
    sha256: SHA256
    """Of the flatbuffer, the part of the file before the appended archive."""
    metrics: dict[str, Any] = {}
    """Figures measured of this file, with the numbers they are based on."""
    provenance: dict[str, Any] = {}
    """Seed, split and calibration hashes, versions, data sets; also `quick`, `loosened` and `own`, see caveats."""

    @property
    def caveats(self) -> tuple[str, ...]:
        """Warnings for the user of the model, one line each; none for a model that passed all its checks."""
        loosened = self.provenance.get("loosened")
        told = ["made with --quick, of a few pictures: not for use at a door"] if self.provenance.get("quick") else []
        if isinstance(loosened, dict) and loosened:
            limits = ", ".join(f"{name} {'off' if limit is None else limit}" for name, limit in loosened.items())
            told.append(f"its gates were loosened: {one_line(limits)[:LONGEST]}")
        own = self.provenance.get("own")
        if isinstance(own, dict) and own.get("judged") == NOT_JUDGED:
            told.append(f"{NOT_JUDGED}: its accuracy on photographs was not measured")
        return tuple(told)
