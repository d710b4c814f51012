"""The repository's rules: the device needs no workshop, every pin is exact, the wheel holds only the package."""

import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGE = ROOT / "device" / "maskwatch"
CONSTRAINTS = sorted((ROOT / "constraints").iterdir())


# -- what the device imports ----------------------------------------------------------------------------------------

BLOCKED = ("tensorflow", "keras", "matplotlib", "sklearn", "training", "convert", "benchmarks")
IMPORT_EACH = f"""
import importlib, sys

class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED}:
            raise ImportError(name + " is kept from the device")

sys.meta_path.insert(0, Guard())
for name in sys.argv[1:]:
    importlib.import_module(name)
    print(name)
"""


def import_each(names: list[str]) -> subprocess.CompletedProcess[str]:
    """Import the names in a new interpreter that cannot see the workshops and their libraries; prints what it got."""
    command = [sys.executable, "-c", IMPORT_EACH, *names]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def modules() -> list[str]:
    """maskwatch.cli, maskwatch.outputs.gpio, ...; a package's own __init__ goes by the package's name."""
    paths = [path.relative_to(PACKAGE.parent).with_suffix("") for path in PACKAGE.rglob("*.py")]
    return sorted(".".join(path.parts).removesuffix(".__init__") for path in paths)


def test_the_modules_are_found() -> None:
    assert {"maskwatch", "maskwatch.cli", "maskwatch.camera.live", "maskwatch.outputs.gpio"} <= set(modules())


def test_every_module_imports_without_the_workshops_and_their_libraries() -> None:
    result = import_each(modules())
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == modules()


@pytest.mark.parametrize("name", BLOCKED)
def test_the_guard_above_lets_none_of_them_through(name: str) -> None:
    assert f"{name} is kept from the device" in import_each([name]).stderr


def workshops() -> list[str]:
    """training.pictures.data, convert.page, ...; not what runs when imported, nor the measuring child's own files."""
    paths = [path for name in ("training", "convert", "benchmarks") for path in (ROOT / name).rglob("*.py")]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    return sorted(name for name in names if not name.endswith("__main__") and ".child" not in name)


def test_every_module_of_the_workshops_finds_what_it_imports() -> None:
    pytest.importorskip("tensorflow", reason="the workshops need extra `train`")
    command = [sys.executable, "-c", "import importlib, sys; [importlib.import_module(n) for n in sys.argv[1:]]"]
    result = subprocess.run(
        [*command, *workshops()], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert {"training.judging.peers", "convert.page", "benchmarks.networks.search"} <= set(workshops())


# -- the pins -------------------------------------------------------------------------------------------------------


class Place(NamedTuple):
    """A machine that a constraints file is for."""

    file: str
    python: str
    machine: str
    extras: tuple[str, ...]

    def takes(self, requirement: Requirement) -> bool:
        """Whether the requirement's marker holds there."""
        python = {"python_version": self.python, "python_full_version": f"{self.python}.0"}
        linux = {"platform_machine": self.machine, "platform_system": "Linux", "sys_platform": "linux", "extra": ""}
        return requirement.marker is None or requirement.marker.evaluate(python | linux)


EXTRAS = PROJECT["optional-dependencies"]
PLACES = [
    *(Place("workstation.txt", python, "x86_64", tuple(EXTRAS)) for python in ("3.11", "3.12", "3.13", "3.14")),
    Place("pi-bookworm.txt", "3.11", "aarch64", ("pi",)),
    Place("pi-trixie.txt", "3.13", "aarch64", ("pi",)),
]
each_place = pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.file}-{place.python}")
each_file = pytest.mark.parametrize("path", CONSTRAINTS, ids=lambda path: path.name)


def lines(path: Path) -> list[Requirement]:
    return [Requirement(line) for line in path.read_text().splitlines() if line and not line.startswith("#")]


def pins(place: Place) -> dict[str, Version]:
    here = [line for line in lines(ROOT / "constraints" / place.file) if place.takes(line)]
    return {canonicalize_name(line.name): Version(next(iter(line.specifier)).version) for line in here}


def asked_for(place: Place) -> list[Requirement]:
    """What pyproject.toml asks for there: the dependencies and the place's extras."""
    texts = [*PROJECT["dependencies"], *(text for extra in place.extras for text in EXTRAS[extra])]
    return [requirement for requirement in map(Requirement, texts) if place.takes(requirement)]


def needed(place: Place, requirements: list[Requirement]) -> set[str]:
    """The requirements' names and, as far as they are installed here, what they need themselves."""
    names: set[str] = set()
    waiting = [canonicalize_name(requirement.name) for requirement in requirements]
    while waiting:
        name = waiting.pop()
        if name not in names:
            names.add(name)
            needs = [Requirement(text) for text in own_needs(name)]
            waiting += [canonicalize_name(need.name) for need in needs if place.takes(need)]
    return names


def own_needs(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:  # lgpio away from the Pi
        return []


def test_every_constraints_file_has_its_place() -> None:
    assert {path.name for path in CONSTRAINTS} == {place.file for place in PLACES}


@each_file
def test_every_line_is_one_exact_version(path: Path) -> None:
    for line in lines(path):
        (specifier,) = line.specifier
        assert (specifier.operator, line.url, line.extras) == ("==", None, set()), str(line)
        assert "*" not in specifier.version, str(line)


@each_file
@pytest.mark.parametrize("words", ["://", "--index-url", "--extra-index-url", "--find-links", "--hash", "-i "])
def test_no_constraints_file_says_where_packages_come_from(path: Path, words: str) -> None:
    assert words not in path.read_text()


@each_place
def test_everything_installed_is_pinned_down_to_the_last_dependency(place: Place) -> None:
    assert needed(place, asked_for(place)) - pins(place).keys() == set()


@each_place
def test_pins_are_versions_that_pyproject_accepts(place: Place) -> None:
    pinned = pins(place)
    refused = [
        str(requirement)
        for requirement in asked_for(place)
        if not requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])
    ]
    assert refused == []


# -- the wheel ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel made now; hatchling from extra `dev`, so that no registry is asked."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    (path,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(path).namelist())


def test_the_wheel_holds_maskwatch_and_its_dist_info_alone(wheel: set[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel}
    assert tops == {"maskwatch", f"maskwatch-{PROJECT['version']}.dist-info"}


def test_the_wheel_holds_maskwatch_whole(wheel: set[str]) -> None:
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {path.relative_to(PACKAGE.parent).as_posix() for path in files} - wheel == set()
