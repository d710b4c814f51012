"""docs/install.md shows what the commands are, a unit file that is taken, and the drawing's own numbers."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest
from stand_in import KEY

from maskwatch.cli.commands import cli
from maskwatch.cli.flashing import flash
from maskwatch.cli.installing import install, show, uninstall, update, volatile
from maskwatch.flash import unit_file
from maskwatch.flash.disk import MAX_CARD_BYTES
from maskwatch.flash.unit_file import UnitSection, UserSection, WifiSection
from maskwatch.install.packages import PACKAGES, PAUSE, TRIES
from maskwatch.install.running import STABLE_SECONDS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "install.md").read_text()


def test_the_unit_file_on_the_page_is_taken(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "id.pub").write_text(f"{KEY}\n")
    (tmp_path / "door-1.toml").write_text(text.replace("~/.ssh/id_ed25519.pub", "id.pub"))
    unit = unit_file.read(tmp_path / "door-1.toml")
    assert (unit.host, unit.ssid, unit.settings.outputs.buzzer is not None) == ("door-1", "hall", True)


def test_every_key_of_a_unit_file_is_on_the_page() -> None:
    text = PAGE.partition("```toml")[2].partition("```")[0]
    keys = {key for section in (UnitSection, UserSection, WifiSection) for key in section.model_fields}
    told = set(re.findall(r"\b([a-z_]+)\b", text))
    assert keys - told == set()
    assert tomllib.loads(text)["unit"]["host"] == "door-1"


@pytest.mark.parametrize("command", [flash, install, show, uninstall, update, volatile], ids=lambda each: each.name)
def test_every_command_is_on_its_page(command: object) -> None:
    name = getattr(command, "name", "")
    assert f"`maskwatch {name} " in (DOCS / "running.md").read_text()
    assert name not in cli.commands or cli.commands[name] is command


def test_the_help_says_where_it_removes_from() -> None:
    assert (uninstall.help or "").endswith("install, update and first boot put on the disk.")


def test_what_the_page_says_is_what_the_code_does() -> None:
    assert f"larger than {MAX_CARD_BYTES / 1e9:.0f} GB" in PAGE
    assert f"every\n  {PAUSE:.0f} s for {TRIES * PAUSE / 60:.0f} minutes" in PAGE
    assert f"for {STABLE_SECONDS:.0f} s without a break" in PAGE
    for package in PACKAGES.values():
        assert f"`{package}`" in PAGE


def test_the_drawing_and_its_table_are_what_the_script_draws() -> None:
    made = runpy.run_path(str(DOCS / "draw_mounting.py"))
    assert made["drawing"]() == (DOCS / "mounting.svg").read_text(), "run python docs/draw_mounting.py"
    for height in made["HEIGHTS"]:
        assert made["row"](made["mount"](height)) in PAGE
