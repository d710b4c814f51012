"""Files in the package: unit files, scripts, exact versions. In a checkout some of them are beside the package."""

from __future__ import annotations

from pathlib import Path

from maskwatch.errors import FlashError

PACKAGE = Path(__file__).parents[1]
BOOT = Path(__file__).parent / "boot"
BESIDE = {"systemd": PACKAGE.parent / "systemd", "constraints": PACKAGE.parents[1] / "constraints"}


def path(folder: str, name: str, package: Path = PACKAGE) -> Path:
    """A shipped file.

    Args:
        folder: systemd or constraints.
        name: of the file.
        package: the folder `maskwatch`, of this tree or another one.

    Raises:
        FlashError: it is missing, so the package is incomplete.
    """
    for place in (package / folder / name, BESIDE[folder] / name):
        if place.is_file():
            return place
    raise FlashError(f"maskwatch: its file {folder}/{name} is missing; install the package again")
