"""vimc.ko, the kernel's virtual camera with a media controller: Debian's kernel has the source, and leaves it out.

One parameter is added to it: while `silent` is set no frame comes, and all else goes on. So fails a Pi's camera whose
cable is loose. A device that is taken from the driver is another failure: the whole camera is gone, as if unplugged.
"""

from __future__ import annotations

import lzma
import shutil
import sys
import tarfile
from pathlib import Path

from emulated_pi import cache, chroot, debian

COMPILER = (
    *("base-files", "bash", "coreutils", "dash", "diffutils", "findutils", "gcc", "grep", "kmod", "libc6-dev"),
    *("linux-headers-amd64", "make", "mawk", "sed", "xz-utils"),
)
SOURCE = ("linux-source",)
DRIVER = "drivers/media/test-drivers/vimc/"

SILENT = (  # what of vimc-streamer.c is replaced, and by what
    (
        "static int vimc_streamer_thread(void *data)\n{",
        "#include <linux/module.h>\nstatic bool silent;\nmodule_param(silent, bool, 0644);\n"
        "static int vimc_streamer_thread(void *data)\n{",
    ),
    (
        "\t\tif (kthread_should_stop())\n\t\t\tbreak;\n",
        "\t\tif (kthread_should_stop())\n\t\t\tbreak;\n"
        "\t\tif (READ_ONCE(silent)) {\n\t\t\tschedule_timeout_interruptible(HZ / 60);\n\t\t\tcontinue;\n\t\t}\n",
    ),
)


def built() -> Path:
    """The module, for the kernel that Debian has now."""
    recipe = [Path(str(module.__file__)).read_bytes() for module in (sys.modules[__name__], chroot, debian)]
    return cache.built("vimc", recipe, _build) / "vimc.ko"


def _build(folder: Path) -> None:
    root = folder / "root"
    for name, packages in (("compiler", COMPILER), ("source", SOURCE)):
        debian.extract(packages, folder / f"{name}.tar", "amd64")
    chroot.unpack(folder / "compiler.tar", root)
    _take_source(folder / "source.tar", root / "vimc")
    make_silent(root / "vimc" / "vimc-streamer.c")
    (headers,) = (root / "usr" / "src").glob("linux-headers-*-amd64")
    where = f"/usr/src/{headers.name}"
    chroot.run(root, "make", "-C", where, "M=/vimc", "CONFIG_VIDEO_VIMC=m", "modules")
    shutil.copyfile(root / "vimc" / "vimc.ko", folder / "vimc.ko")
    shutil.rmtree(root)
    for name in ("compiler", "source"):
        (folder / f"{name}.tar").unlink()


def _take_source(archive: Path, folder: Path) -> None:
    """The driver's files out of the kernel's source, which is a .tar.xz in the package."""
    folder.mkdir()
    with tarfile.open(archive) as package:
        (packed,) = (entry for entry in package if entry.isfile() and Path(entry.name).match("linux-source-*.tar.xz"))
        stream = package.extractfile(packed)
        assert stream is not None
        with lzma.open(stream) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as source:
            for entry in source:
                if entry.isfile() and DRIVER in entry.name:
                    content = source.extractfile(entry)
                    assert content is not None
                    (folder / Path(entry.name).name).write_bytes(content.read())


def make_silent(source: Path) -> None:
    """Add the parameter.

    Args:
        source: vimc-streamer.c.
    """
    text = source.read_text()
    for old, new in SILENT:
        assert text.count(old) == 1, f"{source.name} is another one than we know: it has {old!r} not once"
        text = text.replace(old, new)
    source.write_text(text)
