"""A file is there whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from maskwatch.system import whole_file

MINE = Path(whole_file.__file__)
WORKSHOPS = [MINE.parents[1], *(MINE.parents[3] / name for name in ("training", "convert", "benchmarks"))]
# `unpack` runs before the package is there; images of gigabytes are copied with progress, and cards are no files.
OTHERS = {"unpack.py", "image.py", "job.py", "card.py"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "a.json").write_text("old")
    return tmp_path / "a.json"


def alone(path: Path) -> bool:
    return [left.name for left in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(("content", "bytes_"), [("grün\n", "grün\n".encode()), (b"\0\xff", b"\0\xff"), ("", b"")])
def test_text_and_bytes_are_written(path: Path, content: str | bytes, bytes_: bytes) -> None:
    whole_file.write(path, content)
    assert path.read_bytes() == bytes_
    assert alone(path)


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
def test_a_secret_is_never_readable_by_others_not_even_while_it_is_written(
    path: Path, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    sync = os.fsync

    def look(number: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(number).st_mode))
        sync(number)

    monkeypatch.setattr(os, "fsync", look)
    old = os.umask(0)
    try:
        whole_file.write(path, "new", mode)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == seen[0] == mode


def fails(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_what_was_there_stays_when_a_step_fails_and_nothing_lies_about(
    path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, step, fails)
    with pytest.raises(OSError, match="No space"):
        whole_file.write(path, "new")
    assert path.read_text() == "old"
    assert alone(path)


def test_the_same_holds_when_whoever_writes_fails_or_is_interrupted(path: Path) -> None:
    def written(error: type[BaseException]) -> None:
        with whole_file.beside(path) as temporary:
            temporary.write_text("half")
            raise error

    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error):
            written(error)
        assert path.read_text() == "old"
        assert alone(path)


def test_nothing_written_is_an_error_and_not_an_empty_file(path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_file.beside(path):
        pass
    assert path.read_text() == "old"


@pytest.mark.parametrize("name", ["model.keras", "x.weights.h5", "picture.png", "noending"])
def test_the_ending_is_that_of_the_file(tmp_path: Path, name: str) -> None:
    with whole_file.beside(tmp_path / name) as temporary:
        assert temporary.name.endswith(name)
        assert temporary.parent == tmp_path
        temporary.write_text("x")


def test_it_is_on_the_disk_before_it_has_its_name_and_so_is_the_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    sync, replace = os.fsync, os.replace

    def note_sync(number: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "file")
        sync(number)

    def note_rename(*names: Path) -> None:
        order.append("rename")
        replace(*names)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_rename)
    whole_file.write(path, "new")
    assert order == ["file", "rename", "folder"]


def test_a_killed_process_leaves_the_old_file(path: Path) -> None:
    program = (
        "import os, pathlib, sys; from maskwatch.system import whole_file\n"
        "with whole_file.beside(pathlib.Path(sys.argv[1])) as file:\n"
        "    file.write_text('half'); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 9
    assert path.read_text() == "old"


def test_a_link_takes_the_place_of_another_and_of_a_file(tmp_path: Path) -> None:
    place = tmp_path / "current"
    for target in ("one", "two"):
        whole_file.link(place, target)
        assert os.readlink(place) == target  # noqa: PTH115 - as it is written
    place.unlink()
    place.write_text("a file")
    whole_file.link(place, "three")
    assert os.readlink(place) == "three"  # noqa: PTH115
    assert alone(place)


def test_it_needs_the_standard_library_alone() -> None:
    program = (
        "import sys; from maskwatch.system import whole_file\n"
        "assert not {'numpy', 'cv2', 'pydantic', 'click', 'gpiozero'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_no_other_module_renames_files_of_its_own() -> None:
    found = [
        path
        for folder in WORKSHOPS
        for path in folder.rglob("*.py")
        if path != MINE and ("fsync" in (text := path.read_text()) or "temporary.replace(" in text)
    ]
    assert {path.name for path in found} == OTHERS
