"""A card: which disks are refused, what is written and read back, and what a card is when somebody presses Ctrl-C."""

from __future__ import annotations

import json
import os
import plistlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from stand_in import UNIT, image, root, second_partition, small_tree

from maskwatch.cli.flashing import flash
from maskwatch.errors import FlashError
from maskwatch.flash import card, disk, job
from maskwatch.flash.card import Card, State
from maskwatch.flash.disk import Disk

GOOD = Disk("/dev/sdb", "SD Card Reader", 31_914_983_424, "usb", (), False, False)


# -- which disks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"is_system": True, "mounted": ("/",)}, "this computer runs from it"),
        ({"mounted": ("/media/me/bootfs", "/media/me/rootfs")}, "mounted at /media/me/bootfs, /media/me/rootfs"),
        ({"size": 2_000_000_000_000}, "too large for a card"),
        ({"size": 0}, "no card in it"),
        ({"size": 1_000_000}, "use a larger card"),
        ({"is_read_only": True}, "LOCK"),
    ],
)
def test_a_disk_that_cannot_be_meant_is_refused(change: dict[str, Any], expected: str) -> None:
    disk.require_card(GOOD, 3_000_000_000)
    with pytest.raises(FlashError, match=expected):
        disk.require_card(replace(GOOD, **change), 3_000_000_000)


def lsblk(**change: Any) -> Callable[..., bytes]:
    entry = {
        "name": "sdb", "path": "/dev/sdb", "size": 31914983424, "model": "SD Card Reader ", "tran": "usb", "ro": False,
        "type": "disk", "mountpoints": [None], "children": [{"name": "sdb1", "mountpoints": [None]}],
    }  # fmt: skip
    return lambda *words: json.dumps({"blockdevices": [entry | change]}).encode()  # noqa: ARG005


@pytest.mark.parametrize(
    ("change", "mounted", "is_system"),
    [
        ({}, (), False),
        ({"children": [{"mountpoints": ["/media/me/bootfs"]}]}, ("/media/me/bootfs",), False),
        ({"children": [{"mountpoints": [None], "children": [{"mountpoints": ["/"]}]}]}, ("/",), True),  # LUKS, LVM
        ({"children": [{"mountpoints": ["[SWAP]"]}]}, ("[SWAP]",), True),
        ({"mountpoints": None, "mountpoint": "/home"}, ("/home",), True),  # util-linux before 2.37
        ({"model": None, "tran": None}, (), False),
    ],
)
def test_lsblk_tells_what_is_mounted_and_what_the_system_is_on(
    change: dict[str, Any], mounted: tuple[str, ...], is_system: bool
) -> None:
    found = disk.find("/dev/sdb", lsblk(**change), "linux")
    assert (found.mounted, found.is_system, found.size) == (mounted, is_system, GOOD.size)


@pytest.mark.parametrize("kind", ["part", "loop", "rom", "crypt"])
def test_a_part_of_a_disk_is_refused(kind: str) -> None:
    with pytest.raises(FlashError, match="expected a whole disk"):
        disk.find("/dev/sdb1", lsblk(type=kind), "linux")


def diskutil(volume: str | None = None, **change: Any) -> Callable[..., bytes]:
    facts = {
        "DeviceNode": "/dev/disk4", "WholeDisk": True, "MediaName": "SDXC Reader", "TotalSize": 31914983424,
        "BusProtocol": "Secure Digital", "Internal": True, "WritableMedia": True,
    }  # fmt: skip
    part = {"DeviceIdentifier": "disk4s1"} | ({"MountPoint": volume} if volume else {})
    listed = {"AllDisksAndPartitions": [{"DeviceIdentifier": "disk4", "Partitions": [part]}]}
    return lambda *words: plistlib.dumps(facts | change if "info" in words else listed)


def test_diskutil_tells_a_card_from_the_macs_own_disk() -> None:
    found = disk.find("/dev/disk4", diskutil(), "darwin")
    assert (found.name, found.is_system, found.mounted, found.is_read_only) == ("disk4", False, (), False)
    assert disk.find("/dev/disk4", diskutil("/Volumes/bootfs"), "darwin").mounted == ("/Volumes/bootfs",)
    assert disk.find("/dev/disk0", diskutil(BusProtocol="Apple Fabric"), "darwin").is_system
    assert disk.find("/dev/disk4", diskutil(WritableMedia=False), "darwin").is_read_only
    with pytest.raises(FlashError, match="is a partition"):
        disk.find("/dev/disk4s1", diskutil(WholeDisk=False), "darwin")


def test_elsewhere_and_without_such_a_disk_there_is_advice() -> None:
    with pytest.raises(FlashError, match="Raspberry Pi Imager"):
        disk.find("E:", lsblk(), "win32")
    with pytest.raises(FlashError, match=r"no such disk|not installed"):
        disk.find("/dev/no-such-disk", platform="linux")


# -- writing --------------------------------------------------------------------------------------------------------


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """An image of three chunks, and a larger file in the card's place, with something else on it."""
    monkeypatch.setattr(card, "CHUNK", 4096)
    (tmp_path / "unit.img").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "card").write_bytes(b"x" * 20_000)
    return tmp_path / "unit.img", tmp_path / "card"


