"""A finder with another input side: every layer is a convolution, so the same weights fit."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

from maskwatch.errors import ConfigError, ModelError
from training.networks import finder
from training.runs import occupied, run_folder


def resize(model: Path, size: int, out: Path, force: bool = False) -> None:
    """Write a finder with the same weights and another input side: out/model.keras and out/run.json.

    Raises:
        ConfigError: the size is no multiple of the coarsest stride, or the folder holds a model already.
        ModelError: the model or its record cannot be read, or it is not a finder.
    """
    if size <= 0 or size % max(finder.STRIDES):
        raise ConfigError(f"size {size}: expected a multiple of {max(finder.STRIDES)}")
    run = run_folder.read(model)
    if run.task != "face":
        raise ModelError(f"model {model}: made for task '{run.task}', expected a face finder")
    resized = finder.build(size, run.knobs["alpha"], run.knobs["channels"], stem=run.knobs.get("stem"))
    try:
        resized.load_weights(model)
    except (OSError, ValueError, BadZipFile) as error:
        raise ModelError(f"model {model}: {error}; expected the finder that {run_folder.RECORD} describes") from error
    occupied.claim_for_result(out, force)
    run_folder.save(resized, out / "model.keras")
    knobs = {**run.knobs, "size": size, "trained_at": run.input_size}
    run_folder.write(out, run.model_copy(update={"input_size": size, "knobs": knobs, "metrics": {}, "key": ""}))
