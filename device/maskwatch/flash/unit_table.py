"""Several units from a unit file and a table with one row for each unit and one column for each key that differs."""

from __future__ import annotations

import copy
import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwatch.config.toml_text import TomlError, table_of, text_of
from maskwatch.errors import ConfigError
from maskwatch.flash import unit_file
from maskwatch.flash.unit_file import Unit
from maskwatch.system import regular_file

MAX_BYTES = 1 << 20  # bytes
SHORT = {"host": "unit.host", "user": "user.name", "password": "user.password", "ssh_key": "user.ssh_keys"}
VALUES = ("config.", "unit.read_only", "wifi.hidden")  # columns whose cells are TOML values; the others are text
MAX_ROWS = 500  # rows


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table."""

    line: int
    cells: dict[str, str]  # full name of the key -> text; without empty cells


def units(template: Path, table: Path) -> list[Unit]:
    """The unit of each row.

    Args:
        template: the unit file with the common keys.
        table: CSV with a header row. Columns are keys of the unit file (`unit.host`, `config.camera.source`); host,
            user, password and ssh_key are short names. An empty cell means the template's value.

    Raises:
        ConfigError: a row is refused, or two units have a name, key or password in common.
    """
    text, common = unit_file.read_table(template)
    rows = _rows(table)
    _require_distinct(table, rows)
    return [_unit(template, table, text, common, row) for row in rows]


def _unit(template: Path, table: Path, text: str, common: dict[str, Any], row: Row) -> Unit:
    whole = copy.deepcopy(common)
    for key, cell in row.cells.items():
        _put(whole, key, _value(key, cell, f"{table}:{row.line}"))
    if "user.password" in row.cells:
        whole.get("user", {}).pop("password_hash", None)
    if "user.password_hash" in row.cells:
        whole.get("user", {}).pop("password", None)
    try:
        return unit_file.unit_of(template, text, whole)
    except ConfigError as error:
        raise ConfigError(f"{table}:{row.line}: {error}") from None


def _rows(table: Path) -> list[Row]:
    try:
        reader = csv.DictReader(io.StringIO(text_of(regular_file.read(table, MAX_BYTES))), strict=True)
        head = [SHORT.get(name.strip(), name.strip()) for name in reader.fieldnames or []]
        if "unit.host" not in head or len(set(head)) != len(head):
            semicolons = "found semicolons; " if len(head) == 1 and ";" in head[0] else ""
            raise ConfigError(
                f"{table}:1: {semicolons}expected a header with `host`, and each column once, with commas between, "
                "e.g. host,password,ssh_key"
            )
        rows = []
        for values in reader:
            if None in values or None in values.values():
                raise ConfigError(f"{table}:{reader.line_num}: expected {len(head)} cells, as in the header")
            cells = {key: cell.strip() for key, cell in zip(head, values.values(), strict=True) if cell.strip()}
            rows.append(Row(reader.line_num, cells))
    except OSError as error:
        raise ConfigError(f"{table}: {error.strerror}; give a CSV file with a row for each unit") from None
    except (csv.Error, TomlError) as error:
        raise ConfigError(f"{table}: not a readable CSV file ({error})") from None
    if not 1 <= len(rows) <= MAX_ROWS:
        raise ConfigError(f"{table}: {len(rows)} rows, expected 1 to {MAX_ROWS}")
    return rows


def _require_distinct(table: Path, rows: list[Row]) -> None:
    """Check that names and credentials differ, so that a stolen unit does not give access to the others.

    Raises:
        ConfigError: they do not.
    """
    secrets = ("user.password", "user.password_hash", "user.ssh_keys")
    for key in ("unit.host", *secrets):
        seen: dict[str, int] = {}
        for row in rows:
            cell = row.cells.get(key)
            if cell is not None and key == "user.ssh_keys":
                cell = " ".join(cell.split()[:2])  # without its comment
            if cell is not None and seen.setdefault(cell, row.line) != row.line:
                raise ConfigError(
                    f"{table}:{row.line}: {key} is the same as in line {seen[cell]}; each unit needs its own"
                )
    for row in rows:
        if "unit.host" not in row.cells:
            raise ConfigError(f"{table}:{row.line}: host is empty; expected a different name for each unit")
        if len(rows) > 1 and not any(key in row.cells for key in secrets):
            raise ConfigError(f"{table}:{row.line}: expected a password, user.password_hash or ssh_key for this unit")


def _value(key: str, cell: str, where: str) -> Any:
    if key == "user.ssh_keys":
        return [cell]
    if not key.startswith(VALUES):
        return cell
    try:
        return table_of(f"value = {cell}")["value"]
    except TomlError:
        if cell.startswith(('"', "'", "[", "{")):
            raise ConfigError(f"{where}: {key}: not a TOML value; write text without quotes") from None
        return cell


def _put(table: dict[str, Any], key: str, value: Any) -> None:
    *sections, name = key.split(".")
    for section in sections:
        inner = table.setdefault(section, {})
        table = inner if isinstance(inner, dict) else {}
    table[name] = value
