"""What docs/emulated-pi.md tells of a run is what the run's record holds."""

import json
import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
ROW = re.compile(r"^\| [^|]+ \| ([\d.]+) [^|]+ \| `(\w+)` \|$", re.MULTILINE)


def test_each_figure_is_the_records() -> None:
    record = json.loads((DOCS / "emulated-pi" / "figures.json").read_text())
    told = {name: float(figure) for figure, name in ROW.findall((DOCS / "emulated-pi.md").read_text())}
    assert len(told) >= 10
    assert told == {name: record.get(name) for name in told}
