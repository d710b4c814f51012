"""Keeps freed memory for the next step instead of returning it to the system.

A step of training or prediction frees and allocates the same hundreds of megabytes again. glibc returns large blocks
to the system at once. It always does so for the blocks of other threads, because each of their arenas holds blocks of
64 MB at most. So each step page-faults all its memory again. TensorFlow's data pipeline makes this worse: it sets the
trim threshold to 128 kB.

Measured on two x86-64 cores in a virtual machine with other work running. The finder's training at 512 px: 60,000 page
faults a second and a fifth of the time in the kernel with the thresholds alone, 10 a second with one arena as well.
MobileNetV2 predicting batches of 32 at 224 px: 180,000 faults and 1.25 s of processor time a batch with glibc's own
settings, 87,000 and 1.08 s with the thresholds alone, 2,400 and 0.84 s with one arena as well.
"""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, ARENA_MAX = -1, -2, -3, -8  # malloc.h
SETTINGS = {  # bytes, and one arena for all threads
    TRIM_THRESHOLD: 2_000_000_000,
    TOP_PAD: 1 << 28,
    MMAP_THRESHOLD: 1_000_000_000,
    ARENA_MAX: 1,
}


def keep_freed_memory() -> bool:
    """Set glibc's limits; returns whether it accepted all of them. On other systems nothing happens.

    The number of arenas applies to threads that start later, so call this before TensorFlow is imported.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(name, size) == 1 for name, size in SETTINGS.items())
