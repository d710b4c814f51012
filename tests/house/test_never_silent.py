"""docs/never-silent.md: each fault names the tests that fail without its correction, and each of them exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "never-silent.md"
ROW = re.compile(r"^\| (?P<fault>.+?) \| (?P<holds>.+) \| (?P<test>[^|]+) \|$")
NAMED = re.compile(r"(?P<file>test_\w+\.py)|::(?P<test>test_\w+)")


def rows() -> list[str]:
    """Of the tables of faults."""
    text = PAGE.read_text(encoding="utf-8").partition("## Stress tests")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [line for line in lines if not line.startswith(("| fault |", "| --- |"))]


def paths(file: str) -> list[Path]:
    """Files of that name, in whichever room of tests."""
    return list(TESTS.rglob(file))


@cache
def defined(file: str) -> set[str]:
    """The tests of a file, also those in classes."""
    (path,) = paths(file)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def named(cell: str) -> list[tuple[str, str]]:
    """(file, test) of all tests in a cell; one without a file is in the file before; ("file", "") is a whole file."""
    found, file = [], ""
    for match in NAMED.finditer(cell):
        if match["file"]:
            file = match["file"]
            found.append((file, ""))
        else:
            found.append((file, match["test"]))
    return found


@pytest.mark.parametrize("row", rows())
def test_each_row_names_tests_that_exist(row: str) -> None:
    match = ROW.match(row)
    assert match, row
    cells = named(match["test"])
    assert cells, f"no test in {match['test']!r}"
    for file, test in cells:
        assert len(paths(file)) == 1, file
        assert not test or test in defined(file), f"{file}::{test}"


def test_there_are_rows() -> None:
    assert len(rows()) >= 7
