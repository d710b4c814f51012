"""Every failure that the user can correct. The command line prints one line and exits with the class's code."""

from __future__ import annotations

from maskwatch.text.redaction import redacted


class MaskwatchError(Exception):
    """Base of all expected failures. The message says where, what was found, what was expected, and how to correct it.

    str() removes passwords of addresses, so the message is safe to print anywhere.
    """

    exit_code = 1

    def __str__(self) -> str:
        return redacted(super().__str__())


class ConfigError(MaskwatchError):
    """A setting is unknown, of the wrong type, or contradicts another one: the file must be changed."""

    exit_code = 2


class UnreadableConfigError(ConfigError):
    """The config cannot be read now: it is missing, not readable for this user, or its disk fails. Trying again may
    help, so systemd starts the daemon again, which it does not do after exit code 2."""

    exit_code = 6


class SourceError(MaskwatchError):
    """A camera, video or image cannot be opened or read."""

    exit_code = 3


class ModelError(MaskwatchError):
    """A model file is missing, cut short, changed, or made for another task."""

    exit_code = 4


class OutputError(MaskwatchError):
    """A pin or another output cannot be used."""

    exit_code = 5


class FlashError(MaskwatchError):
    """An image, a card, or a file for it cannot be used; or a unit cannot be installed or updated."""

    exit_code = 7
