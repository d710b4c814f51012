"""Every committed record fits its schema, and is written back as it was read: writer and reader agree on each key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from maskwatch.errors import MaskwatchError, ModelError
from maskwatch.records import proof, quality, run, strangers
from maskwatch.records.kinds import KINDS
from maskwatch.records.record import Record

ROOT = Path(__file__).parents[2]
FILES: list[tuple[type[Record], str]] = [
    (run.Run, "training/**/*run.json"),
    (quality.Slices, "training/results/slices*.json"),
    (strangers.Strangers, "training/results/strangers-*.json"),
    (proof.Proof, "convert/results/**/*.report.json"),
]
LINES: list[tuple[type[Record], str]] = [
    (quality.Evaluated, "training/results/mask-test.jsonl"),
    (quality.SceneScores, "training/results/scenes.jsonl"),
    (quality.PortraitScores, "training/results/portraits.jsonl"),
    (quality.LeftOut, "training/results/left-out.jsonl"),
]


def committed() -> Iterator[tuple[type[Record], Path]]:
    """Schema and file of every record with one record in the file."""
    for schema, pattern in FILES:
        found = sorted(ROOT.glob(pattern))
        assert found, pattern
        yield from ((schema, path) for path in found)
    for path in sorted((ROOT / "benchmarks" / "results").glob("**/*.json")):
        yield KINDS[json.loads(path.read_text())["kind"]], path


@pytest.mark.parametrize(("schema", "path"), [pytest.param(*case, id=case[1].name) for case in committed()])
def test_a_committed_record_is_written_back_as_it_was_read(schema: type[Record], path: Path) -> None:
    written = json.dumps(schema.read(path, "").as_json())
    assert written == json.dumps(json.loads(path.read_text()))  # the order of the keys too: it decides a bundle's bytes


@pytest.mark.parametrize(("schema", "name"), LINES)
def test_a_committed_file_of_lines_is_written_back_as_it_was_read(schema: type[Record], name: str) -> None:
    lines = [each.line() for each in schema.read_lines(ROOT / name, "")]
    assert lines == [json.dumps(json.loads(line)) for line in (ROOT / name).read_text().splitlines()]
    assert lines


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory"),
        (b"{", "the file: Invalid JSON"),
        (b"\xff", "'utf-8' codec can't decode"),
        (b'{"n": 1}', "precision: Field required"),
        (b'{"precision": 1, "recall": 1, "f1": "high", "n": 1}', "f1."),
        (b'{"precision": 1, "recall": 1, "f1": 1, "n": 1, "support": 1}', "support: Extra inputs are not permitted"),
    ],
)
def test_a_record_that_does_not_fit_is_refused_in_one_line(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "figures.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        quality.ClassFigures.read(path, "measure again", ModelError)
    assert str(caught.value).startswith(f"record {path}: {said}")
    assert str(caught.value).endswith("; measure again")
    assert "\n" not in str(caught.value)


def test_a_file_of_lines_is_refused_with_the_number_of_the_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "figures.jsonl"
    path.write_text('{"precision": 1, "recall": 1, "f1": 1, "n": 1}\n{}\n')
    with pytest.raises(MaskwatchError, match=r"figures\.jsonl:2: precision: Field required; measure again"):
        quality.ClassFigures.read_lines(path, "measure again")
