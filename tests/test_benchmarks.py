"""Figures are measured by the real daemon, kept whole with their machine, and the README says what the records say."""

import json
from pathlib import Path

import pytest
from test_cli import BUNDLES, DEMO

from benchmarks import device, host, readme
from maskwatch.errors import MaskwatchError
from maskwatch.stages import STAGES


def test_the_readmes_tables_are_what_the_records_say() -> None:
    text = readme.README.read_text()
    assert {name for _, name, _ in readme.TABLE.findall(text)} == set(readme.TABLES)
    assert readme.refreshed(text) == text, "stale; run `python -m benchmarks readme`"


def test_a_stale_table_is_seen() -> None:
    text = "before\n<!-- table starts -->\n| old |\n<!-- end -->\nafter"
    fresh = readme.refreshed(text)
    assert fresh != text
    assert fresh.startswith("before\n<!-- table starts -->\n| board |")
    assert fresh.endswith("<!-- end -->\nafter")


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(MaskwatchError, match="table beauty is unknown; expected one of"):
        readme.refreshed("<!-- table beauty -->\n<!-- end -->")


@pytest.mark.parametrize(
    ("board", "folder"),
    [
        ("Raspberry Pi 5 Model B Rev 1.0", "raspberry-pi-5-model-b-rev-1-0"),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "intel-r-xeon-r-cpu-2-20ghz"),
    ],
)
def test_a_board_names_its_folder(board: str, folder: str) -> None:
    assert host.slug(board) == folder


@BUNDLES
@DEMO
def test_a_measurement_is_complete_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "STARTS", 1)
    monkeypatch.setattr(device, "FRAMES", 10)
    record = device.measure()
    assert json.loads(device.save(record, tmp_path).read_text()) == record
    assert set(record["frames_ms"]) == set(STAGES)
    assert {len(values) for values in record["frames_ms"].values()} == {10}
    assert min(record["frames_ms"]["classify"]) > 0  # a face was found in every frame
    (start,) = record["starts"]
    assert 0 < start["import_s"] + start["models_s"] < start["first_verdict_s"]
    assert start["peak_rss_mb"] > 20
    assert record["host"]["board"]
