"""A unit file: the unit's name, who may log in, its Wi-Fi, and its config, which the device's code checks."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tomlkit
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from maskwatch import config
from maskwatch.config import Settings, settings_file
from maskwatch.config.complaint import complaint
from maskwatch.config.section import Section
from maskwatch.config.settings_file import Place
from maskwatch.config.toml_text import TomlError, table_of, text_of
from maskwatch.errors import ConfigError
from maskwatch.flash import passwords, wifi, workstation
from maskwatch.system import regular_file

MAX_BYTES = 64 * 1024  # bytes of a file
HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123, also valid in mDNS
NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")  # accepted by useradd
TAKEN = {"root", "daemon", "bin", "sys", "nobody", "mail", "www-data", "maskwatch", "systemd-network"}
KEY = re.compile(r"(ssh-(ed25519|rsa)|ecdsa-sha2-nistp\d+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]+=*( [ -~]*)?")
COUNTRY = re.compile(r"[A-Z]{2}")


def _of(pattern: re.Pattern[str], expected: str) -> BeforeValidator:
    """Validates a text by a pattern. The message does not repeat the value, which may be a misplaced secret."""

    def checked(text: Any) -> str:
        if not isinstance(text, str) or not pattern.fullmatch(text):
            raise ValueError(f"expected {expected}")
        return text

    return BeforeValidator(checked)


def _secret(shortest: int, longest: int) -> BeforeValidator:
    """Validates a password. The message does not repeat the value."""

    def checked(value: Any) -> str:
        if isinstance(value, str) and shortest <= len(value) <= longest and value.isprintable():
            return value
        raise ValueError(f"expected a string of {shortest} to {longest} printable characters")

    return BeforeValidator(checked)


def _a_zone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise ValueError("unknown time zone; expected e.g. Europe/Berlin (IANA)")
    return name


def _a_user(name: str) -> str:
    if not NAME.fullmatch(name) or name in TAKEN:
        raise ValueError("expected lower-case letters and digits, and not a name that the system uses")
    return name


class UnitSection(Section):
    """[unit]."""

    host: Annotated[str, _of(HOST, "letters a-z, digits and hyphens, 63 at most, e.g. door-1")]
    """Its name in the network: door-1 has the address door-1.local."""
    timezone: Annotated[str, AfterValidator(_a_zone)] = "UTC"
    """IANA name."""
    read_only: bool = False
    """true: after first boot the root is read-only and changes are kept in memory, for units that are switched off by
    pulling the plug."""
    packages: Literal["online", "image"] = "online"
    """Origin of python3-picamera2 and python3-lgpio: first boot downloads them, or the image contains them."""
    config: str | None = None
    """A config.toml, relative to this file. Without it and without [config], the default in the package."""


class UserSection(Section):
    """[user]: who may log in."""

    name: Annotated[str, AfterValidator(_a_user)]
    """Not root, and not a name that the system uses."""
    ssh_keys: list[Annotated[str, _of(KEY, "a public key, e.g. ssh-ed25519 AAAA… you@laptop")]] = Field(default=[])
    """Public keys that log in over SSH."""
    ssh_key_files: list[str] = Field(default=[])
    """Files with one public key in each line, e.g. ~/.ssh/id_ed25519.pub."""
    password: Annotated[str | None, _secret(8, 512)] = None
    """Hashed on this workstation; it is never written to the card."""
    password_hash: (
        Annotated[str, _of(passwords.HASH, "a $6$, $y$ or $2b$ hash; `openssl passwd -6` makes one")] | None
    ) = None
    """A hash instead of the password."""

    @model_validator(mode="after")
    def _can_log_in(self) -> UserSection:
        if self.password and self.password_hash:
            raise ValueError("found password and password_hash; remove one of them")
        if not (self.ssh_keys or self.ssh_key_files or self.password or self.password_hash):
            raise ValueError("nobody could log in; expected ssh_keys, ssh_key_files, password or password_hash")
        return self


class WifiSection(Section):
    """[wifi]."""

    ssid: Annotated[str, Field(min_length=1, max_length=32)]
    """The network's name."""
    password: Annotated[str | None, _secret(8, 63)] = None
    """Converted to a key on this workstation; it is never written to the card."""
    psk: Annotated[str, _of(wifi.HEX, "64 hexadecimal digits")] | None = None
    """The key, instead of the password."""
    country: Annotated[str, _of(COUNTRY, "two capital letters, e.g. DE")]
    """The country whose radio regulations apply."""
    hidden: bool = False
    """true: the network does not broadcast its name."""

    @model_validator(mode="after")
    def _has_one_key(self) -> WifiSection:
        if (self.password is None) == (self.psk is None):
            raise ValueError("expected either password or psk")
        if len(self.ssid.encode()) > 32 or any(ord(letter) < 32 for letter in self.ssid):
            raise ValueError("ssid: expected 32 bytes at most, without control characters")
        return self


