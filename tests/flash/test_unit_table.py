"""Three units from one unit file and a table: all differ in what must differ; and the sheet to print."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from stand_in import KEY, UNIT, image, job_of

from maskwatch.cli import flashing
from maskwatch.errors import ConfigError, FlashError
from maskwatch.flash import boot_partition, labels, unit_table
from maskwatch.flash.unit_file import Unit

HASH = "$6$saltsalt${}" + "a" * 85
KEYS = [KEY.replace("Jm0w7", each) for each in ("AAAA1", "AAAA2", "AAAA3")]
TABLE = f"""host,user.password_hash,ssh_key,config.camera.source,config.outputs.led.pin,unit.read_only
front,{HASH.format(1)},{KEYS[0]},,,
back,{HASH.format(2)},{KEYS[1]},v4l2:/dev/video0,22,true
yard,{HASH.format(3)},{KEYS[2]},"rtsp://me:geheim@10.0.0.7/live",,
"""


def units(folder: Path, table: str = TABLE, text: str = UNIT) -> list[Unit]:
    (folder / "door.toml").write_text(text)
    (folder / "units.csv").write_text(table)
    return unit_table.units(folder / "door.toml", folder / "units.csv")


def test_each_row_is_a_unit_with_its_own_name_key_password_and_settings(tmp_path: Path) -> None:
    front, back, yard = units(tmp_path)
    assert [unit.host for unit in (front, back, yard)] == ["front", "back", "yard"]
    assert [unit.ssh_keys for unit in (front, back, yard)] == [(key,) for key in KEYS]
    assert len({unit.password_hash for unit in (front, back, yard)}) == 3
    assert (back.settings.camera.source, front.settings.camera.source) == ("v4l2:/dev/video0", "picamera:0")
    assert [unit.settings.outputs.led.pin for unit in (front, back, yard) if unit.settings.outputs.led] == [27, 22, 27]
    assert [unit.read_only for unit in (front, back, yard)] == [False, True, False]
    assert front.ssid == back.ssid == "Café door"


def test_three_images_of_one_base_differ_in_what_must_and_share_the_bundle(tmp_path: Path) -> None:
    base = image(tmp_path / "base.img")
    with job_of(base) as work:
        for unit in units(tmp_path):
            work.write(unit, tmp_path / f"{unit.host}.img")
    facts, instances, bundles = [], set(), set()
    for host in ("front", "back", "yard"):
        with boot_partition.opened(tmp_path / f"{host}.img") as boot:
            facts.append(json.loads(boot.read("maskwatch/unit.json")))
            instances.add(yaml.safe_load(boot.read("meta-data"))["instance-id"])
            bundles.add(boot.read("maskwatch/bundle.tar.gz"))
            assert yaml.safe_load(boot.read("user-data"))["hostname"] == host
    assert len(instances) == 3
    assert len(bundles) == 1
    assert len({each["password_hash"] for each in facts}) == len({str(each["ssh_keys"]) for each in facts}) == 3


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("back,", "front,", "units.csv:3: unit.host is the same as in line 2"),
        (KEYS[1], KEYS[0], "units.csv:3: user.ssh_keys is the same as in line 2"),
        (HASH.format(3), HASH.format(1), "units.csv:4: user.password_hash is the same as in line 2"),
        (f"yard,{HASH.format(3)},{KEYS[2]}", "yard,,", "units.csv:4: expected a password"),
        ("back,", ",", "units.csv:3: host is empty"),
        ("host,", "hots,", "units.csv:1: expected a header with `host`"),
        ("v4l2:/dev/video0,22", "v4l2:/dev/video0,77", "outputs.led.pin"),
        ("v4l2:/dev/video0,22,true", "v4l2:/dev/video0", "units.csv:3: expected 6 cells"),
        ("unit.read_only", "unit.readonly", "unknown key"),
        ("back,", "Back Door,", "units.csv:3: unit file"),
    ],
)
def test_a_mistake_in_the_table_is_named_with_its_line_and_no_secret(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in TABLE
    with pytest.raises(ConfigError) as error:
        units(tmp_path, TABLE.replace(old, new, 1))
    assert expected in str(error.value)
    assert "$6$" not in str(error.value)
    assert "geheim" not in str(error.value)


def test_a_password_in_the_table_takes_the_hashs_place_in_the_unit_file(tmp_path: Path) -> None:
    text = UNIT.replace('password = "correct horse"', f'password_hash = "{HASH.format(0)}"')
    (unit,) = units(tmp_path, "host,password\nfront,correct horse\n", text)
    assert unit.password_hash is not None
    assert unit.password_hash.startswith("$6$rounds=")


def test_the_sheet_has_a_label_for_each_unit_and_no_secret(tmp_path: Path) -> None:
    made = units(tmp_path)
    page = labels.page(made, "trixie")
    for unit in made:
        assert f"<h2>{unit.host}</h2>" in page
        assert f"ssh keeper@{unit.host}.local" in page
    assert page.count("<svg") == 3
    assert "geheim" not in page
    assert "$6$" not in page
    assert 'src="' not in page  # nothing from elsewhere
    ET.fromstring(page[page.index("<section") : page.index("</section>") + len("</section>")])  # noqa: S314


def test_a_name_in_the_sheet_is_text_and_no_html(tmp_path: Path) -> None:
    (unit,) = units(tmp_path, f"host,ssh_key,config.camera.source\nfront,{KEYS[0]},video:/srv/<b>.mp4\n")
    assert "&lt;b&gt;" in labels.page([unit], "trixie")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words of the command in docs/install.md, in a folder with its files; the tree is a small one."""
    base = image(tmp_path / "base.img")
    units(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(flashing, "_started", lambda *_: (None, job_of(base)))
    return ["door.toml", "--many", "units.csv", "--image", str(base)]


def test_the_folder_of_the_images_is_made(command: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(
        flashing.flash, [*command, "-o", "new/cards", "--sheet", "labels.html"], catch_exceptions=False
    )
    assert done.exit_code == 0
    made = sorted(path.name for path in (tmp_path / "new" / "cards").iterdir())
    assert made == ["back.img", "front.img", "yard.img"]
    assert "back" in (tmp_path / "labels.html").read_text()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["-o", "cards", "--sheet", "none/labels.html"], "make it first: mkdir -p none"),
        (["-o", "base.img"], "base.img: expected a folder for the images"),
    ],
)
def test_what_cannot_be_written_is_refused_before_an_image_is_made(
    command: list[str], tmp_path: Path, more: list[str], expected: str
) -> None:
    done = CliRunner().invoke(flashing.flash, [*command, *more])
    assert expected in str(done.exception)
    assert not list(tmp_path.rglob("front.img"))


def test_an_image_in_a_folder_that_is_not_there_is_refused_with_the_remedy(tmp_path: Path) -> None:
    base = image(tmp_path / "base.img")
    (front, *_) = units(tmp_path)
    with job_of(base) as work, pytest.raises(FlashError, match=r"there is no folder .*; make it first: mkdir -p "):
        work.write(front, tmp_path / "none" / "front.img")


def test_the_same_key_with_another_comment_is_the_same_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ssh_keys is the same as in line 2"):
        units(tmp_path, f"host,ssh_key\na,{KEY} a\nb,{KEY.partition(' you')[0]} b\n")


def test_a_table_with_semicolons_is_told_about_commas(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"found semicolons; expected a header .* with commas"):
        units(tmp_path, f"host;ssh_key\na;{KEY}\n")
