"""The stand-in for Raspberry Pi OS Lite: Debian arm64 with Debian's kernel, laid out as on a Pi's card.

Partition 1 is FAT (`bootfs`, seen at /boot/firmware), partition 2 ext4 (`rootfs`). Neither root nor a loop device is
needed: mmdebstrap works in a user's own namespace, genimage and mke2fs write plain files, fakeroot keeps the owners.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from emulated_pi import cache, debian, initramfs, lgpio_package, needs, unit_python

BASE = Path(__file__).parent / "base"
BOARD = "bcm2837-rpi-3-b.dtb"
ROOT_SIZE = "1800M"
FAKEROOT = ["fakeroot"] if os.geteuid() else []  # it keeps the files' owners; slow, and root has no need of it
SEEDS = {  # as an image comes from its maker, to be replaced
    "user-data": "#cloud-config\n",
    "meta-data": "dsmode: local\ninstance_id: stand-in\n",
    "network-config": "network:\n  version: 2\n",
}


def built() -> Path:
    """The image: a file of about 2.3 GB, sparse."""
    archive = _unpacked()
    recipe = [path.read_bytes() for path in sorted(BASE.iterdir())]
    recipe += [Path(str(module.__file__)).read_bytes() for module in (sys.modules[__name__], initramfs, unit_python)]
    recipe += [lgpio_package.built().read_bytes(), archive.parent.name.encode()]

    def build(folder: Path) -> None:
        command = [
            sys.executable,
            "-m",
            "emulated_pi.base_image",
            "pack",
            str(archive.resolve()),
            str(folder.resolve()),
        ]
        subprocess.run([*FAKEROOT, *command], check=True, cwd=Path(__file__).parents[1])  # from where Python imports it

    return cache.built("base", recipe, build) / "base.img"


def _unpacked() -> Path:
    """Debian's packages as a .tar: most of the time that an image takes."""
    packages = _packages()
    recipe = ["\n".join(packages).encode(), Path(debian.__file__).read_bytes()]
    folder = cache.built("packages", recipe, lambda folder: debian.extract(packages, folder / "root.tar"))
    return folder / "root.tar"


def _packages() -> list[str]:
    lines = (BASE / "packages.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def pack(archive: Path, folder: Path) -> None:
    """A root file system -> base.img. Run under fakeroot."""
    root = folder / "root"
    root.mkdir()
    # Device nodes are left out: the kernel makes them in a file system of its own.
    subprocess.run(["tar", "-C", str(root), "-xpf", str(archive), "--exclude=./dev/*"], check=True)
    subprocess.run(["dpkg-deb", "--extract", str(lgpio_package.built()), str(root)], check=True)
    subprocess.run([str(BASE / "fix-up.sh"), str(root)], check=True)
    _compile(root)
    _lay_out_boot(root, folder / "boot")
    _write(root, folder)
    for left in (root, folder / "boot", folder / "genimage"):
        shutil.rmtree(left)
    for part in ("boot.vfat", "root.ext4"):
        (folder / part).unlink()


def _write(root: Path, folder: Path) -> None:
    """mke2fs makes the ext4 of a folder by itself; genimage would copy all of it first."""
    options = ["-q", "-t", "ext4", "-L", "rootfs", "-E", "lazy_itable_init=1,root_owner=0:0"]
    subprocess.run(["mke2fs", *options, "-d", str(root), str(folder / "root.ext4"), ROOT_SIZE], check=True)
    paths = {"root": folder / "boot", "tmp": folder / "genimage", "output": folder, "input": folder}
    given = [f"--{name}path={path}" for name, path in paths.items()]
    command = ["genimage", "--loglevel", "0", "--config", str(BASE / "genimage.cfg"), *given]
    subprocess.run(command, check=True)


def _compile(root: Path) -> None:
    """.pyc files of Python's library and cloud-init: without them they are compiled at every start, in minutes."""
    python = unit_python.found()
    own = ["qemu-aarch64-static", "-L", str(root), str(root / "usr" / "bin" / unit_python.NAME)]
    where = [str(root / "usr" / "lib" / name) for name in (unit_python.NAME, "python3/dist-packages")]
    options = ["-m", "compileall", "-q", "-s", str(root), "-p", "/", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*([python] if python else own), *options, *where], check=False, stdout=subprocess.DEVNULL)


def _lay_out_boot(root: Path, boot: Path) -> None:
    """What a Pi's firmware reads: kernel, initramfs, device tree, settings, and cloud-init's files."""
    boot.mkdir()
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    (tree,) = (root / "usr" / "lib").glob(f"linux-image-*/broadcom/{BOARD}")
    shutil.copyfile(kernel, boot / "kernel8.img")
    shutil.copyfile(tree, boot / BOARD)
    initramfs.write(root, boot / "initramfs8")
    for name in ("config.txt", "cmdline.txt"):
        shutil.copyfile(BASE / name, boot / name)
    for name, text in SEEDS.items():
        (boot / name).write_text(text)


def main() -> None:
    """Build it alone, or, for ourselves, `pack`."""
    if sys.argv[1:2] == ["pack"]:
        pack(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    needs.install()
    print(built())


if __name__ == "__main__":
    main()
