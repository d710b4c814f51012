"""Times one model on one runtime and number of threads, in a separate process: python measure.py JOB prints JSON.

It runs under any Python from 3.9 with numpy and the runtime, because tflite-runtime needs numpy 1 and has no wheel for
Pythons after 3.11. So it imports only its neighbours, and JOB has everything: {"runtime", "file", "threads",
"warm_ups", "calls", "patience", "profile"}. Its output becomes part of a row.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from typing import Any

import numpy as np
from engines import Engine, open_engine, version  # a neighbour: Python looks in this folder first

US = 1000  # nanoseconds


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Times in microseconds, memory in kB. A call sets the input, runs the network, and reads every output."""
    before = time.perf_counter_ns()
    installed = version(job["runtime"])  # imports the runtime
    imported = time.perf_counter_ns()
    resident = memory("VmRSS")
    opening = time.perf_counter_ns()
    engine = open_engine(job["runtime"], job["file"], job["threads"])
    opened = time.perf_counter_ns()
    first = timed(engine)
    if why := too_long(first, job) and too_long(timed(engine), job):  # the first call may be slower than the others
        return {"not_measured": why}
    warm_up = [timed(engine) for _ in range(job["warm_ups"])]
    return {
        "version": installed,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "delegate": engine.delegate,
        "input": engine.input,
        "import_us": (imported - before) // US,
        "load_us": (opened - opening) // US,
        "first_us": first,
        "warm_up_us": warm_up,
        "us": [timed(engine) for _ in range(job["calls"])],
        "imported_kb": resident,
        "peak_kb": memory("VmHWM"),
    }


def too_long(us: int, job: dict[str, Any]) -> str:
    """Why calls like this one take too long, or "". `patience` is in seconds; None: they may take any time."""
    call = us / 1e6
    if job["patience"] is None or call * job["calls"] <= job["patience"]:
        return ""
    return f"a call takes {call:.2f} s, {job['calls']} of them {call * job['calls']:.0f} s"


def timed(engine: Engine) -> int:
    """Microseconds of one call."""
    begin = time.perf_counter_ns()
    engine.run()
    return (time.perf_counter_ns() - begin) // US


def memory(field: str) -> int:
    """Memory of this process, kB. Not from getrusage, whose maximum starts with the parent's memory."""
    with open("/proc/self/status") as status:  # noqa: PTH123 - pathlib would use memory
        return next(int(line.split()[1]) for line in status if line.startswith(field + ":"))


def profile(job: dict[str, Any]) -> dict[str, Any]:
    """The time of each operator, from the runtime's own profiler.

    Raises:
        ImportError, OSError, AttributeError, RuntimeError: it has no profiler, or an unknown one.
    """
    if job["runtime"] == "onnxruntime":
        from onnx_profiler import operators
    elif job["runtime"] == "ai-edge-litert":
        from litert_profiler import operators
    else:
        raise RuntimeError(f"{job['runtime']}'s Python package has no profiler")
    return {"operators": operators(job["file"], job["threads"], job["warm_ups"], job["calls"])}


if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    print(json.dumps(profile(job) if job["profile"] else measure(job)))
