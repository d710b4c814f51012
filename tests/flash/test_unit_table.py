"""Three units from one unit file and a table: all differ in what must differ; and the sheet to print."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from stand_in import KEY, UNIT, image, job_of

from maskwatch.errors import ConfigError
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
