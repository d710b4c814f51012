"""Every field of the configuration, by its place."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from maskwatch.config import Settings, settings_file


def sections(model: type[BaseModel], above: settings_file.Place = ()) -> Iterator[tuple[settings_file.Place, Any]]:
    """Every field of the schema by its place; sections are walked into, values are not."""
    for name, field in model.model_fields.items():
        kinds = [kind for kind in getattr(field.annotation, "__args__", (field.annotation,)) if kind is not type(None)]
        if len(kinds) == 1 and isinstance(kinds[0], type) and issubclass(kinds[0], BaseModel):
            yield from sections(kinds[0], (*above, name))
        else:
            yield (*above, name), field


FIELDS = dict(sections(Settings))
