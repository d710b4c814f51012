"""oneDNN's kernels for TensorFlow on every x86-64 processor.

TensorFlow uses them by default only on processors that have more than AVX2 (AVX512-VNNI, AMX). They need no more than
AVX2, and are quicker there too. Measured on one core of an AMD EPYC with AVX2, with other work on the second: a
finder's training step 2.7 to 3.2 s without them and 1.2 to 1.3 s with them, the study's CNN 1.10 s and 0.79 s.
"""

from __future__ import annotations

import os
import platform

SWITCH = "TF_ENABLE_ONEDNN_OPTS"


def prefer_onednn() -> None:
    """Switch them on, if the user has not decided. TensorFlow reads this once, when it is imported."""
    if platform.machine() in ("x86_64", "AMD64"):
        os.environ.setdefault(SWITCH, "1")
