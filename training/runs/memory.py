"""Freed memory is kept for the next step instead of being given back to the system.

A step of training or of prediction frees and asks for the same hundreds of megabytes again. glibc gives large blocks
back at once, and those of other threads always, because each thread's own arena holds blocks of 64 MB at most: every
step faults every page in anew. TensorFlow's data pipeline makes it worse, it sets the trim threshold to 128 kB.

Measured on two x86-64 cores in a virtual machine, other work beside it. The finder's training at 512 px: 60,000 page
faults a second and a fifth of its time in the kernel with the thresholds alone, 10 a second with one arena besides.
MobileNetV2 predicting batches of 32 at 224 px: 180,000 faults and 1.25 s of processor time a batch with glibc's own
settings, 87,000 and 1.08 s with the thresholds alone, 2,400 and 0.84 s with one arena besides.
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
    """Tell glibc; whether it took every setting. Elsewhere nothing happens.

    The number of arenas counts for threads that start later: call it before TensorFlow is imported.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(name, size) == 1 for name, size in SETTINGS.items())
