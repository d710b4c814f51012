"""The folder of a run belongs to one training, finished or not, and no other training overwrites it.

A finished model takes an hour of work or more. So a folder that holds another training is refused before anything is
read, and the message names the first difference; `--force` empties the folder. A finished training that is started
again is left as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maskwatch.errors import ConfigError, ModelError
from maskwatch.system import whole_file
from training.runs import run_folder
from training.runs.knobs import Way

BEGUN = "begun.json"  # says which training is unfinished here; deleted when it is finished
STATES = ".weights.h5"  # how the name of a checkpoint's file ends, see training.runs.checkpoints
LEAVE = "name another --out, or give --force to train it anew"


def claim(out: Path, network: str, knobs: Mapping[str, Any], way: Way) -> None:
    """Make the folder, or refuse one that holds another training; this needs no data set.

    Raises:
        ConfigError: it holds another training, finished or not.
    """
    out.mkdir(parents=True, exist_ok=True)
    if way.force:
        empty(out)
    for said, found in (
        (f"a finished {{}} ({out / run_folder.RECORD})", _finished(out)),
        ("an unfinished {}", begun(out)),
    ):
        if found and (difference := _difference(found, network, {**knobs, "quick": way.quick})):
            raise ConfigError(f"--out {out}: holds {said.format(found['name'])} with {difference}; {LEAVE}")


def claim_for_result(out: Path, force: bool) -> None:
    """Make the folder of a model that takes no training, or refuse one that holds a model or a training.

    Raises:
        ConfigError: it does, without `force`.
    """
    out.mkdir(parents=True, exist_ok=True)
    if force:
        empty(out)
    if any((out / name).exists() for name in (run_folder.RECORD, "model.keras", BEGUN)):
        raise ConfigError(f"--out {out}: holds a model or an unfinished training; name another --out, or give --force")


def begin(out: Path, network: str, knobs: Mapping[str, Any], way: Way, key: str) -> bool:
    """Write the note that this training is unfinished; returns False when it is finished and nothing is left to do.

    Args:
        out: a folder that claim() accepted.
        network, knobs, way: as for claim().
        key: checkpoints.fingerprint of everything that decides the result, also the data and the initial weights.

    Raises:
        ConfigError: the folder holds a training with the same knobs, but other pictures or other weights.
    """
    other = f"from other pictures or other first weights, or of another version of maskwatch; {LEAVE}"
    if found := _finished(out):
        if found["key"] == key:
            return False
        raise ConfigError(f"--out {out}: holds a finished {network} {other}")
    before = begun(out)
    if (before and before["key"] != key) or (before is None and not _all_of(out, key)):
        raise ConfigError(f"--out {out}: holds an unfinished {network} {other}")
    text = json.dumps({"name": network, "key": key, "knobs": {**knobs, "quick": way.quick}}, indent=1, default=str)
    whole_file.write(out / BEGUN, text + "\n")
    return True


def end(out: Path) -> None:
    """The training is finished: delete its checkpoints, which are several times as large as the model."""
    for state in out.glob(f"*{STATES}"):
        state.with_name(state.name.removesuffix(STATES) + ".json").unlink(missing_ok=True)
        state.unlink()
    (out / BEGUN).unlink(missing_ok=True)


def empty(out: Path) -> None:
    """Delete the files of a training. The record goes first: without it no model counts as finished."""
    for name in (run_folder.RECORD, "model.keras", "curves.png"):
        (out / name).unlink(missing_ok=True)
    end(out)


def begun(out: Path) -> dict[str, Any] | None:
    """The unfinished training here: name, key and knobs; None when there is none, or its note cannot be read."""
    try:
        found = json.loads((out / BEGUN).read_text())
        return {"name": str(found["name"]), "key": str(found["key"]), "knobs": dict(found["knobs"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _finished(out: Path) -> dict[str, Any] | None:
    """The finished training here, in the same form."""
    if not (out / run_folder.RECORD).exists():
        return None
    try:
        run = run_folder.read(out / "model.keras")
    except ModelError as error:
        raise ConfigError(f"--out {out}: holds a {run_folder.RECORD} that cannot be read; {LEAVE}") from error
    return {"name": run.name, "key": run.key, "knobs": {**run.knobs, "quick": run.quick}}


def _difference(found: Mapping[str, Any], network: str, knobs: Mapping[str, Any]) -> str:
    """The first knob that differs, or the network, in words; a knob missing in an older record is no difference."""
    if found["name"] != network:
        return f"another network than {network}"
    asked = json.loads(json.dumps(knobs, default=str))  # JSON turns tuples into lists
    for name, value in asked.items():
        if name in found["knobs"] and found["knobs"][name] != value:
            return f"{name} {_said(found['knobs'][name])}, now {_said(value)} is asked for"
    return ""


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value is None else str(value)


def _all_of(out: Path, key: str) -> bool:
    """Whether all readable checkpoints are of this training: an older maskwatch left no note beside them."""
    for state in out.glob(f"*{STATES}"):
        try:
            found = json.loads(state.with_name(state.name.removesuffix(STATES) + ".json").read_text())["key"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if not str(found).startswith(key):
            return False
    return True
