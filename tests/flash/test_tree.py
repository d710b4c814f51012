"""The tree for a unit's Python and processor, made by pip on this machine; and what the unit plays when it is ready."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory
from stand_in import small_tree

from maskwatch import config
from maskwatch.errors import FlashError
from maskwatch.flash import payload, tree, wheels
from maskwatch.flash.system import BOOKWORM, TRIXIE, System, is_this_python
from maskwatch.install import shipped
from maskwatch.outputs import readiness

HERE = System("trixie", (sys.version_info[0], sys.version_info[1]), TRIXIE.magic, True, (2, 41))


def a_wheel(folder: Path, tag: str, name: str = "thing", files: tuple[str, ...] = ("thing/__init__.py",)) -> None:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-1.0-{tag}.whl", "w") as wheel:
        for path in files:
            wheel.writestr(path, f"TAG = {tag!r}\n")
        facts = f"{name}-1.0.dist-info"
        wheel.writestr(f"{facts}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{facts}/WHEEL", f"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: {tag}\n")
        wheel.writestr(f"{facts}/RECORD", "")


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One exact version in the constraints' place, and no network."""
    path = tmp_path / "pins.txt"
    path.write_text("thing==1.0\n")
    monkeypatch.setattr(wheels.shipped, "path", lambda folder, name: path)  # noqa: ARG005
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", ""), ("PIP_CONFIG_FILE", "/dev/null")):
        monkeypatch.setenv(name, value)
    return path


@pytest.mark.usefixtures("pins")
def test_the_units_wheels_are_taken_and_not_this_machines(tmp_path: Path) -> None:
    folder = tmp_path / "wheels"
    a_wheel(folder, "cp313-cp313-manylinux_2_28_aarch64")
    a_wheel(folder, "cp313-cp313-manylinux_2_28_x86_64")
    a_wheel(folder, "cp311-cp311-manylinux_2_28_aarch64")
    wheels.unpack(TRIXIE, folder, tmp_path / "site", print)
    assert (tmp_path / "site/thing/__init__.py").read_text() == "TAG = 'cp313-cp313-manylinux_2_28_aarch64'\n"


@pytest.mark.usefixtures("pins")
def test_a_package_that_cannot_be_had_is_one_line(tmp_path: Path) -> None:
    a_wheel(tmp_path / "wheels", "cp313-cp313-manylinux_2_99_aarch64")  # for a new_tree C library than the unit's
    with pytest.raises(FlashError, match=r"cannot download the unit's packages \(.*thing.*is this computer online"):
        wheels.unpack(TRIXIE, tmp_path / "wheels", tmp_path / "site", print)


def test_what_a_unit_never_loads_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("numpy/core.py", "numpy/tests/t.py", "ai_edge_litert/libLiteRtWebGpuAccelerator.so", "bin/f2py")

    def unpacked(system: Any, folder: Any, into: Path, say: Any) -> None:  # noqa: ARG001
        for name in names:
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            (into / name).write_text("")

    monkeypatch.setattr(wheels, "unpack", unpacked)
    said: list[str] = []
    assert not tree.build(HERE, tmp_path / "tree", tmp_path, None, said.append)
    site = tmp_path / "tree/lib" / HERE.python_name / "site-packages"
    assert [name for name in names if (site / name).exists()] == ["numpy/core.py"]
    assert (site / "maskwatch/models/mask.tflite").exists()
    assert (site / "maskwatch/systemd/maskwatch.service").exists()
    assert not (site / "maskwatch/flash").exists(), "a unit never imports it"
    assert "the unit makes its .pyc files at first boot" in said[-1]  # HERE's magic is made up


@pytest.mark.parametrize("system", [TRIXIE, BOOKWORM], ids=lambda each: each.name)
def test_an_interpreter_is_taken_if_its_pyc_files_fit(system: System) -> None:
    if is_this_python(system):
        assert tree.interpreter(system, sys.executable) == tree.interpreter(system, None) == sys.executable
    else:
        with pytest.raises(FlashError, match=f"is not {system.python_name}"):
            tree.interpreter(system, sys.executable)
    with pytest.raises(FlashError, match="is not"):
        tree.interpreter(replace(system, magic=b"none"), sys.executable)


def test_the_same_tree_gives_the_same_bundle(tmp_path: Path) -> None:
    small_tree(TRIXIE, tmp_path / "tree", tmp_path, None, print)
    one, two = (payload.pack(tmp_path / "tree", TRIXIE, True, tmp_path / name) for name in ("a", "b"))
    assert one.archive.read_bytes() == two.archive.read_bytes()
    assert one.manifest == two.manifest
    (tmp_path / "tree/pyvenv.cfg").write_text("other\n")
    assert payload.pack(tmp_path / "tree", TRIXIE, True, tmp_path / "c").manifest["id"] != one.manifest["id"]


def test_the_unit_file_and_the_versions_are_found_beside_the_checkout_too() -> None:
    assert "ExecStart=" in shipped.path("systemd", "maskwatch.service").read_text()
    with pytest.raises(FlashError, match="install the package again"):
        shipped.path("systemd", "none.service")


# -- the signals ----------------------------------------------------------------------------------------------------


@pytest.fixture
def factory() -> Iterator[MockFactory]:
    before, gpiozero.Device.pin_factory = gpiozero.Device.pin_factory, MockFactory()
    yield gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory.reset()
    gpiozero.Device.pin_factory = before


def outputs(tmp_path: Path, text: str) -> config.OutputsSettings:
    (tmp_path / "c.toml").write_text(text)
    return config.load(tmp_path / "c.toml", {}).outputs


def test_ready_is_two_beeps_and_flashes_and_no_click_of_a_relay(tmp_path: Path, factory: MockFactory) -> None:
    settings = outputs(tmp_path, "[outputs.buzzer]\npin = 17\n[outputs.led]\npin = 27\n[outputs.relay]\npin = 22\n")
    seen: list[tuple[int, ...]] = []
    readiness.ready(settings, lambda _: seen.append(tuple(factory.pin(number).state for number in (17, 27, 22))))
    assert seen == [(1, 1, 0), (0, 0, 0), (1, 1, 0)]
    assert [factory.pin(number).state for number in (17, 27)] == [0, 0]


@pytest.mark.parametrize(
    ("text", "pin"),
    [
        ("[outputs.led]\npin = 27\n[outputs.buzzer]\npin = 17\n", 27),
        ("[outputs.lamp]\nred = 5\ngreen = 6\n", 5),
        ("[outputs.buzzer]\npin = 17\n", 17),
    ],
)
def test_trouble_is_a_slow_blink_on_a_light_or_else_on_the_buzzer(
    tmp_path: Path, factory: MockFactory, text: str, pin: int
) -> None:
    seen: list[tuple[int, float]] = []
    readiness.trouble(outputs(tmp_path, text), 4.0, lambda lasts: seen.append((factory.pin(pin).state, lasts)))
    assert seen == [(1, 0.5), (0, 1.5), (1, 0.5), (0, 1.5)]
    assert factory.pin(pin).state == 0


def test_without_a_lamp_and_a_buzzer_it_says_so(tmp_path: Path) -> None:
    settings = outputs(tmp_path, "[outputs.relay]\npin = 22\n")
    assert readiness.ready(settings, print) == "no lamp and no buzzer in the config"
    assert readiness.trouble(settings, 0, print) == "no lamp and no buzzer in the config"
