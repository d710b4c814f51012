"""Why the models' runtime cannot be had is said as it is: not there, or there and not to be loaded."""

import sys
from pathlib import Path

import pytest

from maskwatch import runtime
from maskwatch.errors import ModelError
from maskwatch.loading import LITERT, TFLITE

GLIBC = 'ImportError("/lib/aarch64-linux-gnu/libm.so.6: version `GLIBC_2.38\' not found (required by x.so)")'
NUMPY = 'ValueError("numpy.dtype size changed, may indicate binary incompatibility. Expected 96, got 88")'
OPENGL = 'OSError("libGL.so.1: cannot open shared object file: No such file or directory")'
NEEDED = "ModuleNotFoundError(\"No module named 'flatbuffers'\", name='flatbuffers')"
RUNTIMES = {library.module: library.package for library in (LITERT, TFLITE)}


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that comes before all others; none of the runtimes has been imported yet, and none is installed."""
    for name in RUNTIMES:
        package = name.partition(".")[0]
        for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == package]:
            monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(packages: Path, monkeypatch: pytest.MonkeyPatch, name: str, line: str) -> None:
    path = packages / f"{name.replace('.', '/')}.py"
    path.parent.mkdir()
    (path.parent / "__init__.py").touch()
    path.write_text(f"{line}\n")
    monkeypatch.delitem(sys.modules, name)


def refusal() -> str:
    with pytest.raises(ModelError) as caught:
        runtime._interpreter_class()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        (GLIBC, "it needs GLIBC_2.38, and this system has "),
        (NUMPY, "built for another numpy"),
        (OPENGL, "pip install opencv-python-headless"),
        (NEEDED, "it needs flatbuffers, which is not installed"),
        ("SystemError()", "(SystemError)"),
    ],
)
@pytest.mark.parametrize("name", RUNTIMES)
def test_what_is_installed_and_cannot_be_loaded_is_told_with_its_reason(
    packages: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: str, mend: str
) -> None:
    install(packages, monkeypatch, name, f"raise {error}")
    message = refusal()
    assert message.startswith(f"runtime: {RUNTIMES[name]} is installed but cannot be loaded (")
    assert mend in message
    assert f"pip install {RUNTIMES[name]}" not in message
    assert "GLIBC_2.38" in message or error != GLIBC


def test_what_is_not_installed_is_to_be_installed(packages: Path) -> None:  # noqa: ARG001 - it hides the runtimes
    assert refusal() == "runtime: ai-edge-litert is not installed; pip install ai-edge-litert"


def test_of_two_runtimes_the_one_that_can_be_loaded_serves(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer, older = RUNTIMES
    install(packages, monkeypatch, newer, f"raise {GLIBC}")
    install(packages, monkeypatch, older, "class Interpreter: pass")
    assert runtime._interpreter_class().__module__ == older
