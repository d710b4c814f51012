"""Makes the record: how many instructions each model executes on each board, in one inference on one thread."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.instructions.emulator import BOARDS, Board, Emulator, compiled

SCHEMA, KIND = 1, "instructions"
KINDS = ("total", "simd", "dot", "mlal", "fmla", "ldst")  # kinds of instructions that are kept
YUNET_SIDES = (320, 640)  # pixels


@dataclass(frozen=True, slots=True)
class Counted:
    """A model that is counted."""

    name: str
    file: Path
    word: str  # its argument for child/emulated.py


def networks(files: Mapping[str, Path]) -> list[Counted]:
    """TFLite files."""
    return [Counted(name, file, str(file.resolve())) for name, file in files.items()]


def yunets(file: Path) -> list[Counted]:
    """OpenCV's YuNet with its own decoding, at each side."""
    return [Counted(f"YuNet, {side} px", file, f"yunet:{side}:{file.resolve()}") for side in YUNET_SIDES]


def measure(
    models: Sequence[Counted],
    root: Path,
    packages: Path,
    print_line: Callable[[str], None],
    boards: Sequence[Board] = BOARDS,
) -> dict[str, Any]:
    """The record, ready for JSON. It is the same on every machine, so it has no host.

    Args:
        models: the models to count.
        root: an arm64 Debian with Python.
        packages: aarch64 wheels, unpacked.
        print_line: prints a line for each board.
        boards: the processors.

    Raises:
        MaskwatchError: the plugin cannot be compiled, or the emulation fails.
    """
    counts: dict[str, list[dict[str, int]]] = {}
    for board in boards:
        print_line(f"{board.name}: {len(models)} models")
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            (place / "root").mkdir()
            emulator = Emulator(root, packages.resolve(), compiled(place))
            counts[board.name] = emulator.counts(board, [model.word for model in models], place / "root")
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "emulator": _first_line(("qemu-aarch64", "--version")),
        "packages": sorted(path.name.removesuffix(".dist-info") for path in packages.glob("*.dist-info")),
        "threads": 1,
        "boards": [board.name for board in boards],
        "models": [
            {
                "name": model.name,
                "bytes": model.file.stat().st_size,
                "sha256": hashlib.sha256(model.file.read_bytes()).hexdigest(),
                "instructions": {
                    board: [counts_of_models[at][kind] for kind in KINDS] for board, counts_of_models in counts.items()
                },
            }
            for at, model in enumerate(models)
        ],
        "kinds": list(KINDS),
    }


def lines(record: Mapping[str, Any]) -> list[str]:
    """The record in words: for each model, its million instructions by board."""
    return [
        f"{model['name']}: million instructions "
        + ", ".join(f"{board} {counts[0] / 1e6:.1f}" for board, counts in model["instructions"].items())
        for model in record["models"]
    ]


def _first_line(words: Sequence[str]) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.partition("\n")[0]
