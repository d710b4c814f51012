"""A read-only root with all changes in memory, for units that are switched off by pulling the plug.

It only uses what every Raspberry Pi OS has: `ro` on the kernel's command line and in fstab, and overlays in memory over
the folders that programs write to. Our systemd unit mounts them early. raspi-config's way (overlayroot) needs a package
from the network.
"""

from __future__ import annotations

from maskwatch.install import shipped
from maskwatch.install.machine import Machine
from maskwatch.install.places import UNITS, VOLATILE, boot_folder
from maskwatch.install.service_files import enable, remove

WORD = "maskwatch.volatile=1"  # without this word in cmdline.txt, the root is writable again
MEMORY = "/run/maskwatch-volatile"  # the same path as in the unit file
CARD = "/run/maskwatch-card"
ON_CARD = ("/", "/boot/firmware", "/boot")


def switch_on(machine: Machine) -> str:
    """Make the root read-only from the next start on; return a line for the report."""
    machine.write(f"{UNITS}/{VOLATILE}", (shipped.BOOT / VOLATILE).read_text())
    enable(machine, VOLATILE, f"{UNITS}/local-fs.target.wants")
    _change_fstab(machine, read_only=True)
    _change_command_line(machine, read_only=True)
    return "from the next start on"


def switch_off(machine: Machine) -> None:
    """Make the root writable from the next start on. Missing files are ignored."""
    on_card = _below_the_overlays(machine)
    _change_command_line(machine, read_only=False)
    _change_fstab(on_card, read_only=False)
    remove(on_card, VOLATILE)


def _below_the_overlays(machine: Machine) -> Machine:
    """The machine with the card's files: while overlays are active, the root is mounted again at CARD, without them."""
    if not machine.at(MEMORY).is_dir():
        return machine
    for place in ("/", boot_folder(machine)):
        machine.run("mount", "-o", "remount,rw", place)
    machine.at(CARD).mkdir(parents=True, exist_ok=True)
    machine.run("mount", "--bind", "/", CARD)
    return type(machine)(machine.at(CARD))


def is_on(machine: Machine) -> bool:
    """Whether the root is read-only from the next start on."""
    path = machine.at(f"{boot_folder(machine)}/cmdline.txt")
    return path.exists() and WORD in path.read_text().split()


def _change_command_line(machine: Machine, read_only: bool) -> None:
    name = f"{boot_folder(machine)}/cmdline.txt"
    path = machine.at(name)
    if not path.exists():
        return
    words = [word for word in path.read_text().split() if word not in ("ro", "rw", WORD)]
    machine.write(name, " ".join([*words, *(("ro", WORD) if read_only else ("rw",))]) + "\n")


def _change_fstab(machine: Machine, read_only: bool) -> None:
    path = machine.at("/etc/fstab")
    if not path.exists():
        return
    lines = [_changed(line, read_only) for line in path.read_text().splitlines()]
    machine.write("/etc/fstab", "\n".join(lines) + "\n")


def _changed(line: str, read_only: bool) -> str:
    fields = line.split()
    if len(fields) < 4 or line.lstrip().startswith("#") or fields[1] not in ON_CARD:
        return line
    options = [option for option in fields[3].split(",") if option not in ("ro", "rw")]
    fields[3] = ",".join([*options, "ro" if read_only else "rw"])
    return "  ".join(fields)
