"""Makes a tree with another version beside the one in use: from our wheel, from a bundle, or with pip from the
network."""

from __future__ import annotations

import json
import os
import re
import shutil
import tarfile
import tempfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

from maskwatch.errors import FlashError
from maskwatch.install import install, shipped, trees, unpack
from maskwatch.install.machine import Machine
from maskwatch.install.places import HOME, TREES

BUNDLE, MANIFEST = "bundle.tar.gz", "manifest.json"
REQUIREMENT = re.compile(r"maskwatch(\[pi\])?([=<>~!]=?[\w.,=<>~!*]+)?")
LIMIT = 3600.0  # seconds


def make(machine: Machine, what: str) -> Path:
    """Make a tree.

    Args:
        machine: to update.
        what: a .whl or bundle file, or `maskwatch` with a version, e.g. maskwatch==0.2.0.

    Raises:
        FlashError: it is none of these, is damaged, or is not for this unit.
    """
    path = Path(what)
    if path.is_file():
        return _of_wheel(machine, path) if path.suffix == ".whl" else _of_bundle(machine, path)
    if REQUIREMENT.fullmatch(what):
        return _of_package(machine, what)
    raise FlashError(f"{what}: not a file, and not a package name; expected a .whl, a bundle, or e.g. maskwatch==0.2.0")


def package_of(tree: Path) -> Path:
    """The folder `maskwatch` in a tree.

    Raises:
        FlashError: the tree does not contain it.
    """
    found = next(tree.glob("lib/python3.*/site-packages/maskwatch"), None)
    if found is None:
        raise FlashError(f"{tree}: contains no package maskwatch")
    return found


def _of_wheel(machine: Machine, path: Path) -> Path:
    """A copy of the tree in use with our package replaced. The dependencies stay, so they must be the same."""
    before = trees.in_use(machine) or machine.at(f"{HOME}/venv")
    try:
        with zipfile.ZipFile(path) as wheel:
            if wheel.testzip() is not None:
                raise FlashError(f"{path.name}: damaged; copy it again")
            version, needs = _facts(path, wheel)
            _require_the_same_needs(path, needs, before)
            return _exchanged(machine, before, wheel, version, unpack.hash_of(path)[:8])
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise FlashError(f"{path.name}: not a readable wheel of maskwatch ({error})") from None


def _exchanged(machine: Machine, before: Path, wheel: zipfile.ZipFile, version: str, mark: str) -> Path:
    name = f"{version}-wheel-{mark}"
    tree, temporary = machine.at(f"{TREES}/{name}"), machine.at(f"{TREES}/.unpacking-{name}")
    if tree.is_dir():
        return tree
    shutil.rmtree(temporary, ignore_errors=True)
    site_name = package_of(before).parent.relative_to(before)
    # Hard links for the dependencies, because a unit's card is small. Our package is removed and written again.
    shutil.copytree(before, temporary, symlinks=True, copy_function=_link)
    for old in (temporary / site_name).glob("maskwatch*"):
        shutil.rmtree(old)
    wheel.extractall(temporary / site_name)  # noqa: S202 - all names were checked
    unpack.compile_all(temporary / site_name / "maskwatch", jobs=1)
    os.sync()  # all files must be on the card before the rename
    temporary.rename(tree)
    return tree


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def _facts(path: Path, wheel: zipfile.ZipFile) -> tuple[str, set[str]]:
    """The version and the dependencies."""
    names = wheel.namelist()
    if any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in names):
        raise FlashError(f"{path.name}: contains a path outside its folder")
    (metadata,) = [name for name in names if re.fullmatch(r"maskwatch-[^/]+\.dist-info/METADATA", name)] or [""]
    if not metadata:
        raise FlashError(f"{path.name}: is not a wheel of maskwatch")
    facts = HeaderParser().parsestr(wheel.read(metadata).decode())
    needs = {need for need in facts.get_all("Requires-Dist") or [] if "extra ==" not in need}
    return str(facts["Version"]), needs


def _require_the_same_needs(path: Path, needs: set[str], before: Path) -> None:
    there = next(package_of(before).parent.glob("maskwatch-*.dist-info/METADATA"), None)
    facts = HeaderParser().parsestr(there.read_text() if there else "")
    had = {need for need in facts.get_all("Requires-Dist") or [] if "extra ==" not in need}
    if had and needs != had:
        other = ", ".join(sorted(needs - had)) or "fewer"
        raise FlashError(
            f"{path.name}: needs other packages than this unit has ({other}); use a bundle of that version "
            "(`maskwatch flash --bundle`), or download it: sudo maskwatch update maskwatch==VERSION"
        )


def _of_bundle(machine: Machine, path: Path) -> Path:
    try:
        with tarfile.open(path) as outer, tempfile.TemporaryDirectory(dir=machine.at(HOME)) as folder:
            manifest = outer.extractfile(MANIFEST)
            assert manifest is not None
            facts = json.loads(manifest.read())
            outer.extract(BUNDLE, folder, filter="data")
            return unpack.unpack(Path(folder) / BUNDLE, facts, machine.at(HOME))
    except unpack.UnpackError as error:
        raise FlashError(f"{path.name}: {error}") from None
    except OSError as error:
        raise FlashError(f"{path.name}: cannot be read ({error.strerror or error})") from None
    except (tarfile.TarError, KeyError, ValueError):
        raise FlashError(
            f"{path.name}: not a readable bundle; expected a file that `maskwatch flash --bundle` made, or a .whl"
        ) from None


def _of_package(machine: Machine, requirement: str) -> Path:
    """Install with pip into a separate venv, with the exact versions of the package in use."""
    name = re.sub(r"[^\w.]+", "-", requirement).strip("-")
    tree = machine.at(f"{TREES}/{name}")
    shutil.rmtree(tree, ignore_errors=True)
    constraints = shipped.path("constraints", "pi-bookworm.txt" if _is_bookworm(machine) else "pi-trixie.txt")
    made = machine.run("python3", "-m", "venv", "--system-site-packages", str(tree))
    if made.code:
        raise FlashError(
            f"cannot create a venv ({made.last_line}); sudo apt install python3-venv, or use a wheel or bundle"
        )
    wanted = requirement.replace("maskwatch", "maskwatch[pi]", 1) if "[" not in requirement else requirement
    done = machine.run(
        *(str(tree / "bin" / "pip"), "install", "-q", "--constraint", str(constraints), wanted), limit=LIMIT
    )
    if done.code:
        shutil.rmtree(tree, ignore_errors=True)
        raise FlashError(f"{requirement}: pip cannot install it ({done.last_line})")
    install.dress(tree)
    return tree


def _is_bookworm(machine: Machine) -> bool:
    path = machine.at("/etc/os-release")
    return path.exists() and "bookworm" in path.read_text()
