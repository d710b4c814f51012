"""An initramfs with the card's driver and the file system alone: an emulated processor unpacks it at once."""

from __future__ import annotations

import lzma
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

MODULES = ("sdhci-iproc", "bcm2835", "ext4")  # both of a Pi 3's card controllers: the firmware chooses one
INIT = Path(__file__).parent / "base" / "init"


def write(root: Path, path: Path, modules: Sequence[str] = MODULES, init: Path = INIT) -> None:
    """An archive that the kernel takes as it is.

    Args:
        root: a root file system with one kernel's modules, and busybox.
        modules: those that are in the archive, with what they depend on.
        init: the program that the kernel starts.
    """
    (kernel,) = (entry.name for entry in (root / "usr" / "lib" / "modules").iterdir())
    subprocess.run(["depmod", "-b", str(root), kernel], check=True)
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary)
        (tree / "bin").mkdir()
        shutil.copy(root / "usr" / "bin" / "busybox", tree / "bin")
        shutil.copy(init, tree / "init")
        _put_modules(_needed(root, kernel, modules), tree / "modules")
        names = "\n".join(str(entry.relative_to(tree)) for entry in sorted(tree.rglob("*")))
        with path.open("wb") as file:
            packer = ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"]
            subprocess.run(packer, cwd=tree, input=names.encode(), stdout=file, check=True)


def _needed(root: Path, kernel: str, modules: Sequence[str]) -> list[Path]:
    """The modules' files, in the order in which they are loaded."""
    options = ["-S", kernel, "-d", str(root), "--show-depends"]
    found: list[Path] = []
    for module in modules:
        shown = subprocess.run(["modprobe", *options, module], check=True, capture_output=True, text=True)
        found += [Path(line.split()[1]) for line in shown.stdout.splitlines() if line.startswith("insmod")]
    return list(dict.fromkeys(found))


def _put_modules(files: Sequence[Path], folder: Path) -> None:
    folder.mkdir()
    for path in files:
        packed = path.read_bytes()
        (folder / path.name.removesuffix(".xz")).write_bytes(
            lzma.decompress(packed) if path.suffix == ".xz" else packed
        )
    order = [path.name.removesuffix(".xz") for path in files]
    (folder / "order").write_text("\n".join(order) + "\n")
