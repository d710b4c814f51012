"""The record of the splits is that of the data sets, and every kept training used it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from annotated_scenes import entry, write
from photographs import save

from training.__main__ import cli
from training.pictures import data, splits, voc

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "training" / "results" / "splits.json"
DATA = os.environ.get("MASKWATCH_DATA")
FINDER = (
    "face-mask-boxes",
    "face-mask-ilc",
    "faces-wider",
    "face-mask-types",
    "rooms-empty",
)  # training/models/README.md


def kept() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RECORD.read_text())
    return found


def joined(names: tuple[str, ...]) -> str:
    return voc.joined_sha256([kept()["scenes"][name]["sha256"] for name in names])


@pytest.mark.parametrize("name", ["face", "face-far"])
def test_the_kept_finders_were_trained_on_the_recorded_split(name: str) -> None:
    run = json.loads((ROOT / "training" / "models" / name / "run.json").read_text())
    assert run["split_sha256"] == joined(tuple(run["knobs"].get("sources", FINDER)))


def test_the_kept_classifier_was_trained_on_the_recorded_split() -> None:
    run = json.loads((ROOT / "training" / "models" / "mask" / "run.json").read_text())
    (photographs,) = kept()["photographs"].values()
    assert run["split_sha256"] == photographs["sha256"]
    assert run["knobs"]["street_split"] == joined(tuple(run["knobs"]["sources"]))


@pytest.mark.skipif(not DATA, reason="needs the data sets: MASKWATCH_DATA")
def test_the_record_is_that_of_the_data_sets() -> None:
    root = Path(str(DATA))
    (photographs,) = kept()["photographs"]
    assert splits.record(root / photographs, [root / name for name in kept()["scenes"]]) == kept()


def test_the_command_writes_counts_and_hashes_whatever_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(data, "HASH_CACHE", tmp_path / "hashes.csv")
    for number in range(20):
        save(tmp_path / "photos", f"{data.LABELS[number % 2]}/{number}.png", number)
        for source in "ab":
            write(tmp_path / source, f"{number}", entry("with_mask", 10, 10, 50, 50))
            save(tmp_path / source, f"images/{number}.png", 100 + number)
    found = []
    for sources in ("ab", "ba"):
        out = tmp_path / f"{sources}.json"
        said = ["splits", "--data", str(tmp_path / "photos"), "--out", str(out)]
        cli([*said, *(word for name in sources for word in ("--scenes", str(tmp_path / name)))], standalone_mode=False)
        found.append(out.read_text())
    assert found[0] == found[1]
    made = json.loads(found[0])
    assert made["scenes"]["a"] == {
        "train": 14,
        "validation": 2,
        "test": 4,
        "sha256": voc.split(voc.load(tmp_path / "a"), 0).sha256,
    }
    assert sum(made["photographs"]["photos"][part] for part in data.SPLIT) == 20
    assert "a: 14 to learn from, 2 validation, 4 test" in capsys.readouterr().out
