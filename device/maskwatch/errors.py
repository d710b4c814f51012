"""Everything that is the user's to mend. The command line prints one line and exits with the class's code."""

from __future__ import annotations

from maskwatch.redaction import redacted


class MaskwatchError(Exception):
    """Base of all expected failures. The message says where, what was found, what was expected, how to mend it.

    As text it has no address's password in it, wherever it is printed.
    """

    exit_code = 1

    def __str__(self) -> str:
        return redacted(super().__str__())


class ConfigError(MaskwatchError):
    """A setting is unknown, of the wrong type, or contradicts another: what the file says must change."""

    exit_code = 2


class UnreadableConfigError(ConfigError):
    """The config cannot be read just now: it is not there, not ours to read, or its disk fails. Trying again may help,
    so systemd does, which it does not after exit code 2."""

    exit_code = 6


class SourceError(MaskwatchError):
    """A camera, video or image cannot be opened or read."""

    exit_code = 3


class ModelError(MaskwatchError):
    """A model file is missing, cut short, altered, or made for another task."""

    exit_code = 4


class OutputError(MaskwatchError):
    """A pin or another output cannot be used."""

    exit_code = 5
