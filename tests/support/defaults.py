"""The defaults of the settings as the tracker and the policy take them, and the unit with fake parts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from colour_door import ColourFinder, ColourJudge

from maskwatch.camera import Source
from maskwatch.config import Settings
from maskwatch.daemon import from_settings
from maskwatch.daemon.parts import Classifier, Finder, Parts, build
from maskwatch.outputs import Output, Outputs
from maskwatch.presence.policy import Rules
from maskwatch.presence.tracker import Opinion


def opinion(**changes: Any) -> Opinion:
    return replace(from_settings.opinion(Settings()), **changes)


def rules(**changes: Any) -> Rules:
    return replace(from_settings.rules(Settings()), **changes)


def unit(
    source: Source,
    outputs: Sequence[Output] = (),
    finder: Finder | None = None,
    judge: Classifier | None = None,
    settings: Settings | None = None,
) -> Parts:
    """What build() makes of the default settings, with a finder and a judge that go by colour."""
    return build(
        settings or Settings(),
        source,
        Outputs(outputs),
        finder=finder or ColourFinder(),
        classifier=judge or ColourJudge(),
    )
