"""Finds a Python for each runtime that can be measured; installs a missing runtime into a separate environment.

tflite-runtime needs numpy 1 and ends at Python 3.11, so it cannot share an environment with the device's packages.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskwatch.errors import ConfigError

ENVIRONMENTS = Path(__file__).parents[2] / ".venv-benchmarks"  # git ignores /.venv*
VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
MAKE_TIMEOUT = 900.0  # seconds: tensorflow is half a gigabyte


@dataclass(frozen=True, slots=True)
class Runtime:
    """A runtime for models."""

    name: str
    """The name of its distribution."""
    module: str
    suffix: str
    """The ending of the files that it runs."""
    requirements: tuple[str, ...]
    """What pip installs into a separate environment."""
    pythons: tuple[str, ...]
    """Python versions that it has wheels for, the best first."""


NOW = ("3.13", "3.12", "3.11", "3.10")
RUNTIMES = (
    Runtime("ai-edge-litert", "ai_edge_litert", ".tflite", ("ai-edge-litert==2.3.0",), ("3.14", *NOW)),
    Runtime(
        "tflite-runtime", "tflite_runtime", ".tflite", ("tflite-runtime==2.14.0", "numpy<2"), ("3.11", "3.10", "3.9")
    ),
    Runtime("tensorflow", "tensorflow", ".tflite", ("tensorflow==2.21.0",), NOW),
    Runtime("onnxruntime", "onnxruntime", ".onnx", ("onnxruntime>=1.20",), ("3.14", *NOW)),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A runtime and the Python that has it, or why there is none."""

    runtime: Runtime
    python: Path | None
    why_not: str = ""


def named(name: str) -> Runtime:
    """The runtime of that name.

    Raises:
        ConfigError: there is no runtime of that name.
    """
    for runtime in RUNTIMES:
        if runtime.name == name:
            return runtime
    raise ConfigError(f"runtime {name}: unknown; expected one of {', '.join(runtime.name for runtime in RUNTIMES)}")


def find(runtime: Runtime, make: bool = False, environments: Path = ENVIRONMENTS) -> Found:
    """This Python if it has the runtime, else the environment made for it earlier, else, with `make`, a new one."""
    own = environments / runtime.name / "bin" / "python"
    for python in (Path(sys.executable), own):
        if _has(python, runtime.module):
            return Found(runtime, python)
    if not make:
        return Found(runtime, None, f"not installed; --runtime {runtime.name} puts it into a separate environment")
    return _made(runtime, own)


def _made(runtime: Runtime, python: Path) -> Found:
    """Install into a new environment; if that fails, the environment is deleted."""
    base = suitable(runtime.pythons)
    if base is None:
        return Found(runtime, None, f"it needs Python {' or '.join(runtime.pythons)}, and none is on the PATH")
    folder = python.parents[1]
    shutil.rmtree(folder, ignore_errors=True)
    commands: list[list[str | Path]] = [
        [base, "-m", "venv", folder],
        [python, "-m", "pip", "install", "--quiet", *runtime.requirements],
    ]
    for command in commands:
        if why := _failure(command):
            shutil.rmtree(folder, ignore_errors=True)
            return Found(runtime, None, f"its environment could not be made: {why}")
    return Found(runtime, python)


def suitable(versions: Iterable[str]) -> Path | None:
    """A Python of one of the versions: this one, or one on the PATH whose version is the one in its name."""
    candidates = [
        Path(sys.executable),
        *(Path(found) for version in versions if (found := shutil.which(f"python{version}"))),
    ]
    by_version = {version: path for path in reversed(candidates) if (version := _version(path))}
    return next((by_version[version] for version in versions if version in by_version), None)


def _has(python: Path, module: str) -> bool:
    """Whether that Python has the module. It is not imported, so an import can still fail later."""
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return python.exists() and not _failure([python, "-c", code])


def _version(python: Path) -> str | None:
    found = subprocess.run([python, "-c", VERSION], capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else None


def _failure(command: Sequence[str | Path]) -> str:
    """The command's error in one line, or "". pip's last line may be a hint, so a line with ERROR is preferred."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=MAKE_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = ended.stderr.strip().splitlines() or ["no reason given"]
    errors = [line for line in lines if line.startswith("ERROR")] or lines
    return errors[-1] if ended.returncode else ""