def test_what_is_written_is_read_back(written: tuple[Path, Path]) -> None:
    source, there = written
    told: list[tuple[int, int]] = []
    target = Card(there)
    target.write(source, lambda done, total: told.append((done, total)))
    assert target.state is State.WRITTEN
    target.check(source)
    assert target.state is State.CHECKED
    assert there.read_bytes() == source.read_bytes() + b"x" * (20_000 - source.stat().st_size)
    assert told[-1] == (source.stat().st_size, source.stat().st_size)


def test_a_card_that_keeps_something_else_is_found_out(written: tuple[Path, Path]) -> None:
    source, there = written
    target = Card(there)
    target.write(source)
    content = bytearray(there.read_bytes())
    content[9000] ^= 1
    there.write_bytes(content)
    with pytest.raises(FlashError, match="differs from what was written"):
        target.check(source)
    assert target.state is State.WRITTEN


def test_a_card_smaller_than_it_says_is_found_out(written: tuple[Path, Path]) -> None:
    source, there = written
    target = Card(there)
    target.write(source)
    with there.open("r+b") as file:
        file.truncate(9000)
    with pytest.raises(FlashError, match="smaller than it claims"):
        target.check(source)


def test_ctrl_c_in_the_middle_leaves_a_card_that_shows_as_empty(written: tuple[Path, Path]) -> None:
    source, there = written

    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    target = Card(there)
    with pytest.raises(KeyboardInterrupt):
        target.write(source, interrupt)
    assert target.state is State.PARTIAL
    assert there.read_bytes()[:4096] == bytes(4096)


def test_a_card_that_cannot_be_opened_is_untouched(tmp_path: Path) -> None:
    (tmp_path / "unit.img").write_bytes(b"a")
    target = Card(tmp_path / "none")
    with pytest.raises(FlashError, match="cannot be opened"):
        target.write(tmp_path / "unit.img")
    assert target.state is State.UNTOUCHED


# -- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workstation with a base image, a unit file and a file in the card's place; lsblk says it is a good card."""
    image(tmp_path / "base.img")
    (tmp_path / "door.toml").write_text(UNIT)
    (tmp_path / "card").write_bytes(b"x" * 50_000_000)
    there = replace(GOOD, path=str(tmp_path / "card"))
    monkeypatch.setattr(disk, "find", lambda path: replace(there, path=path))
    monkeypatch.setattr(job.tree, "build", small_tree)
    monkeypatch.setattr(job.Job.__init__, "__defaults__", (small_tree,))
    return tmp_path


def flashed(desk: Path, typed: str) -> Any:
    words = [str(desk / "door.toml"), "--image", str(desk / "base.img"), "--device", str(desk / "card")]
    return CliRunner().invoke(flash, words, input=typed)


def test_a_card_is_written_after_its_name_was_typed(desk: Path) -> None:
    result = flashed(desk, "card\n")
    assert result.exit_code == 0, result.output
    assert f"{desk / 'card'}, SD Card Reader, 31.9 GB, usb; everything on it will be lost" in result.output
    assert State.CHECKED.value in result.output
    assert second_partition(desk / "card").startswith(root())
    assert not list(desk.glob(".maskwatch*")), "the image for the card was left behind"


@pytest.mark.parametrize("typed", ["y\n", "\n", "", "sdc\n"])
def test_anything_else_that_is_typed_leaves_the_card_alone(desk: Path, typed: str) -> None:
    before = (desk / "card").read_bytes()
    assert flashed(desk, typed).exit_code != 0
    assert (desk / "card").read_bytes() == before
    assert not list(desk.glob(".maskwatch*"))


def test_ctrl_c_says_what_state_the_card_is_in(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = card._write_at

    def interrupted(number: int, place: int, content: bytes) -> None:
        if place:
            raise KeyboardInterrupt
        real(number, place, content)

    monkeypatch.setattr(card, "_write_at", interrupted)
    result = flashed(desk, "card\n")
    assert result.exit_code != 0
    assert State.PARTIAL.value in result.output


def test_a_card_that_is_not_there_is_told_before_its_image_is_made(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(path: str) -> Disk:
        raise FlashError(f"{path}: no such disk")

    monkeypatch.setattr(disk, "find", missing)
    monkeypatch.setattr(job.Job, "write", lambda *_: pytest.fail("made an image"))
    assert "no such disk" in str(flashed(desk, "card\n").exception)


def test_without_the_right_to_write_it_says_so_before_its_image_is_made(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: str(path) != str(desk / "card"))
    monkeypatch.setattr(job.Job, "write", lambda *_: pytest.fail("made an image"))
    assert "run the same command with sudo" in str(flashed(desk, "card\n").exception)


@pytest.mark.parametrize(
    ("more", "option"),
    [
        (["-o", "door.toml"], "-o"),
        (["-o", "new.img", "--sheet", "door.toml"], "--sheet"),
        (["--bundle", "door.toml", "--system", "trixie"], "--bundle"),
    ],
)
def test_a_file_that_is_read_is_not_replaced(
    desk: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], option: str
) -> None:
    monkeypatch.chdir(desk)
    result = CliRunner().invoke(flash, ["door.toml", "--image", "base.img", *more])
    assert f"{option} door.toml: would replace a file that is read" in str(result.exception)
    assert (desk / "door.toml").read_text() == UNIT


def test_a_bundle_for_a_folder_that_is_not_there_is_refused_before_it_is_made(desk: Path) -> None:
    result = CliRunner().invoke(flash, ["--bundle", str(desk / "none" / "a.bundle"), "--system", "trixie"])
    assert "there is no folder" in str(result.exception)
