"""The files for the boot partition: the packed tree with the hash of each file, and what first boot needs."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwatch import __version__
from maskwatch.config import claimed_pins
from maskwatch.flash import cloud_init, firstrun, tree, wheels
from maskwatch.flash.image import OnProgress, no_progress
from maskwatch.flash.system import System
from maskwatch.flash.unit_file import Unit
from maskwatch.install import shipped, unpack
from maskwatch.text import address

FOLDER = "maskwatch"  # on the boot partition
BUNDLE, MANIFEST = "bundle.tar.gz", "manifest.json"
LEVEL = 6  # of gzip; xz files are a quarter smaller, but the unit needs three times as long to unpack them
COUNTRY_WORD = "cfg80211.ieee80211_regdom"  # a kernel parameter; raspi-config writes the same


@dataclass(frozen=True, slots=True)
class Bundle:
    """A packed tree."""

    archive: Path
    manifest: dict[str, Any]

    @property
    def is_compiled(self) -> bool:
        """Whether it contains .pyc files."""
        return bool(self.manifest["compiled"])


def pack(
    folder: Path, system: System, is_compiled: bool, archive: Path, on_progress: OnProgress = no_progress
) -> Bundle:
    """Pack a tree. The same tree always gives the same bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    total = sum(path.stat().st_size for path in files)
    facts: dict[str, Any] = {}
    done = 0
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.GNU_FORMAT) as out,
    ):
        for path in files:
            name = path.relative_to(folder).as_posix()
            facts[name] = _add(out, path, name)
            done += facts[name]["size"]
            on_progress(done, total)
    return Bundle(archive, _manifest(facts, system, is_compiled, total))


def files(unit: Unit, system: System, bundle: Bundle, command_line: str) -> dict[str, bytes]:
    """All files for the boot partition, by path, in the order in which they are written.

    Args:
        unit: that the card is for.
        system: of the image.
        bundle: the packed tree.
        command_line: content of the image's cmdline.txt.
    """
    inner = {
        BUNDLE: bundle.archive.read_bytes(),
        MANIFEST: _json(bundle.manifest),
        "unit.json": _json(_facts(unit)),
        "config.toml": unit.config_text.encode(),
        "unpack.py": Path(unpack.__file__).read_bytes(),
        "first-boot.sh": (shipped.BOOT / "first-boot.sh").read_bytes(),
        "maskwatch-first-boot.service": (shipped.BOOT / "maskwatch-first-boot.service").read_bytes(),
    }
    inner["SHA256SUMS"] = "".join(
        f"{hashlib.sha256(text).hexdigest()}  {name}\n" for name, text in inner.items()
    ).encode()
    found = {f"{FOLDER}/{name}": content for name, content in inner.items()}
    words = (f"{COUNTRY_WORD}={unit.country}",) if unit.country else ()
    if system.uses_cloud_init:
        found["user-data"] = cloud_init.user_data(unit).encode()
        found["meta-data"] = cloud_init.meta_data(unit).encode()
        found["network-config"] = cloud_init.network_config(unit).encode()
    else:
        found["firstrun.sh"] = firstrun.SCRIPT.encode()
        words = (*words, *firstrun.WORDS)
    if words:
        found["cmdline.txt"] = firstrun.command_line(command_line, words).encode()
    return found


def modules(unit: Unit) -> list[str]:
    """The modules that the unit needs from the Pi's package archive, by its config."""
    found = ["picamera2"] if address.parse(unit.settings.camera.source).kind == "picamera" else []
    return found + (["lgpio"] if claimed_pins(unit.settings) else [])


def _facts(unit: Unit) -> dict[str, Any]:
    """The content of unit.json for first boot. It contains the password's hash and the Wi-Fi key, but no password."""
    return {
        "host": unit.host,
        "timezone": unit.timezone,
        "read_only": unit.read_only,
        "packages": unit.packages,
        "modules": modules(unit),
        "user": unit.user,
        "ssh_keys": list(unit.ssh_keys),
        "password_hash": unit.password_hash,
        "ssid": unit.ssid,
        "psk": unit.psk,
        "country": unit.country,
        "hidden": unit.hidden,
    }


def _manifest(facts: dict[str, Any], system: System, is_compiled: bool, total: int) -> dict[str, Any]:
    mark = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
    return {
        "id": f"{__version__}-{system.name}-{mark}",
        "version": __version__,
        "system": system.name,
        "python": list(system.python),
        "machine": wheels.MACHINE,
        "compiled": is_compiled,
        "size": total,
        "links": tree.LINKS,
        "files": facts,
    }


def _add(out: tarfile.TarFile, path: Path, name: str) -> dict[str, Any]:
    content = path.read_bytes()
    mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    with path.open("rb") as file:
        out.addfile(member, file)
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "mode": mode}


def _json(table: dict[str, Any]) -> bytes:
    return (json.dumps(table, indent=1) + "\n").encode()
