"""python3-lgpio for Debian's arm64: only Raspberry Pi's own archive has it, and PyPI has no wheel for Python 3.13.

The same source as that package's, from PyPI, is compiled on the workstation and packed as a .deb.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from emulated_pi import cache, debian

VERSION = "0.2.2.0"
CONTROL = f"""Package: python3-lgpio
Version: {VERSION}+standin
Architecture: arm64
Maintainer: maskwatch <tests@invalid>
Depends: python3 (>= 3.13~), python3 (<< 3.14~), libc6
Description: lgpio for the stand-in image; a Pi gets it from Raspberry Pi's archive
"""
PACKAGES = ("libpython3.13-dev",)  # for Python.h


def built() -> Path:
    """The .deb."""
    recipe = (Path(__file__).read_bytes(), debian.SUITE.encode())
    return cache.built("lgpio", recipe, _build) / "python3-lgpio.deb"


def _build(folder: Path) -> None:
    headers, tree = folder / "headers", folder / "tree"
    debian.extract(PACKAGES, headers)
    source = _source(folder)
    place = tree / "usr" / "lib" / "python3" / "dist-packages"
    place.mkdir(parents=True)
    subprocess.run(["swig", "-python", "lgpio.i"], cwd=source, check=True)
    shutil.copy(source / "lgpio.py", place)
    subprocess.run(_compiler(source, headers, place), check=True)
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN" / "control").write_text(CONTROL)
    deb = folder / "python3-lgpio.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", str(tree), str(deb)], check=True)
    for left in (headers, tree, source.parent):
        shutil.rmtree(left)


def _source(folder: Path) -> Path:
    options = ["--no-deps", "--no-binary", "lgpio", "--quiet", "--dest", str(folder / "source")]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, f"lgpio=={VERSION}"], check=True)
    (archive,) = (folder / "source").glob("lgpio-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder / "source", filter="data")
    return folder / "source" / f"lgpio-{VERSION}"


def _compiler(source: Path, headers: Path, place: Path) -> list[str]:
    """As setup.py of lgpio does it for PyPI: the library's code inside the module."""
    code = [str(path) for path in sorted((source / "src").glob("lg*.c"))]
    includes = [f"-I{source / 'src'}", f"-I{headers / 'usr/include/python3.13'}"]
    # Debian's pyconfig.h names its processor's by a path from here; the C library's headers are the compiler's own.
    includes += ["-idirafter", str(headers / "usr" / "include")]
    out = place / "_lgpio.cpython-313-aarch64-linux-gnu.so"
    return [
        *("aarch64-linux-gnu-gcc", "-shared", "-fPIC", "-O2", "-pthread"),
        *includes,
        *code,
        *(str(source / "lgpio_wrap.c"), str(source / "src" / "rgpiod.c")),
        *("-o", str(out), "-lrt", "-ldl"),
    ]


def main() -> None:
    """Build it alone."""
    print(built())


if __name__ == "__main__":
    main()
