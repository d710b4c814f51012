"""Slow parts, made once a session and in this order: base image, the unit's card, a first boot.

A boot is what takes longest, so the unit of the first boot stays on: the tests go on with it, file after file.
MASKWATCH_PI_GO_ON=1 goes on from the cards that an earlier session left, and boots the installed one anew.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from emulated_pi import base_image, board, cache, flashing, needs, scene, transcript, waiting, wheels
from emulated_pi.board import Board, Card
from emulated_pi.first_boot import FirstBoot
from emulated_pi.transcript import Transcript

GO_ON = bool(os.environ.get("MASKWATCH_PI_GO_ON"))


@pytest.fixture(scope="session")
def packages() -> list[str]:
    """The Debian packages that had to be installed: all else needs them, QEMU among them."""
    try:
        return needs.install()
    except needs.MissingError as missing:
        pytest.exit(str(missing), returncode=1)


@pytest.fixture(scope="session")
def told(packages: list[str]) -> Transcript:
    """Lines and figures of this run."""
    told = Transcript(transcript.results(), board.QEMU)
    told.say(f"Debian packages installed: {' '.join(packages)}" if packages else "Debian packages are all there")
    return told


@pytest.fixture(scope="session")
def work() -> Path:
    """A folder for cards, on the cache's disk: they are large."""
    folder = cache.folder() / "run"
    if not GO_ON:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def base(told: Transcript) -> Path:
    """The stand-in for Raspberry Pi OS Lite."""
    with told.timed("base image (from the cache, if it was there)", "base_image_s"):
        image = base_image.built()
    told.note("base_image_bytes", image.stat().st_size)
    return image


@pytest.fixture(scope="session")
def unit_image(request: pytest.FixtureRequest, work: Path, told: Transcript) -> Path:
    """A unit's card as `maskwatch flash` writes it, with the scene for its eyes and what later tests need beside it."""
    whole = work / "flashed"
    if whole.exists():
        told.say("the card is the one that an earlier session flashed")
        return work / "door-1.img"
    base = request.getfixturevalue("base")
    with told.timed("maskwatch flash", "flash_s"):
        image = flashing.flash(base, work)
    flashing.put(image, scene.write(work / "scene"), *wheels.build(work / "wheels"), *flashing.STUCK)
    told.note("unit_image_bytes", image.stat().st_size)
    whole.touch()
    return image


@pytest.fixture(scope="session")
def first_boot(unit_image: Path, work: Path, told: Transcript) -> Iterator[FirstBoot]:
    """The unit after its first boot, which watches."""
    with FirstBoot(unit_image, work / "first", told) as boot:
        yield boot


@pytest.fixture(scope="session")
def unit(request: pytest.FixtureRequest, work: Path, told: Transcript) -> Iterator[Board]:
    """A unit after its first boot, switched on, with a shell."""
    whole = work / "booted"
    if GO_ON and whole.exists():
        told.say("the card is the one whose first boot an earlier session ran")
        with Board(Card.found(work / "first"), flashing.PINS) as board:
            waiting.watching(board)
            board.console.log_in()
            yield board
        return
    first: FirstBoot = request.getfixturevalue("first_boot")
    whole.touch()
    yield first.board
