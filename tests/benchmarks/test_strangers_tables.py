"""The tables of docs/quality.md equal the record of strangers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report.readme import strangers, tables
from maskwatch.records.strangers import Strangers

SYSTEMS = [
    {"name": "now", "kind": "bundles", "threshold": 0.5, "learnt": ["face-mask-boxes", "faces-wider"]},
    {"name": "YuNet 320", "kind": "yunet", "threshold": 0.6},
    {"name": "now, float", "kind": "float"},
]
FILE = {"file": "face.tflite", "bytes": 300_000, "sha256": "0123456789"}


def target(about: str, source: str, measure: str, bound: float | None = None, most: bool = False) -> dict[str, Any]:
    return {"about": about, "source": source, "measure": measure, "bound": bound, "most": most}


def row(about: str, source: str, measure: str, value: float, hits: int | None, system: str = "now") -> dict[str, Any]:
    return {
        "about": about,
        "source": source,
        "measure": measure,
        "system": system,
        "hits": hits,
        "n": 200,
        "value": value,
        "interval95": [value - 0.1, value + 0.1],
    }


@pytest.fixture(autouse=True)
def record(monkeypatch: pytest.MonkeyPatch) -> Strangers:
    made = Strangers.model_validate(MADE)
    monkeypatch.setattr(strangers, "record", lambda: made)
    return made


MADE: dict[str, Any] = {
    "schema": 1,
    "kind": "strangers",
    "part": "test",
    "seed": 0,
    "min_side": 24.0,
    "most": None,
    "preprocess_version": 1,
    "resampled": 1000,
    "versions": {},
    "seconds": 1,
    "systems": [{**system, "face": {**FILE, "input_size": 320, "preprocess_version": 1}} for system in SYSTEMS],
    "sources": {"faces-wider": {"pictures": 212, "faces": 333}},
    "targets": [
        target("faces", "faces-wider", "AP50", 0.935),
        target("labels", "face-mask-ilc", "masked called bare", 0.015, most=True),
        target("rooms", "rooms-empty", "false faces an image", 0.007, most=True),
        target("portraits", "portraits", "right", 0.993),
    ],
    "rows": [
        row("faces", "faces-wider", "AP50", 0.94, None),
        row("faces", "faces-wider", "AP50", 0.931, None, "YuNet 320"),
        row("labels", "face-mask-ilc", "masked called bare", 0.02, 4),
        row("rooms", "rooms-empty", "false faces an image", 0.005, 1),
        row("found", "light", "dark", 0.7, 140),
        row("right", "light", "dark", 0.9, 126),
        row("float", "faces-wider", "AP50 drop", 0.004, None, "now against now, float"),
    ],
}


READ = strangers.record  # before any test replaces it


def test_the_test_part_takes_the_place_of_the_validation_part_and_that_of_a_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strangers, "ROOT", tmp_path)
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    (tmp_path / strangers.RESULTS).mkdir(parents=True)
    assert READ() is None
    for name in ("validation-sample", "validation", "test"):
        (tmp_path / strangers.RESULTS / f"strangers-{name}.json").write_text(json.dumps({**MADE, "part": name}))
        assert READ().part == name


@pytest.mark.parametrize(
    "table", [strangers.targets, strangers.mistakes, strangers.slices, strangers.quantized, strangers.learnt]
)
def test_without_a_record_the_table_says_how_to_make_one(
    monkeypatch: pytest.MonkeyPatch, table: Callable[[], str]
) -> None:
    monkeypatch.setattr(strangers, "record", lambda: None)
    assert table() == "Not measured yet: `make quality`."


def test_a_sample_says_so() -> None:
    sample = Strangers.model_validate({**MADE, "part": "validation", "most": 12})
    assert strangers.part(sample) == "validation part, 12 pictures of a source at most"
    assert strangers.part(Strangers.model_validate(MADE)) == "test part"


def test_a_figure_is_bold_where_it_keeps_its_target_on_the_right_side() -> None:
    lines = strangers.targets().splitlines()
    assert lines[0] == "| test part, faces from 24 px | target | now | YuNet 320 |"  # float has a table for itself
    assert lines[2].endswith("| ≥ 0.935 | **0.940** (0.840–1.040), 200 faces | 0.931 (0.831–1.031), 200 faces |")
    assert "| ≤ 1.5 % | 2.0 % (-8.0–12.0), 4/200 | – |" in lines[3]
    assert "| ≤ 0.007 | **0.005** (-0.095–0.105), 1/200 | – |" in lines[4]
    assert lines[5:] == [  # of portraits nothing was counted
        "",
        "[The record](../training/results/strangers-test.json), [drawn](../training/results/strangers-test.png).",
    ]


def test_a_system_with_its_own_bound_is_shown_with_it_and_held_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    target = {**MADE["targets"][0], "of_system": {"now": 0.965}}
    made = Strangers.model_validate({**MADE, "targets": [target]})
    monkeypatch.setattr(strangers, "record", lambda: made)
    assert "| ≥ 0.935; now 0.965 | 0.940 (0.840–1.040), 200 faces |" in strangers.targets()


def test_every_system_is_told_with_what_it_has_learnt_from() -> None:
    told = strangers.learnt()
    assert "| now | 0.30 MB, `01234567`, made for pixels 1, 320 px, faces from a score of 0.5 | – |" in told
    assert "face-mask-boxes, faces-wider |" in told
    assert "other people's pictures" in told


def test_mistakes_are_told_by_source_and_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    assert strangers.mistakes() == "Not counted yet: `make quality`."  # by an older version
    rows = [
        *(row("faces", source, "recall", 0.9, 180, "YuNet 320") for source in ("faces-wider", "face-mask-ilc")),
        row("mistakes", "faces-wider", "false: badly placed", 0.1, 20, "YuNet 320"),
        row("mistakes", "faces-wider", "missed: no box", 0.05, 10, "YuNet 320"),
        row("mistakes", "face-mask-ilc", "false: badly placed", 0.2, 40, "YuNet 320"),
        row("mistakes", "face-mask-ilc", "missed: no box", 0.0, 0, "YuNet 320"),
    ]
    monkeypatch.setattr(strangers, "record", lambda: Strangers.model_validate({**MADE, "rows": rows}))
    assert strangers.mistakes().splitlines() == [
        "| source, test part | finder | found | false: badly placed | missed: no box |",
        "| --- | --- | --- | --- | --- |",
        "| everyday scenes (faces-wider) | YuNet 320 | 180 of 200 | 20 | 10 |",
        "| new streets (face-mask-ilc) | YuNet 320 | 180 of 200 | 40 | 0 |",
    ]


def test_slices_tell_found_and_right() -> None:
    assert "| light: dark | 200 | 70.0 % (60–80) | 90.0 % (80–100) |" in strangers.slices()


def test_what_int8_costs_has_a_sign() -> None:
    assert "| now | everyday scenes (faces-wider): AP50 | +0.40 (-9.60 to +10.40) | 200 |" in strangers.quantized()


def test_without_a_float_model_the_table_says_so(monkeypatch: pytest.MonkeyPatch, record: Strangers) -> None:
    monkeypatch.setattr(strangers, "record", lambda: record.model_copy(update={"rows": record.rows[:-1]}))
    assert "no float model was given" in strangers.quantized()
