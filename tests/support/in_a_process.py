"""Runs a program in a separate process, and measures its time and memory."""

import os
import subprocess
import sys
import time
from pathlib import Path

SUPPORT = Path(__file__).parents[1] / "support"


def in_a_process(program: str, *words: str, **variables: str) -> tuple[str, float, int]:
    """A program's output, its seconds and its peak memory in MB; its file limits are those of a unit."""
    measured = f"{program}\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", measured, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, **variables},
        cwd=SUPPORT,
    )
    *said, memory = done.stdout.splitlines()
    return "\n".join(said), time.monotonic() - start, int(memory)
