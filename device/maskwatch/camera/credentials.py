"""A camera's address with its password, which may be in a separate file that only root and systemd can read."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from maskwatch.config import CameraSettings
from maskwatch.errors import SourceError
from maskwatch.system import regular_file
from maskwatch.text.address import Address, UnclearError, parse
from maskwatch.text.printable import one_line

logger = logging.getLogger(__name__)
LONGEST = 1024  # bytes of a password
CREDENTIALS = "CREDENTIALS_DIRECTORY"  # folder with the files of LoadCredential=, readable by this service alone


def address_of(settings: CameraSettings, environment: Mapping[str, str] = os.environ) -> Address:
    """The parsed settings.source, with the password from settings.password_file.

    Raises:
        SourceError: the password's file cannot be used.
    """
    try:
        address = parse(settings.source)
        if settings.password_file is None or address.authority is None:
            return address
        return address.with_password(password(settings.password_file, environment))
    except UnclearError as error:  # normally refused before, when the settings are checked
        raise SourceError(f"camera.source: {error}") from None


def password(file: str, environment: Mapping[str, str] = os.environ) -> str:
    """The password in a file, which has one line.

    Args:
        file: its path. A name without a slash is a systemd credential of this service, if there is one of that name.
        environment: contains systemd's directory of credentials.

    Raises:
        SourceError: it cannot be read, is empty, or has several lines.
    """
    path = _path(file, environment)
    where = f"camera.password_file {one_line(path)}"
    try:
        text = regular_file.read(path, LONGEST).decode("utf-8-sig")
    except OSError as error:
        raise SourceError(f"{where}: {error.strerror}; expected a file with the password") from None
    except UnicodeDecodeError:
        raise SourceError(f"{where}: not UTF-8 text; save it as UTF-8") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text or not text.isprintable():
        raise SourceError(f"{where}: {'empty' if not text else 'not one line of text'}; expected the password alone")
    if path.stat().st_mode & stat.S_IROTH:
        logger.warning("%s: everybody on this machine can read it; chmod 600", where)
    return text


def warn_of_option(source: str | None) -> None:
    """Log a warning if --source contains a password, which everybody on the machine can read."""
    try:
        authority = parse(source or "demo").authority
    except UnclearError:
        return  # refused elsewhere
    if authority is not None and authority.password is not None:
        logger.warning("option --source: everybody on this machine can read its password in `ps`; see password_file")


def is_exposed(path: Path, settings: CameraSettings) -> bool:
    """Whether the config contains a password and its file is readable by everybody on this machine."""
    authority = parse(settings.source).authority
    try:
        return authority is not None and authority.password is not None and bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _path(file: str, environment: Mapping[str, str]) -> Path:
    credential = Path(environment.get(CREDENTIALS, "")) / file
    if environment.get(CREDENTIALS) and "/" not in file and credential.exists():
        return credential
    return Path(file).expanduser()
