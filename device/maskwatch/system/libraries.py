"""Imports libraries where they are used. If one does not load, the error is one line with reason and remedy.

An installed library can fail to load in many ways, each with another remedy. "pip install it" only helps if it is
missing.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import platform
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from maskwatch.errors import MaskwatchError, ModelError, OutputError, SourceError


@dataclass(frozen=True, slots=True)
class Library:
    """A library that we did not write."""

    module: str  # name to import
    package: str  # name to install
    error: type[MaskwatchError]  # raised if it does not load
    install: str  # how to install it

    @property
    def name(self) -> str:
        """The top-level module, e.g. `ai_edge_litert`."""
        return self.module.partition(".")[0]


NUMPY = Library("numpy", "numpy", ModelError, "pip install numpy")
CV2 = Library("cv2", "opencv", ModelError, "pip install opencv-python-headless")
LITERT = Library("ai_edge_litert.interpreter", "ai-edge-litert", ModelError, "pip install ai-edge-litert")
TFLITE = Library("tflite_runtime.interpreter", "tflite-runtime", ModelError, "pip install tflite-runtime")
GPIOZERO = Library("gpiozero", "gpiozero", OutputError, "pip install gpiozero")
PICAMERA2 = Library(
    "picamera2",
    "picamera2",
    SourceError,
    "on a Pi: sudo apt install python3-picamera2 and a venv made with --system-site-packages; "
    "elsewhere name another source",
)


def load(library: Library, subject: str = "") -> ModuleType:
    """Import a library.

    Args:
        library: to import.
        subject: what needs it, e.g. the camera's name, for the message.

    Raises:
        MaskwatchError: the import failed; of the class `library.error`.
    """
    try:
        # Before they raise, numpy prints pages to one of the streams, and cv2 to the other.
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            return importlib.import_module(library.module)
    except (Exception, SystemExit) as error:  # an import runs any code, which may raise anything
        raise library.error(f"{subject}: ".lstrip(": ") + why(library, error)) from error


def first_of(*libraries: Library, subject: str = "") -> ModuleType:
    """The first library that loads.

    Raises:
        MaskwatchError: none loads. The message is about the first installed one; if none is installed, the first.
    """
    errors = []
    for library in libraries:
        try:
            return load(library, subject)
        except MaskwatchError as error:
            errors.append((is_absent(library, error.__cause__), error))
    raise min(errors, key=lambda each: each[0])[1]


def why(library: Library, error: BaseException) -> str:
    """The reason and the remedy in one line."""
    reason = root(error)
    if is_absent(library, error):
        return f"{library.package} is not installed; {library.install}"
    return (
        f"{library.package} is installed but cannot be loaded ({reason_of(reason)}); {remedy(reason, library.package)}"
    )


def unforeseen(error: ImportError) -> str:
    """Like why(), for an import that did not go through load(), such as pydantic's."""
    reason = root(error)
    name = (error.name or "a library").partition(".")[0]
    return f"{name} cannot be loaded ({reason_of(reason)}); {remedy(reason, name)}"


def is_absent(library: Library, error: BaseException | None) -> bool:
    """Whether the library itself is missing, not one of its dependencies."""
    return isinstance(error, ModuleNotFoundError) and _missing(error).partition(".")[0] == library.name


def root(error: BaseException) -> BaseException:
    """The first exception of the chain: libraries wrap the loader's message in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def reason_of(error: BaseException) -> str:
    """An exception in one line, with its class name unless it is an ImportError."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return text if isinstance(error, ImportError) and text else f"{type(error).__name__}: {text}".removesuffix(": ")


def remedy(error: BaseException, name: str) -> str:
    """How to correct a failed import, if a remedy is known.

    Args:
        error: the first exception of the chain, see root().
        name: of the library.
    """
    if isinstance(error, ModuleNotFoundError):
        return f"it needs {_missing(error)}, which is not installed: install that, or {name} again with what it needs"
    matches = ((advice, re.search(pattern, str(error))) for pattern, advice in REMEDIES)
    return next((advice(found) for advice, found in matches if found), f"install {name} again")


def _missing(error: ModuleNotFoundError) -> str:
    named = re.search(r"No module named '([\w.]+)'", str(error))
    return error.name or (named.group(1) if named else "")


def _numpy(_: re.Match[str]) -> str:
    found = sys.modules.get("numpy")
    here = f"numpy {found.__version__} in {found.__path__[0]}" if found else "the numpy found first"
    return (
        f"it was built for another numpy than {here}: in a venv with --system-site-packages install the numpy that "
        "constraints/pi-bookworm.txt or pi-trixie.txt names, or remove the venv's own (pip uninstall numpy)"
    )


def _c_library(found: re.Match[str]) -> str:
    here = " ".join(filter(None, platform.libc_ver())) or "an older one"
    return (
        f"it needs {found.group(1)}, and this system has {here}: install the version that constraints/pi-bookworm.txt "
        "names, or a newer Raspberry Pi OS"
    )


def _shared(found: re.Match[str]) -> str:
    return f"the system's {found.group(1)} is missing: sudo apt install the package that holds it (apt-file search)"


# The first match counts. Users of such units met all of them. The patterns match texts of numpy, glibc and CPython.
REMEDIES: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"numpy\.\w+ size changed|numpy\.core\.multiarray|_ARRAY_API|compiled (?:using|against) .*NumPy", _numpy),
    (r"version [`'](\w+_[\d.]+)' not found", _c_library),
    (
        r"libGL\.so|libgthread|libSM\.so|libXext",
        lambda _: (
            "that is opencv-python, made for a desktop: pip uninstall opencv-python, then "
            "pip install opencv-python-headless"
        ),
    ),
    (
        r"static TLS block",
        lambda _: "start with LD_PRELOAD set to the library named there, so that it is loaded first",
    ),
    (r"(lib[\w.+-]+\.so[\d.]*): cannot open shared object", _shared),
    (
        r"wrong ELF class|invalid ELF header|Exec format",
        lambda _: f"it was built for another processor than this {platform.machine()}: install it again here",
    ),
    (
        r"partially initialized module",
        lambda _: "a file of the same name lies in the folder where maskwatch was started: rename it",
    ),
)
