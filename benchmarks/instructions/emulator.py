"""QEMU's user mode with a counting plugin, emulating the processors of Raspberry Pis.

Needs Debian 12's packages qemu-user (7.2, dynamically linked: others accept no plugin) and gcc, an arm64 root file
system with Python, and a folder with aarch64 wheels of the runtime. XNNPACK chooses its kernels by the processor in
/proc/cpuinfo, so each board gets its own.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskwatch.errors import MaskwatchError

HERE = Path(__file__).parent
CHILD = HERE / "child" / "emulated.py"
CORES = 4
GCC = ("gcc", "-O2", "-shared", "-fPIC")
MARK = re.compile(r"^COUNT mark (\d+) (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Board:
    """A processor."""

    name: str
    cpu: str  # the name for QEMU
    part: str  # the number in /proc/cpuinfo
    variant: str
    revision: int
    features: str


V8 = "fp asimd evtstrm crc32 cpuid"
BOARDS = (
    Board("Pi 3 (Cortex-A53)", "cortex-a53", "0xd03", "0x0", 4, V8),
    Board("Pi 4 (Cortex-A72)", "cortex-a72", "0xd08", "0x0", 3, V8),
    Board(
        "Pi 5 (Cortex-A76)",
        "cortex-a76",
        "0xd0b",
        "0x4",
        1,
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
    ),
)


@dataclass(frozen=True, slots=True)
class Emulator:
    """Everything needed to run a program on an emulated board."""

    root: Path  # an arm64 Debian with Python in usr/bin
    packages: Path  # aarch64 wheels, unpacked
    plugin: Path  # count.c, compiled

    def counts(self, board: Board, words: Sequence[str], work: Path) -> list[dict[str, int]]:
        """Instructions of one call of each model, by kind: total, simd, dot, fmla, mlal, ldst, sve, mmla.

        Args:
            board: the processor.
            words: see child/emulated.py.
            work: an empty folder.

        Raises:
            MaskwatchError: the program failed.
        """
        python = min((self.root / "usr" / "bin").glob("python3.*[0-9]"))
        command = ["qemu-aarch64", "-L", str(prefix(board, self.root, work)), "-cpu", board.cpu]
        command += ["-plugin", str(self.plugin), "-E", f"PYTHONPATH={self.packages}", "-E", "PYTHONDONTWRITEBYTECODE=1"]
        done = subprocess.run([*command, str(python), str(CHILD), *words], capture_output=True, text=True, check=False)
        marks = {int(at) - 900_000: count_by_kind(kinds) for at, kinds in MARK.findall(done.stderr)}
        if done.returncode or len(marks) != 2 * len(words):
            last = (done.stderr.strip().splitlines() or ["nothing was printed"])[-1]
            raise MaskwatchError(f"emulation of {board.name}: ended with {done.returncode} ({last})")
        return [
            {kind: marks[2 * at + 1][kind] - count for kind, count in marks[2 * at].items()} for at in range(len(words))
        ]


def count_by_kind(kinds: str) -> dict[str, int]:
    """`total=12 simd=3` -> counts."""
    return {name: int(count) for name, _, count in (kind.partition("=") for kind in kinds.split())}


def compiled(work: Path) -> Path:
    """Compile the plugin.

    Raises:
        MaskwatchError: there is no compiler.
    """
    plugin = work / "libcount.so"
    try:
        subprocess.run([*GCC, "-o", str(plugin), str(HERE / "count.c")], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise MaskwatchError(f"count.c: gcc cannot compile it ({error}); apt install gcc libglib2.0-dev") from error
    return plugin


def prefix(board: Board, root: Path, work: Path) -> Path:
    """A folder with the root of the emulated program, and files that describe its processor."""
    for name in ("usr", "lib", "etc"):
        (work / name).symlink_to(root.resolve() / name)
    (work / "proc").mkdir()
    (work / "proc" / "cpuinfo").write_text("".join(cpuinfo(board, core) for core in range(CORES)))
    cpus = work / "sys" / "devices" / "system" / "cpu"
    cpus.mkdir(parents=True)
    for name in ("possible", "present"):
        (cpus / name).write_text(f"0-{CORES - 1}\n")
    return work


def cpuinfo(board: Board, core: int) -> str:
    """One core in the kernel's /proc/cpuinfo."""
    return (
        f"processor\t: {core}\nBogoMIPS\t: 108.00\nFeatures\t: {board.features}\nCPU implementer\t: 0x41\n"
        f"CPU architecture: 8\nCPU variant\t: {board.variant}\nCPU part\t: {board.part}\n"
        f"CPU revision\t: {board.revision}\n\n"
    )
