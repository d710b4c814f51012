"""onnxruntime's own profiler, whose file of events is read back."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from statistics import median

from engines import ONNX_TYPES, onnx_session, sample


def operators(file: str, threads: int, warm_ups: int, calls: int) -> list[list[object]]:
    """[kind, place in the graph, median microseconds], in the order of execution."""
    with tempfile.TemporaryDirectory() as folder:
        session = onnx_session(file, threads, str(Path(folder) / "profile"))
        (entry,) = session.get_inputs()
        shape = [side if isinstance(side, int) else 1 for side in entry.shape]
        pixels = sample(shape, ONNX_TYPES[entry.type])
        for _ in range(warm_ups + calls):
            session.run(None, {entry.name: pixels})
        events = json.loads(Path(session.end_profiling()).read_text())
    kinds: dict[int, str] = {}
    spent: dict[int, list[int]] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            index = int(event["args"]["node_index"])
            kinds[index] = event["args"]["op_name"]
            spent.setdefault(index, []).append(event["dur"])
    return [[kinds[index], index, median(times[warm_ups:])] for index, times in spent.items()]
