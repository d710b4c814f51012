"""Everything that is the user's to mend. The command line prints one line and exits with the class's code."""

from __future__ import annotations


class MaskwatchError(Exception):
    """Base of all expected failures. The message says where, what was found, what was expected, how to mend it."""

    exit_code = 1


class ConfigError(MaskwatchError):
    """A setting is unknown, of the wrong type, or contradicts another."""

    exit_code = 2


class SourceError(MaskwatchError):
    """A camera, video or image cannot be opened or read."""

    exit_code = 3


class ModelError(MaskwatchError):
    """A model file is missing, cut short, altered, or made for another task."""

    exit_code = 4


class OutputError(MaskwatchError):
    """A pin or another output cannot be used."""

    exit_code = 5
