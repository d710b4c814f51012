"""python -P -m maskwatch.vision.foreign.trial_process KIND THREADS PATH: tries the model on stdin.

The outcome is written to stdout. A bad model may use all memory, never end, or crash the process, so it runs in a
separate process with limits.
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

from maskwatch.errors import ModelError
from maskwatch.flow import Box, Face, Image
from maskwatch.system.library_chatter import mute_cv2
from maskwatch.vision import bundle, runtime

SECONDS = 60  # of processor time; the parent's limit is shorter, but the parent may be killed
# Bytes that a model may use in addition to Python and the libraries. A runtime holds the weights twice (as in the file
# and in the layout of its kernels), and weights unpacked from int8 to float are four times as large.
ROOM, ROOM_PER_BYTE = 192 << 20, 4
NOISE = 2  # random pictures, the same in each trial
SCORE = 0.5  # 0–1; any threshold is good enough here


def main() -> None:
    """Try the model on stdin. What the libraries print is dropped."""
    kind, threads, path = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    answer = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    outcome = tried(kind, threads, path, sys.stdin.buffer.read())
    print(json.dumps({"refused": outcome}), file=answer, flush=True)
    os._exit(0)  # without Python's clean-up, which may crash after a broken model


def tried(kind: str, threads: int, path: Path, content: bytes) -> str | None:
    """Why the model is refused; None: it is accepted. Sets limits for this process that stay."""
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
    """Load all libraries before the limit is set, so that it does not count them."""
    from maskwatch.vision import classifier, finder  # noqa: F401

    mute_cv2()
    runtime.installed()


def limit(size: int) -> None:
    """Set limits for a model of `size` bytes: memory, processor time, and that no file can be written."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    with contextlib.suppress(OSError):  # if memory is short, the kernel ends this process first
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
    """(size, size, 3) uint8: black, white, a gradient, a chequerboard, and noise."""
    steps = np.arange(size)
    slope = np.broadcast_to((steps * 255 // max(1, size - 1)).astype(np.uint8)[:, None], (size, size))
    board = ((steps[:, None] // 8 + steps // 8) % 2 * 255).astype(np.uint8)
    for grey in (np.zeros_like(board), np.full_like(board, 255), slope, board):
        yield np.repeat(grey[..., None], 3, axis=2)
    rng = np.random.default_rng(0)
    for _ in range(NOISE):
        yield rng.integers(0, 256, (size, size, 3), np.uint8)


def frames() -> Iterator[Image]:
    """(H, W, 3) uint8 frames: usual sizes, and extreme ones that no camera gives."""
    rng = np.random.default_rng(1)
    for height, width in ((480, 640), (720, 1280), (1, 640), (64, 1)):
        yield np.zeros((height, width, 3), np.uint8)
        yield rng.integers(0, 256, (height, width, 3), np.uint8)


def _mask(content: bytes, path: Path, threads: int) -> None:
    from maskwatch.vision.classifier import MaskClassifier

    judge = MaskClassifier(bundle.verified(content, path, "mask"), threads)
    answers = [judge.logits(picture) for picture in pictures(judge.input_size)]
    _demand_sense(path, answers)
    for frame in frames():
        judge.verdict(judge.crop(frame, Face(Box(0, 0, 99, 120), 1.0)))


def _face(content: bytes, path: Path, threads: int) -> None:
    from maskwatch.vision.finder import SingleShotDetector

    finder = SingleShotDetector(bundle.verified(content, path, "face"), SCORE, threads)
    answers = [
        np.concatenate([each.ravel() for each in finder.maps(picture)]) for picture in pictures(finder.input_size)
    ]
    _demand_sense(path, answers)
    for frame in frames():
        finder.find(frame)


def _yunet(content: bytes, path: Path, threads: int) -> None:  # noqa: ARG001 - OpenCV has its own threads
    from maskwatch.vision.finder import YuNetDetector

    finder = YuNetDetector(path, SCORE, content)
    for frame in frames():
        finder.find(frame)


ATTEMPTS: dict[str, Callable[[bytes, Path, int], None]] = {"mask": _mask, "face": _face, "yunet": _yunet}


def _demand_sense(path: Path, answers: list[np.ndarray]) -> None:
    """Check that the outputs are finite, and that they depend on the picture.

    Raises:
        ModelError: they are not, or do not.
    """
    if not all(np.isfinite(answer).all() for answer in answers):
        raise ModelError(f"model {path}: its output is not a finite number; {bundle.REBUILD}")
    if all(np.array_equal(answer, answers[0]) for answer in answers):
        raise ModelError(f"model {path}: has the same output for every picture; {bundle.REBUILD}")


if __name__ == "__main__":
    main()
