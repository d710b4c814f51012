"""mmdebstrap: root file systems of Debian's packages. They are unpacked, and nothing in them is run.

mmdebstrap knows Debian's archive, security updates included, so none is named here.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

SUITE = "trixie"  # what Raspberry Pi OS is made of at present
LEFT_OUT = ("doc", "man", "locale", "info")  # of /usr/share
OPTIONS = ("--quiet", "--variant=extract", "--aptopt=Acquire::Languages none")


def extract(packages: Sequence[str], archive: Path, architecture: str = "arm64") -> None:
    """Packages and what they depend on, without what is recommended beside them.

    Args:
        archive: a .tar, or a folder that is made.
    """
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT]
    included = f"--include={','.join(packages)}"
    kind = "tar" if archive.suffix == ".tar" else "directory"
    command = ["mmdebstrap", *OPTIONS, *excluded, included, f"--architectures={architecture}", f"--format={kind}"]
    subprocess.run([*command, SUITE, str(archive)], check=True)
