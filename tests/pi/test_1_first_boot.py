"""A card made by `maskwatch flash` becomes a unit that sounds for a bare face, by itself and without a network."""

import hashlib
import re
from pathlib import Path

import pytest
from emulated_pi import drawing
from emulated_pi.first_boot import FirstBoot
from emulated_pi.transcript import Transcript

import maskwatch
from maskwatch.camera import demo

pytestmark = pytest.mark.pi
MODELS = Path(maskwatch.__file__).parent / "models"
AFTER = 3.0  # seconds that are drawn before and after
SERVICE = "journalctl -u maskwatch -o cat --no-pager"


@pytest.fixture(scope="module", autouse=True)
def drawn(first_boot: FirstBoot, told: Transcript) -> None:
    """The pins of the whole boot, and of the alarm alone."""
    board = first_boot.board
    levels, end = board.levels, first_boot.alarm_off + AFTER
    drawing.draw(levels, first_boot.marks, (0.0, end), told.folder / "pins-first-boot.png", "First boot")
    alarm = [mark for mark in first_boot.marks if mark.time >= first_boot.watching]
    span = (first_boot.watching - AFTER, end)
    drawing.draw(levels, alarm, span, told.folder / "pins-alarm.png", "The first alarm")


def test_the_report_on_the_boot_partition_says_ready(first_boot: FirstBoot) -> None:
    report = first_boot.board.console.run("cat /boot/firmware/maskwatch-report.txt")
    assert report.splitlines()[0] == "ready"


def test_there_was_no_network(first_boot: FirstBoot) -> None:
    links = first_boot.board.console.run("ls /sys/class/net").split()
    assert links == ["lo"]


def test_the_host_and_the_user_are_those_of_the_unit_file(first_boot: FirstBoot) -> None:
    console = first_boot.board.console
    assert console.run("hostname") == "door-1"
    assert "keeper@laptop" in console.run("cat /home/keeper/.ssh/authorized_keys")
    assert console.run("readlink -f /etc/localtime").endswith("Europe/Berlin")


def test_pins_are_outputs_and_followed_the_scene(first_boot: FirstBoot) -> None:
    board = first_boot.board
    assert all(board.monitor.is_output(pin) for pin in board.levels.pins.values())
    during = board.levels.seen_high(first_boot.alarm_on)
    assert {"buzzer", "led", "red"} <= during
    assert first_boot.watching < first_boot.alarm_on < first_boot.alarm_off


def test_the_alarm_began_with_the_bare_face_and_ended_with_the_mask(first_boot: FirstBoot, told: Transcript) -> None:
    lines = first_boot.board.console.run(SERVICE)
    on, off = (float(re.findall(rf"{event} time=([\d.]+)", lines)[0]) for event in ("alert_on", "alert_off"))
    told.note("scene_alert_on_s", on)
    told.note("scene_alert_off_s", off)
    assert demo.ARRIVES < on < demo.REACHES
    assert demo.REACHES < off < demo.LEAVES


def test_pins_go_by_lgpio_and_the_kernels_driver(first_boot: FirstBoot) -> None:
    console = first_boot.board.console
    main = console.run("systemctl show -P MainPID maskwatch")
    assert "_lgpio" in console.run(f"grep -o _lgpio /proc/{main}/maps | sort -u")
    assert "/dev/gpiochip0" in console.run(f"ls -l /proc/{main}/fd")
    driver = "basename $(readlink -f /sys/bus/gpio/devices/gpiochip0/../driver)"
    assert console.run(driver) == "pinctrl-bcm2835"


@pytest.mark.parametrize("name", ["face.tflite", "mask.tflite"])
def test_the_models_are_the_shipped_ones(first_boot: FirstBoot, name: str) -> None:
    shown = first_boot.board.console.run(f"sha256sum $(find -L /opt/maskwatch/venv -name {name})")
    assert shown.split()[0] == hashlib.sha256((MODELS / name).read_bytes()).hexdigest()


def test_what_it_takes(first_boot: FirstBoot, told: Transcript) -> None:
    """Figures for the record; and that the card is far from full."""
    console = first_boot.board.console
    told.note("tree_bytes", int(console.run("du -sb --apparent-size /opt/maskwatch/trees").split()[0]))
    told.note("bundle_bytes", int(console.run("stat -c %s /boot/firmware/maskwatch/bundle.tar.gz")))
    told.note("service_memory_bytes", int(console.run("systemctl show -P MemoryPeak maskwatch")))
    told.note("boot_times", console.run("systemd-analyze time", check=False).splitlines()[0])
    free = int(console.run("df --output=avail -B1 / | tail -1"))
    assert free > 100e6
