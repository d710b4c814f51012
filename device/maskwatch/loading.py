"""Libraries that are imported where they are opened. One that does not load is one line: the real reason, and its mend.

A library that is installed fails to load in many ways, and each wants another mend; "pip install it" is the right one
only where it is not there.
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
    """A library of others."""

    module: str  # as it is imported
    package: str  # as it is installed
    error: type[MaskwatchError]  # what it is for the user when it does not load
    install: str  # how it comes to be there

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
    """The module.

    Args:
        library: see there.
        subject: what wants it, e.g. the camera's name, for the message.

    Raises:
        MaskwatchError: of the library's own kind, whatever its import raised.
    """
    try:
        # numpy writes pages to the one before it raises, cv2 to the other.
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            return importlib.import_module(library.module)
    except (Exception, SystemExit) as error:  # a library's import runs any code, and raises anything
        raise library.error(f"{subject}: ".lstrip(": ") + why(library, error)) from error


def first_of(*libraries: Library, subject: str = "") -> ModuleType:
    """The first that loads.

    Raises:
        MaskwatchError: none does. It is about the first that is installed; where none is, about the first.
    """
    errors = []
    for library in libraries:
        try:
            return load(library, subject)
        except MaskwatchError as error:
            errors.append((is_absent(library, error.__cause__), error))
    raise min(errors, key=lambda each: each[0])[1]


def why(library: Library, error: BaseException) -> str:
    """Reason and mend, in one line."""
    reason = root(error)
    if is_absent(library, error):
        return f"{library.package} is not installed; {library.install}"
    return f"{library.package} is installed but cannot be loaded ({said(reason)}); {mend(reason, library.package)}"


def unforeseen(error: ImportError) -> str:
    """The same of an import that nobody asked load() for, such as pydantic's own."""
    reason = root(error)
    name = (error.name or "a library").partition(".")[0]
    return f"{name} cannot be loaded ({said(reason)}); {mend(reason, name)}"


def is_absent(library: Library, error: BaseException | None) -> bool:
    """Whether the library itself is not installed, and not something that it needs."""
    return isinstance(error, ModuleNotFoundError) and _missing(error).partition(".")[0] == library.name


def root(error: BaseException) -> BaseException:
    """What it began with: libraries wrap the loader's own words in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def said(error: BaseException) -> str:
    """An exception in one line, its kind where that tells more than the text."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return text if isinstance(error, ImportError) and text else f"{type(error).__name__}: {text}".removesuffix(": ")


def mend(error: BaseException, name: str) -> str:
    """What helps against it, as far as it is known.

    Args:
        error: the root of it.
        name: of the library.
    """
    if isinstance(error, ModuleNotFoundError):
        return f"it needs {_missing(error)}, which is not installed: install that, or {name} again with what it needs"
    matches = ((tell, re.search(pattern, str(error))) for pattern, tell in MENDS)
    return next((tell(found) for tell, found in matches if found), f"install {name} again")


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


# First match counts. Each was met by people with such a unit; the words are those of numpy, glibc's loader and CPython.
MENDS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
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
