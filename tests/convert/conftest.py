"""Fixtures of the tests of convert/."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from own_hash_cache import own_hash_cache

if TYPE_CHECKING:
    from drawn_faces import Convert


__all__ = ["own_hash_cache"]


@pytest.fixture
def convert(capfd: pytest.CaptureFixture[str]) -> Convert:
    """Runs `python -m convert` in this process, since a new one needs seconds to start TensorFlow."""
    from drawn_faces import Finished

    from convert import __main__ as program

    def call(*arguments: str | Path) -> Finished:
        capfd.readouterr()
        try:
            program.main([*map(str, arguments)])
            exit_code = 0
        except SystemExit as exit_:
            exit_code = int(exit_.code or 0)
        return Finished(exit_code, capfd.readouterr().err)

    return call
