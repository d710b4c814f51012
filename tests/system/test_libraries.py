"""A library that does not load is one line: why, and what helps. Its words are those that people met on a Pi."""

import os
import subprocess
import sys
from pathlib import Path

import numpy  # noqa: F401 - the messages name the loaded numpy
import pytest

from maskwatch.cli import check
from maskwatch.errors import MaskwatchError, ModelError, SourceError
from maskwatch.system.libraries import CV2, LITERT, PICAMERA2, TFLITE, Library, first_of, load, reason_of

NUMPY = "numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88 from PyObject"
ELF = "raise ImportError('/x/_pydantic_core.so: wrong ELF class: ELFCLASS32')"
GLIBC = "/lib/aarch64-linux-gnu/libm.so.6: version `GLIBC_2.38' not found (required by /x/_pywrap.so)"
ABSENT = "raise ModuleNotFoundError(\"No module named '{0}'\", name='{0}')"


def broken(folder: Path, module: str, line: str) -> None:
    """A module whose import runs that line, found before any real one."""
    path = folder / (module.replace(".", "/") + ".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    if "." in module:
        (path.parent / "__init__.py").touch()
    path.write_text(line + "\n")


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "some_library", raising=False)
    return Library("some_library", "some_library", SourceError, "apt install some-library")


@pytest.mark.parametrize(
    ("line", "reason", "mend"),
    [
        (f"raise ValueError({NUMPY!r})", "ValueError: numpy.dtype size changed", "built for another numpy than numpy "),
        (f'raise ImportError("""{GLIBC}""")', "GLIBC_2.38", "it needs GLIBC_2.38, and this system has "),
        ("raise ImportError('version `GLIBCXX_3.4.32\\' not found')", "GLIBCXX_3.4.32", "it needs GLIBCXX_3.4.32"),
        (
            "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')",
            "libGL.so.1: cannot open",
            "pip install opencv-python-headless",
        ),
        (
            "raise ImportError('libopenblas.so.0: cannot open shared object file: No such file or directory')",
            "libopenblas.so.0: cannot open",
            "the system's libopenblas.so.0 is missing: sudo apt install",
        ),
        (
            "raise OSError('/x/libgomp.so.1: cannot allocate memory in static TLS block')",
            "OSError: /x/libgomp.so.1",
            "LD_PRELOAD",
        ),
        ("raise ImportError('/x/a.so: wrong ELF class: ELFCLASS32')", "wrong ELF class", "built for another processor"),
        (ABSENT.format("libcamera"), "No module named 'libcamera'", "it needs libcamera, which is not installed"),
        ("raise SystemExit('no display')", "SystemExit: no display", "install some_library again"),
        ("raise KeyError('x')", "KeyError: 'x'", "install some_library again"),
        ("this is no Python", "SyntaxError: ", "install some_library again"),
        ("raise ImportError('')", "ImportError", "install some_library again"),
    ],
)
def test_the_real_reason_and_its_mend_in_one_line(
    stand_in: Library, tmp_path: Path, line: str, reason: str, mend: str
) -> None:
    broken(tmp_path, "some_library", line)
    with pytest.raises(SourceError) as caught:
        load(stand_in, "picamera:0")
    text = str(caught.value)
    assert text.startswith("picamera:0: some_library is installed but cannot be loaded (")
    assert reason in text
    assert mend in text.split("; ", 1)[1]
    assert "\n" not in text
    assert "apt install some-library" not in text  # it is installed


def test_pages_of_advice_are_cut_down_to_what_the_loader_said(stand_in: Library, tmp_path: Path) -> None:
    page = "\\n\\nIMPORTANT: PLEASE READ THIS\\n\\nOriginal error was: libopenblas.so.0\\n"
    wrapped = "raise ImportError('libopenblas.so.0: cannot open shared object file')"
    broken(
        tmp_path, "some_library", f"try:\n  {wrapped}\nexcept ImportError as e:\n  raise ImportError('{page}') from e"
    )
    with pytest.raises(SourceError, match=r"loaded \(libopenblas.so.0: cannot open shared object file\); the system's"):
        load(stand_in)


def test_what_it_writes_to_stderr_before_it_fails_is_not_shown(
    stand_in: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken(tmp_path, "some_library", "import sys\nprint('page of advice', file=sys.stderr)\nraise ImportError('no')")
    with pytest.raises(SourceError):
        load(stand_in)
    assert capsys.readouterr().err == ""


def test_what_is_not_installed_is_to_be_installed(stand_in: Library) -> None:
    with pytest.raises(SourceError, match=r"^some_library is not installed; apt install some-library$"):
        load(stand_in)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (f"raise ImportError({GLIBC!r})", None, "^one is installed but cannot be loaded .*GLIBC_2.38"),
        (None, f"raise ImportError({GLIBC!r})", "^two is installed but cannot be loaded .*GLIBC_2.38"),
        (None, None, "^one is not installed; get one"),
    ],
)
def test_of_two_the_broken_one_is_named_and_not_the_absent_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str | None, second: str | None, expected: str
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for name, line in (("one", first), ("two", second)):
        monkeypatch.delitem(sys.modules, name, raising=False)
        if line:
            broken(tmp_path, name, line)
    with pytest.raises(ModelError, match=expected):
        first_of(Library("one", "one", ModelError, "get one"), Library("two", "two", ModelError, "get two"))


def test_said_keeps_the_kind_where_the_text_does_not_tell_it() -> None:
    assert [reason_of(error) for error in (KeyError("x"), ValueError(), ImportError("no\nreally"))] == [
        "KeyError: 'x'",
        "ValueError",
        "no",
    ]


