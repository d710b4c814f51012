"""A measuring command prints the figures that it writes, and runs without the workstation's packages."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.networks import doubts
from benchmarks.report import terminal_tables
from benchmarks.report.readme.tables import ROOT

RESULTS = ROOT / "benchmarks" / "results"
HEAVY = ("tensorflow", "keras", "matplotlib", "sklearn", "rich", "jinja2", "imagehash", "PIL", "scipy", "training")


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*/*.json")), ids=lambda path: f"{path.parent.name} {path.stem}")
def test_every_measured_kind_has_lines_with_its_columns_in_line(path: Path) -> None:
    record = json.loads(path.read_text())
    lines = list(terminal_tables.lines(record))
    assert bool(lines) == (record["kind"] in terminal_tables.TABLES)
    assert not any(line.startswith("|") for line in lines)
    assert lines == list(terminal_tables.lines({**record, "kind": f"{record['kind']}-quick"}))


def test_a_table_is_aligned_and_does_not_repeat_the_board() -> None:
    table = "| board | ms | what |\n| --- | --- | --- |\n| A board | 1.5 | one |\n| A board | 10.25 | two |"
    assert list(terminal_tables.aligned(table)) == ["ms     what", "1.5    one", "10.25  two"]


def test_the_commands_that_measure_are_there_without_the_workstations_packages() -> None:
    program = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({HEAVY!r}))\n"
        "from benchmarks import __main__; from benchmarks.report import terminal_tables\n"
        "from benchmarks.daemon import crowd, startup as device, pipeline, soak\n"
        "from benchmarks.networks import models, run\n"
        "from benchmarks.behaviour.scenes import power\n"
        "from maskwatch.camera import demo\n"
        "demo.portrait_path = lambda: None\n"
        "assert models.finder('face', models.bundle.default_path('face')).run()\n"
        "print(len(crowd.Hall().draw(crowd.group(2), 0)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "480\n"), done.stderr


@pytest.mark.parametrize(("spreads", "worthless"), [([0.1, 0.1, 0.5], False), ([0.1, 0.5, 0.5], True), ([], False)])
def test_a_record_most_of_whose_figures_spread_wide_is_worth_nothing(
    monkeypatch: pytest.MonkeyPatch, spreads: list[float], worthless: bool
) -> None:
    class Figure:
        def __init__(self, spread: float) -> None:
            self.spread = spread

    monkeypatch.setattr(
        doubts.figures, "measured", lambda _: {place: Figure(each) for place, each in enumerate(spreads)}
    )
    assert bool(doubts.worthless({})) is worthless
    clean, dirty = ({"host": {"commit": commit}} for commit in ("5dd6e61", "5dd6e61-dirty"))
    assert doubts.rank(clean) < doubts.rank(dirty)


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("training", ["train", "cnn", "--data", ".", "--out", "OUT"]),
        ("training", ["find-faces", "."]),
        ("convert", ["model.keras", "--data", ".", "-o", "x.tflite"]),
        ("benchmarks", ["search", "--mask", "a=b", "--data", ".", "--scenes", "."]),
    ],
)
def test_a_workshop_without_its_extra_is_one_line_that_names_it(
    tmp_path: Path, program: str, arguments: list[str]
) -> None:
    call = (
        "import sys\n"
        "class Gone:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name in {HEAVY[:-1]!r} + ('flatbuffers',):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Gone())\n"
        f"from {program}.__main__ import main\n"
        f"main({[word.replace('OUT', str(tmp_path / 'run')) for word in arguments]!r})\n"
    )
    (tmp_path / "with_mask").mkdir()
    done = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, cwd=tmp_path, env=environment())
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "is not installed: this command needs extra `train`: pip install -e '.[train]'" in line


def environment() -> dict[str, str]:
    """The environment of this process, with the checkout on PYTHONPATH."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "device"), str(ROOT)))}
