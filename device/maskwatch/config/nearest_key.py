"""For an unknown key: the key that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

Loc = tuple[int | str, ...]
LONGEST = 64  # characters of the key that are compared; no key is longer
CALLED = {  # the name in other programs -> the name here
    **dict.fromkeys(("url", "uri", "address", "stream", "rtsp", "http", "input", "index", "host", "user"), "source"),
    **dict.fromkeys(("password", "pass", "passwd", "pwd", "secret", "token", "credential"), "password_file"),
    **dict.fromkeys(("frame_rate", "framerate", "rate"), "fps"),
    **dict.fromkeys(("resolution", "size"), "width"),
    **dict.fromkeys(("gpio", "bcm"), "pin"),
    **dict.fromkeys(("threshold", "confidence", "score"), "min_score"),
}


def nearest(loc: Loc, schema: type[BaseModel]) -> str:
    """A hint: the most similar key of the section, another section that has this key, or all keys of the section.

    Args:
        loc: path of the unknown key, as pydantic reports it.
        schema: of the whole file.
    """
    section = schema
    for name in loc[:-1]:
        if isinstance(name, str):
            section = _model_of(section.model_fields[name].annotation)
    key, known = str(loc[-1]).lower()[:LONGEST], list(section.model_fields)
    other = CALLED.get(key)
    close = [other] if other in known else difflib.get_close_matches(key, known, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    elsewhere = [place for place in _sections_with(key, schema) if section is not _at(place, schema)]
    if elsewhere:
        return f"`{key}` is a key of [{'] and ['.join(elsewhere)}]"
    return f"expected one of: {', '.join(known)}"


def _sections_with(key: str, schema: type[BaseModel], above: str = "") -> Iterator[str]:
    for name, field in schema.model_fields.items():
        inner = _models_of(field.annotation)
        for model in inner:
            place = f"{above}.{name}".lstrip(".")
            if key in model.model_fields:
                yield place
            yield from _sections_with(key, model, place)


def _at(place: str, schema: type[BaseModel]) -> type[BaseModel]:
    for name in place.split("."):
        schema = _model_of(schema.model_fields[name].annotation)
    return schema


def _model_of(annotation: Any) -> type[BaseModel]:
    """The section behind `Section`, `Section | None`, `"word" | Section` or `tuple[Section, ...]`."""
    return _models_of(annotation)[0]


def _models_of(annotation: Any) -> list[type[BaseModel]]:
    choices = getattr(annotation, "__args__", (annotation,))
    return [kind for kind in choices if isinstance(kind, type) and issubclass(kind, BaseModel)]
