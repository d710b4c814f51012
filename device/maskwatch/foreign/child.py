"""python -P -m maskwatch.foreign.child KIND THREADS PATH: the model on stdin is tried, and stdout has the outcome.

It may take all the memory, never end, or take the process with it: so this is one of its own, with limits.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from maskwatch import bundle, runtime
from maskwatch.errors import ModelError
from maskwatch.flow import Box, Face, Image
from maskwatch.quiet import mute_cv2

SECONDS = 60  # of processor time; the parent waits for less, but it may be killed itself
# Bytes that a model may take besides what Python and the libraries have taken: a runtime keeps weights twice, as they
# are in the file and as its kernels want them, and a file of floats by the side of an int8 one is four times as large.
ROOM, ROOM_PER_BYTE = 192 << 20, 4
NOISE = 2  # random pictures, the same in each trial
SCORE = 0.5  # 0–1; the finder's threshold does not matter here


def main() -> None:
    """Try the model on stdin; what the libraries print goes nowhere."""
    kind, threads, path = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    answer = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    outcome = tried(kind, threads, path, sys.stdin.buffer.read())
    print(json.dumps({"refused": outcome}), file=answer, flush=True)
    os._exit(0)  # what a broken model left behind is not to be tidied up


def tried(kind: str, threads: int, path: Path, content: bytes) -> str | None:
    """The reason why a model is refused, or None. This process has limits from then on."""
    try:
        warm_up()
        limit(len(content))
        ATTEMPTS[kind](content, path, threads)
    except ModelError as error:
        return str(error)
    except MemoryError:
        return f"model {path}: needs more memory than {_room(len(content)) >> 20} MiB"
    except Exception as error:
        return f"model {path}: {type(error).__name__} when it was tried: {' '.join(str(error).split())[:200]}"
    return None


def warm_up() -> None:
    """Load all libraries: the limit below does not count them."""
    from maskwatch import classifier, detector  # noqa: F401

    mute_cv2()
    runtime.installed()


def limit(size: int) -> None:
    """Limits for a model of so many bytes: memory, processor time, and no file may be written."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    with contextlib.suppress(OSError):  # whoever is short of memory takes it from here first
        Path("/proc/self/oom_score_adj").write_text("1000")
    for kind, value in (
        (resource.RLIMIT_AS, taken + _room(size)),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        _, most = resource.getrlimit(kind)
        resource.setrlimit(kind, (value if most == resource.RLIM_INFINITY else min(value, most), most))


def _room(size: int) -> int:
    return ROOM + ROOM_PER_BYTE * size


def pictures(size: int) -> Iterator[Image]:
    """(size, size, 3) black, white, a slope, a chequerboard, noise."""
    places = np.arange(size)
    slope = np.broadcast_to((places * 255 // max(1, size - 1)).astype(np.uint8)[:, None], (size, size))
    board = ((places[:, None] // 8 + places // 8) % 2 * 255).astype(np.uint8)
    for grey in (np.zeros_like(board), np.full_like(board, 255), slope, board):
        yield np.repeat(grey[..., None], 3, axis=2)
    rng = np.random.default_rng(0)
    for _ in range(NOISE):
        yield rng.integers(0, 256, (size, size, 3), np.uint8)


def frames() -> Iterator[Image]:
    """(H, W, 3) as cameras give them, and as no camera does."""
    rng = np.random.default_rng(1)
    for height, width in ((480, 640), (720, 1280), (1, 640), (64, 1)):
        yield np.zeros((height, width, 3), np.uint8)
        yield rng.integers(0, 256, (height, width, 3), np.uint8)


def _mask(content: bytes, path: Path, threads: int) -> None:
    from maskwatch.classifier import MaskClassifier

    judge = MaskClassifier(bundle.verified(content, path, "mask"), threads)
    answers = [judge.logits(picture) for picture in pictures(judge.input_size)]
    _demand_sense(path, answers)
    for frame in frames():
        judge.verdict(judge.crop(frame, Face(Box(0, 0, 99, 120), 1.0)))


def _face(content: bytes, path: Path, threads: int) -> None:
    from maskwatch.detector import SingleShotDetector

    finder = SingleShotDetector(bundle.verified(content, path, "face"), SCORE, threads)
    answers = [
        np.concatenate([each.ravel() for each in finder.maps(picture)]) for picture in pictures(finder.input_size)
    ]
    _demand_sense(path, answers)
    for frame in frames():
        finder.find(frame)


def _yunet(content: bytes, path: Path, threads: int) -> None:  # noqa: ARG001 - OpenCV has its own threads
    from maskwatch.detector import YuNetDetector

    finder = YuNetDetector(path, SCORE, content)
    for frame in frames():
        finder.find(frame)


ATTEMPTS: dict[str, Callable[[bytes, Path, int], None]] = {"mask": _mask, "face": _face, "yunet": _yunet}


def _demand_sense(path: Path, answers: list[np.ndarray]) -> None:
    """Refuse a model that answers no numbers, or does not look at the picture."""
    if not all(np.isfinite(answer).all() for answer in answers):
        raise ModelError(f"model {path}: answers what is no finite number; {bundle.REBUILD}")
    if all(np.array_equal(answer, answers[0]) for answer in answers):
        raise ModelError(f"model {path}: answers the same whatever the picture; {bundle.REBUILD}")


if __name__ == "__main__":
    main()
