"""Made-up runs for tests of arithmetic, and made-up programs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.networks import run
from benchmarks.networks.run import Plan

PLAN = Plan("made up", rounds=5, calls=40, warm_ups=5)
QUIET = {"clock_mhz": 2400.0, "temperature_c": 50.0, "throttled": 0, "time": "2026-01-01T00:00:00+00:00"}


def row(
    variant: str = "int8", ms: float = 10.0, model: str = "mask", threads: int = 1, seed: int = 0, **others: Any
) -> dict[str, Any]:
    """One combination: calls vary by 1 %, and so do the rounds."""
    random = np.random.default_rng(seed)
    middles = ms * random.normal(1, 0.01, PLAN.rounds)
    us = [[int(1e3 * middle * factor) for factor in random.normal(1, 0.01, PLAN.calls)] for middle in middles]
    made = {
        "model": model,
        "variant": variant,
        "runtime": "ai-edge-litert",
        "threads": threads,
        "bytes": 1000,
        "sha256": f"{model}{variant}",
        "version": "2.3.0",
        "python": "3.11.7",
        "numpy": "2.4.6",
        "delegate": "XNNPACK, 1 part",
        "input": {"shape": [1, 8, 8, 3], "dtype": "uint8"},
        "import_us": [50_000] * 5,
        "load_us": [80_000, 90_000, 70_000, 85_000, 75_000],
        "first_us": [12_000] * 5,
        "warm_up_us": [[11_000] * 5] * 5,
        "us": us,
        "imported_kb": [40_960] * 5,
        "peak_kb": [57_344, 58_368, 57_344, 57_344, 57_344],
    }
    return {**made, **others}


def record(*rows: dict[str, Any], **host: Any) -> dict[str, Any]:
    """The record of a run on a quiet Pi 5."""
    machine = {
        "board": "Raspberry Pi 5 Model B Rev 1.0",
        "machine": "aarch64",
        "bits": 64,
        "os": "Debian GNU/Linux 13 (trixie)",
        "kernel": "6.12.0-rpi",
        "virtual": False,
        "cores": 4,
        "memory_mb": 4096,
        "int8_dot_products": ["asimddp"],
        "governor": "performance",
        "clock_max_mhz": 2400.0,
        "load": 0.1,
        "python": "3.13.0",
        "packages": {},
        "commit": "abc",
        **host,
    }
    cpu = {"busy": 100.0, "idle": 900.0, "stolen": 0.0}
    return {
        "schema": run.SCHEMA,
        "kind": run.KIND,
        "host": machine,
        "plan": {"name": "made up", "rounds": 5, "calls": 40, "warm_ups": 5, "profile_calls": 50},
        "before": {**QUIET, "cpu_s": cpu, "own_s": 1.0},
        "after": {**QUIET, "cpu_s": {"busy": 200.0, "idle": 1200.0, "stolen": 0.0}, "own_s": 100.0},
        "rows": list(rows) or [row()],
    }


def profile(*operators: tuple[str, int, float]) -> dict[str, Any]:
    """A profile of kernels: kind, place, microseconds."""
    return {"operators": [list(each) for each in operators]}


def with_calls(values: Sequence[Sequence[float]]) -> dict[str, Any]:
    """A row with these milliseconds, by round."""
    return row(us=[[int(1e3 * value) for value in each] for each in values])


def fake_program(folder: Path, name: str, script: str) -> Path:
    """A program of that name, for a folder on the PATH."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
