"""Makes a unit's image from a base image and a unit file."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from maskwatch.errors import FlashError
from maskwatch.flash import boot_partition, image, payload, system, tree, wheels
from maskwatch.flash.payload import Bundle
from maskwatch.flash.system import System
from maskwatch.flash.terminal import Terminal
from maskwatch.flash.unit_file import Unit

TreeMaker = Callable[[System, Path, Path, str | None, Callable[[str], None]], bool]
"""See tree.build."""
MARGIN = 32 << 20  # bytes that must stay free on the disk of the image


@dataclass(frozen=True, slots=True)
class Base:
    """What every unit of a job is made from."""

    image: Path
    sha256: str | None = None
    system: str | None = None  # name; None: recognised from the image
    wheels: Path | None = None
    python: str | None = None


class Job:
    """Makes units from one base image, which is checked once, and for which the bundle is made once. Use it in
    `with`."""

    def __init__(self, base: Base, terminal: Terminal, make_tree: TreeMaker = tree.build) -> None:
        self._base, self._terminal, self._make_tree = base, terminal, make_tree
        self._bundles: dict[str, Bundle] = {}
        self._work = contextlib.ExitStack()

    def __enter__(self) -> Job:
        self._folder = Path(self._work.enter_context(tempfile.TemporaryDirectory(prefix="maskwatch-flash-")))
        return self

    def __exit__(self, *_: object) -> None:
        self._work.close()

    def write(self, unit: Unit, out: Path) -> System:
        """Make one unit's image, as a whole or not at all.

        Returns:
            The system in the image.

        Raises:
            FlashError: the base image cannot be used, or the disk has no room.
        """
        with self._copied_base(unit, out) as temporary:
            found = self._fill(unit, temporary)
            temporary.replace(out)
        return found

    @contextlib.contextmanager
    def temporary(self, unit: Unit) -> Iterator[tuple[Path, System]]:
        """One unit's image as a temporary file beside the base, removed at the end of the context."""
        folder = self._base.image.parent if os.access(self._base.image.parent, os.W_OK) else self._folder
        out = folder / f".maskwatch-{unit.host}-{os.getpid()}.img"
        try:
            yield out, self.write(unit, out)
        finally:
            out.unlink(missing_ok=True)

    def write_bundle(self, of: System, out: Path) -> str:
        """A file for `maskwatch update`: manifest and packed tree.

        Returns:
            The tree's name.
        """
        made = self.bundle(of)
        with image.new_file(out) as file, tarfile.open(fileobj=file, mode="w") as archive:
            content = json.dumps(made.manifest).encode()
            member = tarfile.TarInfo(payload.MANIFEST)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
            archive.add(made.archive, payload.BUNDLE)
        return str(made.manifest["id"])

    def bundle(self, of: System) -> Bundle:
        """The packed tree for a system."""
        if of.name not in self._bundles:
            folder = self._folder / of.name
            wheels_folder = self._base.wheels or wheels.default_folder(of)
            self._terminal.say(f"preparing the unit's packages for {of.name} ({of.python_name}, {wheels.MACHINE})")
            compiled = self._make_tree(of, folder, wheels_folder, self._base.python, self._terminal.say)
            with self._terminal.bar("packing") as on_progress:
                self._bundles[of.name] = payload.pack(
                    folder, of, compiled, self._folder / f"{of.name}.tar.gz", on_progress
                )
        return self._bundles[of.name]

    @contextlib.contextmanager
    def _copied_base(self, unit: Unit, out: Path) -> Iterator[Path]:
        """A copy of the base image under a temporary name beside `out`."""
        _require_room(self._base.image, out)
        temporary = out.with_name(f".{out.name}.part")
        try:
            with self._terminal.bar(f"{unit.host}: image") as on_progress:
                image.copy_out(self._base.image, temporary, self._base.sha256, on_progress)
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    def _fill(self, unit: Unit, temporary: Path) -> System:
        with boot_partition.opened(temporary) as boot:
            found = system.recognised(boot.names(), self._base.system)
            bundle = self.bundle(found)
            content = payload.files(unit, found, bundle, boot.read("cmdline.txt").decode())
            total = sum(map(len, content.values()))
            done = 0
            with self._terminal.bar(f"{unit.host}: boot partition") as on_progress:
                for path, text in content.items():
                    boot.write(path, text)
                    done += len(text)
                    on_progress(done, total)
        _verify(temporary, content)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        return found


def _verify(written: Path, content: dict[str, bytes]) -> None:
    """Mount the image again and compare each file.

    Raises:
        FlashError: a file differs.
    """
    with boot_partition.opened(written) as boot:
        for path, text in content.items():
            if boot.read(path) != text:
                raise FlashError(
                    f"image: {path} in its boot partition differs from what was written; try again on another disk"
                )


def _require_room(base: Path, out: Path) -> None:
    if out.exists() and (not out.is_file() or out.samefile(base)):
        raise FlashError(f"{out}: is {'the base image' if out.is_file() else 'not a file'}; give a new file with -o")
    image.require_folder(out)
    try:
        needed = base.stat().st_size + MARGIN
    except OSError as error:
        raise FlashError(f"{base}: {error.strerror}; {image.EXPECTED}") from None
    facts = os.statvfs(out.parent)
    if facts.f_bavail * facts.f_frsize < needed:
        free = facts.f_bavail * facts.f_frsize // 2**20
        raise FlashError(f"{out.parent}: {free} MB free, but the image needs at least {needed // 2**20} MB")
