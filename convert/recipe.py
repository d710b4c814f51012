"""What a conversion is asked to do, as a file that can be given to another conversion."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from maskwatch.errors import ConfigError

Variant = Literal["float32", "float16", "dynamic", "int8", "int16x8"]
BackEnd = Literal["tensorflow", "ai-edge-quantizer"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)
BACK_ENDS: tuple[BackEnd, ...] = get_args(BackEnd)
REFERENCE: Variant = "float32"  # every other variant is compared with it
SHIPPED: Variant = "int8"  # the variant for the device


class Recipe(BaseModel):
    """Everything that decides the bytes of the models, and the limits they must keep."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    variants: tuple[Variant, ...] = Field(default=(SHIPPED,), min_length=1)
    """The variants that are made; float32 is always judged too."""
    back_end: BackEnd = "tensorflow"
    """Makes the int8 variant."""
    calibration: int = Field(default=300, ge=2)
    """Training pictures whose activations set the ranges."""
    seed: int = 0
    """Seed for the choice of the calibration pictures."""
    keep_float: tuple[str, ...] = ()
    """Layers the int8 variant computes in float: parts of tensor names."""
    gates: dict[str, float | None] = {}
    """Measure -> limit, if it differs from the default; null: no limit."""
    quick: bool = False
    """On a few pictures, to see whether every step works; the bundles say so."""

    @field_validator("variants")
    @classmethod
    def _once(cls, variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
        """Each variant once, in a fixed order."""
        return tuple(variant for variant in VARIANTS if variant in variants)


def read(path: Path) -> Recipe:
    """The recipe in a file.

    Raises:
        ConfigError: the file cannot be read, or is not a recipe.
    """
    try:
        return Recipe.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"recipe {path}: {reason}; convert writes one beside every model") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigError(f"recipe {path}: {where}: {first['msg']}; compare with one that convert wrote") from error


def text(recipe: Recipe) -> str:
    """The content of its file."""
    left_out = None if recipe.quick else {"quick"}  # keeps the text of recipes that an earlier maskwatch wrote
    return recipe.model_dump_json(indent=1, exclude=left_out) + "\n"
