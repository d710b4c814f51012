"""The root file system of the second, x86-64 guest: Debian with its libcamera, picamera2 and maskwatch's packages.

Its processor is the workstation's own kind, so wheels and programs are the workstation's too, and run in a chroot.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from emulated_pi import cache, chroot, debian, initramfs, vimc

FILES = Path(__file__).parent / "guest"
SIZE = "2000M"
DISK = ("virtio_pci", "virtio_blk", "ext4")
PACKAGES = "opt/packages"  # where Python finds what is not Debian's; `start` names it too
CONSTRAINTS = Path(__file__).parents[3] / "constraints"
OF_PICAMERA2 = ("picamera2", "piexif", "pillow", "simplejpeg", "videodev2")  # that Debian has not, or older
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in (28, 27)] + ["manylinux2014_x86_64"]
# picamera2 imports these at the door, and we use nothing of them: they draw on a screen, write DNG files, feed ffmpeg.
NEVER_USED = {
    "kms.py": "from enum import Enum\n\nPixelFormats = Enum('PixelFormats', "
    "'RGB888 BGR888 XRGB8888 XBGR8888 YUV420 YVU420 NV12')\n",
    "prctl.py": "",
    "pidng/__init__.py": "",
    "pidng/core.py": "PICAM2DNG = None\n",
    "pidng/camdefs.py": "Picamera2Camera = None\n",
}


@dataclass(frozen=True)
class GuestImage:
    """What QEMU starts."""

    kernel: Path
    initramfs: Path
    disk: Path


def built() -> GuestImage:
    """From the cache, or made in some minutes."""
    archive, wheels, module = _unpacked(), _wheels(), vimc.built()
    recipe = [(FILES / name).read_bytes() for name in ("init", "start")]
    recipe += [Path(str(each.__file__)).read_bytes() for each in (sys.modules[__name__], initramfs, chroot)]
    recipe += [path.parent.name.encode() for path in (archive, module)] + [wheels.name.encode()]
    folder = cache.built("guest", recipe, lambda folder: _pack(archive, wheels, module, folder))
    return GuestImage(folder / "vmlinuz", folder / "initramfs", folder / "root.ext4")


def _unpacked() -> Path:
    """Debian's packages as a .tar."""
    packages = [line for line in (FILES / "packages.txt").read_text().splitlines() if line and line[0] != "#"]
    recipe = ["\n".join(packages).encode(), Path(debian.__file__).read_bytes()]
    folder = cache.built(
        "guest-packages", recipe, lambda folder: debian.extract(packages, folder / "root.tar", "amd64")
    )
    return folder / "root.tar"


def _wheels() -> Path:
    """A folder with the packages of a unit, and picamera2, as the constraints name them."""
    wanted = sorted(pins())

    def build(folder: Path) -> None:
        given = ["--python-version", "3.13", *(f"--platform={name}" for name in PLATFORMS)]
        options = ["--no-deps", "--only-binary=:all:", "--quiet", "--dest", str(folder), *given]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, *wanted], check=True)

    return cache.built("guest-wheels", ["\n".join(wanted).encode()], build)


def pins() -> Iterator[str]:
    """Names and versions, e.g. "numpy==2.4.6"."""
    for line in (CONSTRAINTS / "pi-trixie.txt").read_text().splitlines():
        if line and not line.startswith(("#", "setuptools")):
            yield line
    for line in (CONSTRAINTS / "workstation.txt").read_text().splitlines():
        if line.partition("==")[0] in OF_PICAMERA2:
            yield line


def _pack(archive: Path, wheels: Path, module: Path, folder: Path) -> None:
    root = folder / "root"
    chroot.unpack(archive, root)
    (kernel,) = (root / "usr" / "lib" / "modules").iterdir()
    same = f"vermagic={kernel.name} ".encode() in module.read_bytes()
    assert same, f"vimc.ko is not for {kernel.name}: remove guest-packages-* and vimc-* from {cache.folder()}"
    (kernel / "extra").mkdir()
    shutil.copyfile(module, kernel / "extra" / "vimc.ko")
    for wheel in sorted(wheels.iterdir()):
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(root / PACKAGES)
    for name, text in NEVER_USED.items():
        path = root / PACKAGES / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    shutil.copy(FILES / "start", root / "usr" / "sbin")
    # Without .pyc files an emulated processor compiles all that it imports, at every start.
    where = [f"/{PACKAGES}", "/usr/lib/python3.13", "/usr/lib/python3/dist-packages"]
    chroot.run(root, "python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", *where)
    shutil.copyfile(root / "boot" / f"vmlinuz-{kernel.name}", folder / "vmlinuz")
    initramfs.write(root, folder / "initramfs", DISK, FILES / "init")  # depmod sees vimc.ko here, too
    (root / "dev" / "null").unlink()
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", str(root), str(folder / "root.ext4"), SIZE], check=True)
    shutil.rmtree(root)


def main() -> None:
    """Build it alone."""
    print(built().disk)


if __name__ == "__main__":
    main()
