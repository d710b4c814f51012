"""Every file lies in a room, every room says what it is about, and tests import no tests."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Folder -> its rooms, and what lies beside them. A new room or a new loose file is a decision: it is written down here.
ROOMS: dict[str, tuple[set[str], set[str]]] = {
    "device/maskwatch": (
        {"camera", "cli", "config", "daemon", "flash", "install", "models", "outputs", "pins", "presence", "records"}
        | {"system", "text", "vision"},
        {"__init__.py", "config.toml", "errors.py", "flow.py", "py.typed"},
    ),
    "training": (
        {"augment", "classifier", "commands", "finder", "judging", "models", "networks", "pictures", "results", "runs"}
        | {"strangers", "study", "yolo"},
        {"__init__.py", "__main__.py", "options.py"},
    ),
    "benchmarks": (
        {"behaviour", "commands", "daemon", "instructions", "networks", "report", "results"},
        {"__init__.py", "__main__.py", "host.py", "records.py"},
    ),
    "tests": (
        {"benchmarks", "camera", "cli", "config", "convert", "daemon", "flash", "house", "outputs", "pi", "pins"}
        | {"presence", "records", "support", "system", "text", "training", "vision"},
        {"conftest.py"},
    ),
}
OF_DATA = {"models", "results"}  # rooms that hold no code
FEWEST_WORDS = 4


def files(folder: str) -> list[Path]:
    """What git knows below a folder, relative to it; also what was not committed yet."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", folder]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if told.returncode:
        pytest.skip("this is no git checkout")
    known = [Path(name).relative_to(folder) for name in told.stdout.split("\0") if name]
    return [path for path in known if (ROOT / folder / path).exists()]


@pytest.mark.parametrize("folder", ROOMS)
def test_no_file_lies_outside_a_room(folder: str) -> None:
    rooms, loose = ROOMS[folder]
    found = files(folder)
    assert {path.parts[0] for path in found if len(path.parts) > 1} == rooms
    assert {path.name for path in found if len(path.parts) == 1} == loose


@pytest.mark.parametrize("folder", ["device/maskwatch", "training", "benchmarks"])
def test_every_room_says_what_it_is_about(folder: str) -> None:
    for room in ROOMS[folder][0] - OF_DATA:
        source = ROOT / folder / room / "__init__.py"
        said = ast.get_docstring(ast.parse(source.read_text())) or ""
        assert len(said.split()) >= FEWEST_WORDS, source


def imported(path: Path) -> set[str]:
    """The first part of each module that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_tests_import_no_tests() -> None:
    """What two of them need lies in support/."""
    sources = sorted((ROOT / "tests").rglob("*.py"))
    assert len(sources) > 100
    tests = {path.stem for path in sources if path.name.startswith("test_")}
    assert {str(path): sorted(imported(path) & tests) for path in sources if imported(path) & tests} == {}


def test_every_device_room_has_its_tests() -> None:
    rooms = ROOMS["device/maskwatch"][0] - OF_DATA
    tested = {path.parts[0] for path in files("tests") if path.name.startswith("test_")}
    assert rooms - tested - {"install"} == set()  # what installs is tested with what flashes


def test_what_the_guide_for_contributors_names_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`((?:device|training|convert|benchmarks|tests)(?:/[\w./]+)?)`", text))
    assert len(named) >= 30
    assert sorted(name for name in named if not (ROOT / name).exists()) == []
    rooms = set(re.findall(r"`(?:device/maskwatch/)?(\w+)`", text))
    assert ROOMS["device/maskwatch"][0] - OF_DATA - rooms == set()


def test_every_function_that_the_guide_names_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for function, file in re.findall(r"`(\w+)` in `([\w./]+\.py)`", text):
        assert f"def {function}(" in (ROOT / file).read_text()