class UnitFile(Section):
    """The whole file."""

    unit: UnitSection
    user: UserSection
    wifi: WifiSection | None = None
    config: dict[str, Any] | None = None
    """Sections of the config instead of a config file: [config.camera], [config.outputs.buzzer], …"""


@dataclass(frozen=True, slots=True)
class Unit:
    """The data for the card, without readable passwords."""

    host: str
    timezone: str
    read_only: bool
    packages: Literal["online", "image"]
    user: str
    ssh_keys: tuple[str, ...]
    password_hash: str | None
    ssid: str | None
    psk: str | None
    country: str | None
    hidden: bool
    config_text: str  # config.toml
    settings: Settings  # the same, checked

    def named(self, host: str) -> Unit:
        """The same unit with another name."""
        return replace(self, host=host)


def read(path: Path) -> Unit:
    """Read and check a unit file.

    Raises:
        ConfigError: the unit file, or the config in it, is refused. The message names the line and contains no secret.
    """
    text, table = _table(path)
    return unit_of(path, text, table)


def unit_of(path: Path, text: str, table: dict[str, Any]) -> Unit:
    """Like `read`, for a table that was read before and perhaps changed.

    Raises:
        ConfigError: see `read`.
    """
    try:
        file = UnitFile.model_validate(table)
    except ValidationError as error:
        wrong = complaint(error, UnitFile)
        line = settings_file.line_numbers(text).get(wrong.place)
        raise ConfigError(f"{_where(path, line)}: {wrong.text}") from None
    lines = settings_file.line_numbers(text)
    config_text, settings = _config(path, file, lines)
    user, radio = file.user, file.wifi
    where = _where(path, lines.get(("user", "ssh_key_files")))
    keys = (*user.ssh_keys, *(key for name in user.ssh_key_files for key in _keys(path, name, where)))
    return Unit(
        host=file.unit.host,
        timezone=file.unit.timezone,
        read_only=file.unit.read_only,
        packages=file.unit.packages,
        user=user.name,
        ssh_keys=keys,
        password_hash=passwords.hashed(user.password) if user.password else user.password_hash,
        ssid=radio.ssid if radio else None,
        psk=(wifi.psk(radio.ssid, radio.password) if radio.password else radio.psk) if radio else None,
        country=radio.country if radio else None,
        hidden=bool(radio and radio.hidden),
        config_text=config_text,
        settings=settings,
    )


def _table(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = text_of(regular_file.read(path, MAX_BYTES))
        return text, table_of(text)
    except OSError as error:
        raise ConfigError(f"unit file {path}: {error.strerror}; docs/install.md has an example") from None
    except TomlError as error:
        raise ConfigError(f"{_where(path, error.line)}: not valid TOML: {error}") from None


def _where(path: Path, line: int | None) -> str:
    return f"unit file {path}" + (f":{line}" if line else "")


def read_table(path: Path) -> tuple[str, dict[str, Any]]:
    """A unit file's text and table, not yet checked.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    return _table(path)


def _config(path: Path, file: UnitFile, lines: dict[Place, int]) -> tuple[str, Settings]:
    """The unit's config as text and as checked settings. The environment of this workstation does not affect it."""
    lines_there = None
    if file.unit.config is not None and file.config is not None:
        raise ConfigError(f"unit file {path}: found unit.config and [config]; remove one of them")
    if file.config is not None:
        text = tomlkit.dumps(file.config)
        source = settings_file.RawSettings(path, text, file.config, {})
        lines_there = {place[1:]: line for place, line in lines.items() if place[0] == "config"}
    else:
        name = file.unit.config
        place = config.default_path() if name is None else path.parent / workstation.expanded(name)
        source = settings_file.read(place, {})
        text = source.text
    settings = config.checked(source, lines_there)
    if not config.has_output(settings):
        raise ConfigError(f"config {source.path}: {config.NO_OUTPUT.partition(',')[0]}")
    return text, settings


def _keys(path: Path, name: str, where: str) -> list[str]:
    place = path.parent / workstation.expanded(name)
    try:
        lines = [line.strip() for line in regular_file.read(place, MAX_BYTES).decode().splitlines()]
    except OSError as error:
        raise ConfigError(
            f"{where}: user.ssh_key_files: {place}: {error.strerror}; "
            "if you have no key yet, `ssh-keygen -t ed25519` makes one"
        ) from None
    except UnicodeDecodeError:
        lines = []
    found = [line for line in lines if line and not line.startswith("#")]
    if not found or not all(KEY.fullmatch(line) for line in found):
        raise ConfigError(f"{where}: user.ssh_key_files: {place} contains no public key; expected a .pub file")
    return found
