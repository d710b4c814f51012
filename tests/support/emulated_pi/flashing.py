"""A unit's card, made by the real `maskwatch flash` as a user would make it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from emulated_pi import cache, scene, unit_python
from emulated_pi.firmware import BootPartition

PROGRAM = [sys.executable, "-c", "from maskwatch.cli import main; main()"]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4 keeper@laptop"
UNIT = f"""
[unit]
host = "door-1"
timezone = "Europe/Berlin"
packages = "image"

[user]
name = "keeper"
ssh_keys = ["{KEY}"]

[config.camera]
source = "images:/boot/firmware/scene"
fps = {scene.FPS}

[config.outputs.buzzer]
pin = 17

[config.outputs.led]
pin = 27

[config.outputs.lamp]
red = 5
green = 6
"""
PINS = {"buzzer": 17, "led": 27, "red": 5, "green": 6}
STAND_INS = Path(__file__).parents[1] / "stand_ins"
STUCK = (STAND_INS / "stuck_finder.py", STAND_INS / "spoilt_finder.py")  # the program with a finder that hangs, whole


def flash(base: Path, folder: Path, *options: str) -> Path:
    """Run it.

    Args:
        folder: for the unit file and the image.
        options: further ones.
    """
    unit, image = folder / "door-1.toml", folder / "door-1.img"
    unit.write_text(UNIT)
    python = unit_python.found()
    kept = ["--wheels", str(cache.folder() / "wheels"), *(["--python", python] if python else [])]
    run("flash", str(unit), "--image", str(base), "-o", str(image), *kept, *options)
    return image


def run(*call: str) -> str:
    """A command of maskwatch, on this machine."""
    done = subprocess.run([*PROGRAM, *call], check=False, capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0, f"maskwatch {call[0]} ended with {done.returncode}:\n{done.stderr}{done.stdout}"
    return done.stdout


def put(image: Path, *paths: Path) -> None:
    """Files and folders beside what flash wrote: no camera is there, and no network to fetch anything by."""
    boot = BootPartition(image)
    for path in paths:
        boot.put(path)
