"""Unpacks a bundle to a tree of packages and checks each file.

It also runs from the boot partition, so it uses the standard library alone.

    python3 unpack.py BUNDLE MANIFEST FOLDER     prints FOLDER/trees/ID

After a power cut at any moment, the tree either exists completely under its name, or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

CHUNK = 1 << 20  # bytes
SPARE = 64 << 20  # bytes that must stay free on the card


class UnpackError(Exception):
    """Why the tree cannot be made, in one line."""


def unpack(bundle: Path, manifest: dict[str, Any], folder: Path) -> Path:
    """Make the tree FOLDER/trees/ID. If it exists, it is checked, and made again if a file is wrong.

    Raises:
        UnpackError: the bundle is damaged or made for another system, or there is no room.
    """
    _require_this_system(manifest)
    trees = folder / "trees"
    trees.mkdir(parents=True, exist_ok=True)
    for left in trees.glob(".unpacking-*"):
        shutil.rmtree(left, ignore_errors=True)
    tree = trees / str(manifest["id"])
    if tree.is_dir():
        if wrong(tree, manifest) is None:
            return tree
        shutil.rmtree(tree)
    _require_room(trees, manifest)
    temporary = trees / f".unpacking-{manifest['id']}"
    _extract(bundle, manifest, temporary)
    if not manifest["compiled"]:
        compile_all(temporary)
    os.sync()  # all files must be on the card before the rename
    temporary.rename(tree)
    _sync_folder(trees)
    return tree


def wrong(tree: Path, manifest: dict[str, Any]) -> str | None:
    """The first file or link of a tree that is missing or differs from the manifest; None: all are right."""
    for name, target in manifest["links"].items():
        if not (tree / name).is_symlink() or os.readlink(tree / name) != target:  # noqa: PTH115
            return str(name)
    for name, facts in manifest["files"].items():
        try:
            if hash_of(tree / name) != facts["sha256"]:
                return str(name)
        except OSError:
            return str(name)
    return None


def _require_this_system(manifest: dict[str, Any]) -> None:
    python = tuple(manifest["python"])
    if sys.version_info[:2] != python:
        raise UnpackError(
            f"the bundle is for Python {python[0]}.{python[1]} ({manifest['system']}), but this system has "
            f"{sys.version_info[0]}.{sys.version_info[1]}: flash with the right --system"
        )
    if os.uname().machine != manifest["machine"]:
        raise UnpackError(
            f"the bundle is for {manifest['machine']}, but this machine is {os.uname().machine}: use a 64-bit system"
        )


def _require_room(trees: Path, manifest: dict[str, Any]) -> None:
    facts = os.statvfs(trees)
    free, needed = facts.f_bavail * facts.f_frsize, manifest["size"] + SPARE
    if free < needed:
        raise UnpackError(f"{free // 2**20} MB free on the card, but {needed // 2**20} MB needed: use a larger card")


def _extract(bundle: Path, manifest: dict[str, Any], into: Path) -> None:
    expected = dict(manifest["files"])
    into.mkdir()
    try:
        with tarfile.open(bundle, "r:gz") as archive:
            for member in archive:
                if not member.isfile() or member.name not in expected:
                    raise UnpackError(
                        f"the bundle contains {member.name!r}, which is not in its manifest: make it again"
                    )
                _write(archive, member, expected.pop(member.name), into)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UnpackError(f"cannot unpack the bundle ({error}): flash the card again") from error
    if expected:
        raise UnpackError(f"{next(iter(expected))} is missing in the bundle: flash the card again")
    for name, target in manifest["links"].items():
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        (into / name).symlink_to(target)


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, facts: dict[str, Any], into: Path) -> None:
    path = into / member.name
    if ".." in path.parts or not path.is_relative_to(into):
        raise UnpackError(f"the bundle contains {member.name!r}, a path outside its folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    source = archive.extractfile(member)
    assert source is not None
    digest = hashlib.sha256()
    with path.open("wb") as file:
        while content := source.read(CHUNK):
            digest.update(content)
            file.write(content)
    if digest.hexdigest() != facts["sha256"]:
        raise UnpackError(f"{member.name} is damaged: flash the card again")
    path.chmod(stat.S_IMODE(facts["mode"]))


def compile_all(tree: Path, jobs: int = 0) -> None:
    """Make .pyc files, if the workstation had no matching Python. Files that cannot be compiled are skipped."""
    command = [
        sys.executable,
        "-m",
        "compileall",
        "-q",
        "-j",
        str(jobs),
        "--invalidation-mode",
        "unchecked-hash",
        str(tree),
    ]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def hash_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def main(bundle: str, manifest: str, folder: str) -> int:
    """Unpack and print the tree's path. A failure is written to stderr, and to FOLDER/unpack.log for the report."""
    try:
        print(unpack(Path(bundle), json.loads(Path(manifest).read_text()), Path(folder)))
    except (UnpackError, OSError) as error:
        print(error, file=sys.stderr)
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / "unpack.log").write_text(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
