"""Whose a model is: the package's own, known by its hash, or a foreign one, which is looked through and tried first."""

from __future__ import annotations

import hashlib
import logging
import time
from importlib import resources
from pathlib import Path

from maskwatch import runtime
from maskwatch.bundle import REBUILD, Bundle
from maskwatch.errors import ModelError
from maskwatch.foreign import structure, tried
from maskwatch.foreign.attempt import attempt
from maskwatch.foreign.flatbuffer import MalformedError

logger = logging.getLogger(__name__)
SUMS = "SHA256SUMS"  # beside the models, in the form of the program sha256sum
TRIAL = 1  # raised when a trial demands more, so that what passed an older one is tried again
OWN = "the package's own"
FOREIGN = "not the package's own"


def shipped() -> frozenset[str]:
    """SHA-256 of the model files that ship in the package."""
    text = (resources.files("maskwatch") / "models" / SUMS).read_text()
    return frozenset(line.partition(" ")[0] for line in text.splitlines())


def admit(bundle: Bundle, content: bytes, threads: int) -> str:
    """Let a bundle's model be opened in this process, or not.

    Args:
        bundle: verified, of `content`.
        content: of its file.
        threads: that it will be opened with.

    Returns:
        Whose it is, and whether it was tried, for a person.

    Raises:
        ModelError: it is a foreign one that is broken, crashes, hangs or answers what is no answer.
    """
    if bundle.sha256 in shipped():
        return OWN
    try:
        structure.look_through(bundle.flatbuffer)
    except MalformedError as error:
        raise ModelError(f"model {bundle.origin}: no converter makes such a model ({error}); {REBUILD}") from error
    return _try(bundle.card.task, content, Path(bundle.origin), threads)


def admit_yunet(content: bytes, path: Path) -> str:
    """As admit(), of an ONNX file, which is never the package's own."""
    return _try("yunet", content, path, 1)


def _try(kind: str, content: bytes, path: Path, threads: int) -> str:
    """Try a model, once for each version of what runs it."""
    key = f"{hashlib.sha256(content).hexdigest()} {kind} {threads} {TRIAL} {_runs(kind)}"
    if tried.knows(key):
        return f"{FOREIGN}, tried at an earlier start"
    start = time.perf_counter()
    attempt(kind, content, path, threads)
    took = time.perf_counter() - start
    logger.info("model %s: %s, tried for %.1f s", path, FOREIGN, took)
    tried.add(key)
    return f"{FOREIGN}, tried for {took:.1f} s"


def _runs(kind: str) -> str:
    """What runs such models, with its version."""
    if kind != "yunet":
        return runtime.installed()
    import cv2

    return f"opencv {cv2.__version__}"
