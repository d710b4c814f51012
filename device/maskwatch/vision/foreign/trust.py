"""Decides whether a model may be opened: the package's own ones (by hash) at once, foreign ones after checks."""

from __future__ import annotations

import hashlib
import logging
import time
from importlib import resources
from pathlib import Path

from maskwatch.errors import ModelError
from maskwatch.vision import runtime
from maskwatch.vision.bundle import REBUILD, Bundle
from maskwatch.vision.foreign import remembered_trials, structure
from maskwatch.vision.foreign.flatbuffer import MalformedError
from maskwatch.vision.foreign.trial import attempt

logger = logging.getLogger(__name__)
SUMS = "SHA256SUMS"  # beside the models, in the format of the program sha256sum
TRIAL = 1  # version of the trial; a higher one makes all models be tried again
OWN = "the package's own"
FOREIGN = "not the package's own"


def shipped() -> frozenset[str]:
    """SHA-256 of the model files that ship in the package."""
    text = (resources.files("maskwatch") / "models" / SUMS).read_text()
    return frozenset(line.partition(" ")[0] for line in text.splitlines())


def admit(bundle: Bundle, content: bytes, threads: int) -> str:
    """Check a bundle's model before it is opened in this process.

    Args:
        bundle: verified, of `content`.
        content: of its file.
        threads: with which it will be opened.

    Returns:
        A few words: whose model it is, and whether it was tried.

    Raises:
        ModelError: it is a foreign model that is broken, crashes, hangs, or has useless outputs.
    """
    if bundle.sha256 in shipped():
        return OWN
    try:
        structure.look_through(bundle.flatbuffer)
    except MalformedError as error:
        raise ModelError(f"model {bundle.origin}: no converter makes such a model ({error}); {REBUILD}") from error
    return _try(bundle.card.task, content, Path(bundle.origin), threads)


def admit_yunet(content: bytes, path: Path) -> str:
    """Like admit(), for an ONNX file, which is always foreign.

    Raises:
        ModelError: see admit().
    """
    return _try("yunet", content, path, 1)


def _try(kind: str, content: bytes, path: Path, threads: int) -> str:
    """Try a model, unless it passed already with this version of its runtime."""
    key = f"{hashlib.sha256(content).hexdigest()} {kind} {threads} {TRIAL} {_runs(kind)}"
    if remembered_trials.knows(key):
        return f"{FOREIGN}, tried at an earlier start"
    start = time.perf_counter()
    attempt(kind, content, path, threads)
    took = time.perf_counter() - start
    logger.info("model %s: %s, tried for %.1f s", path, FOREIGN, took)
    remembered_trials.add(key)
    return f"{FOREIGN}, tried for {took:.1f} s"


def _runs(kind: str) -> str:
    """The library that runs such models, with its version."""
    if kind != "yunet":
        return runtime.installed()
    import cv2

    return f"opencv {cv2.__version__}"