@pytest.mark.parametrize("library", [CV2, LITERT, TFLITE, PICAMERA2], ids=lambda library: library.name)
def test_each_library_of_the_unit_has_an_error_with_its_exit_code(library: Library) -> None:
    assert issubclass(library.error, MaskwatchError)
    assert library.error.exit_code in (3, 4)


# -- check goes on ---------------------------------------------------------------------------------------------------

CONFIG = "[outputs.led]\npin = 27\n"
GL = "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')"
PROGRAM = "from maskwatch.cli import main; main()"
PARTS = ["config", "face model", "mask model", "camera", "led"]


def called(tmp_path: Path, *words: str, **lines: str) -> subprocess.CompletedProcess[str]:
    """maskwatch with libraries that fail so."""
    for module, line in lines.items():
        broken(tmp_path / "libraries", module.replace("__", "."), line)
    (tmp_path / "config.toml").write_text(CONFIG)
    path = os.pathsep.join(filter(None, (str(tmp_path / "libraries"), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words, "--config", str(tmp_path / "config.toml")],
        capture_output=True,
        text=True,
        env={**os.environ, "GPIOZERO_PIN_FACTORY": "mock", "PYTHONPATH": path},
        timeout=120,
        check=False,
    )


def checked(tmp_path: Path, source: str, **lines: str) -> tuple[int, dict[str, str]]:
    """maskwatch check, so; (exit code, subject -> its line)."""
    done = called(tmp_path, "check", "--source", source, **lines)
    assert done.stderr == ""
    return done.returncode, {line[5:].partition(":")[0]: line for line in done.stdout.splitlines()}


def test_check_names_a_broken_cv2_at_each_part_that_needs_it_and_goes_on(tmp_path: Path) -> None:
    code, lines = checked(tmp_path, "demo", cv2=GL)
    assert (code, [*lines]) == (4, PARTS)
    for part in ("face model", "mask model", "camera"):
        assert "libGL.so.1" in lines[part]
        assert lines[part].endswith("pip install opencv-python-headless")
    assert lines["led"].startswith("ok")


def test_check_names_a_broken_runtime_and_goes_on(tmp_path: Path) -> None:
    code, lines = checked(
        tmp_path,
        f"images:{tmp_path}",
        ai_edge_litert__interpreter=f"raise ImportError({GLIBC!r})",
        tflite_runtime__interpreter=ABSENT.format("tflite_runtime"),
    )
    assert (code, [*lines]) == (4, PARTS)
    assert "it needs GLIBC_2.38" in lines["face model"]
    assert "pip install" not in lines["face model"]
    assert lines["led"].startswith("ok")


def test_check_names_a_picamera2_of_another_numpy_and_goes_on(tmp_path: Path) -> None:
    code, lines = checked(tmp_path, "picamera:0", picamera2=f"raise ValueError({NUMPY!r})")
    assert [*lines] == PARTS
    assert code in (3, 4)  # 4 where no models are in the package
    assert "built for another numpy" in lines["camera"]
    assert lines["led"].startswith("ok")


def test_check_names_what_nobody_foresaw_with_its_place_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_all_things(_: object) -> str:
        raise ZeroDivisionError("rtsp://u:hunter2@door/x\nof all things")

    (tmp_path / "config.toml").write_text(CONFIG)
    for part in ("_face_model", "_mask_model", "_camera"):
        monkeypatch.setattr(check, part, of_all_things)
    monkeypatch.setattr(check, "_pin", lambda _: "works")
    found = list(check.findings(tmp_path / "config.toml", "demo"))
    assert [finding.subject for finding in found] == PARTS
    assert [finding.exit_code for finding in found] == [0, 1, 1, 1, 0]
    assert found[1].detail.startswith("unexpected ZeroDivisionError at system/test_libraries.py:")
    assert "of all things; please report" in found[1].detail
    assert "hunter2" not in found[1].detail


BLAS = "raise ImportError('libopenblas.so.0: cannot open shared object file: No such file or directory')"


def test_check_names_a_broken_numpy_at_each_part_that_needs_it_and_goes_on(tmp_path: Path) -> None:
    code, lines = checked(tmp_path, "demo", numpy=BLAS)
    assert (code, [*lines]) == (4, PARTS)
    for part in ("face model", "mask model", "camera"):
        assert "libopenblas.so.0 is missing: sudo apt install" in lines[part]
    assert lines["led"].startswith("ok")


def test_check_names_a_broken_gpiozero(tmp_path: Path) -> None:
    code, lines = checked(tmp_path, f"images:{tmp_path}", gpiozero=ABSENT.format("colorzero"))
    assert code
    assert lines["led"].endswith(
        "it needs colorzero, which is not installed: install that, or gpiozero again with what it needs"
    )


@pytest.mark.parametrize("words", [("run", "--source", "demo"), ("detect", ".")], ids=lambda words: words[0])
@pytest.mark.parametrize(
    ("module", "line", "code", "reason"),
    [
        ("cv2", GL, 4, "pip install opencv-python-headless"),
        ("numpy", BLAS, 4, "libopenblas.so.0 is missing"),
        ("pydantic_core", ELF, 1, "another processor"),
    ],
)
def test_the_other_commands_end_in_one_line_too(
    tmp_path: Path, words: tuple[str, ...], module: str, line: str, code: int, reason: str
) -> None:
    done = called(tmp_path, *words, **{module: line})
    assert (done.returncode, done.stdout) == (code, "")
    (told,) = done.stderr.splitlines()
    assert told.startswith("maskwatch: ")
    assert reason in told
