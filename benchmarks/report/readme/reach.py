"""Tables of the distances at which faces are found, from the record beside the shipped finder."""

from __future__ import annotations

from benchmarks.report.readme.tables import markdown
from maskwatch.camera.lenses import LENSES, Lens
from maskwatch.config import FaceSettings
from maskwatch.daemon import looking, reach
from maskwatch.daemon.looking import Region
from maskwatch.errors import ModelError
from maskwatch.vision import bundle, recall

FRAME = (1280, 720)  # pixels, the default
MIN_SIZE = FaceSettings().min_size  # pixels
DOOR = ((0.35, 0.1), (0.65, 0.1), (0.65, 0.9), (0.35, 0.9))  # of the picture's middle


def sizes() -> str:
    """Recall by size of the face, shown as it is and enlarged."""
    found = shipped()
    kinds = sorted({row.enlarged for row in found.rows})
    cells = {
        (row.least, row.enlarged): f"{row.found / row.faces:.0%} of {row.faces}" for row in found.rows if row.faces
    }
    ranges = sorted({(row.least, row.below) for row in found.rows})
    rows = [(f"{low:.0f}–{high:.0f} px", *(cells.get((low, kind), "–") for kind in kinds)) for low, high in ranges]
    head = ("face", *("as it is" if kind == 1 else f"enlarged {kind:g} times" for kind in kinds))
    return markdown(head, rows)


def metres() -> str:
    """By camera and finder, for the whole picture and a zone: metres at which 3 of 4, and half, of the faces are
    found."""
    finders = {"": shipped()}
    if bundle.default_path("face", far=True).is_file():
        finders["far, "] = shipped(far=True)
    rows = []
    for lens in LENSES:
        cells = []
        for found in finders.values():
            for polygon in ((), DOOR):
                cells += lens_cells(found, lens, looking.region(polygon, *FRAME, found.input_size))
        rows.append((lens.name, f"{lens.degrees:g}°", *cells))
    columns = [f"{name}{where}: 3 of 4|half" for name in finders for where in ("whole picture", "zone")]
    return markdown("|".join(["camera|across", *columns]).split("|"), rows)


def line() -> str:
    """What `maskwatch check` prints for a Camera Module 3 with that zone."""
    found = shipped()
    eye = reach.Eye(*FRAME, looking.region(DOOR, *FRAME, found.input_size), found.input_size)
    lens = next(lens for lens in LENSES if lens.name == "Camera Module 3")
    return f"```\nok   reach: {reach.sentence(reach.of(found, eye, MIN_SIZE, lens.degrees), is_set=False)}\n```"


def lens_cells(found: recall.Recall, lens: Lens, part: Region) -> list[str]:
    """Metres up to which three of four, and half, of the faces are found."""
    eye = reach.Eye(*FRAME, part, found.input_size)
    known = reach.of(found, eye, 0.0, lens.degrees)
    return [f"{far:.1f} m" if (far := known.metres(size)) else "–" for size in (known.often, known.half)]


def shipped(far: bool = False) -> recall.Recall:
    """The record of a shipped finder.

    Raises:
        ModelError: there is none, or it is of another finder.
    """
    path = bundle.default_path("face", far)
    found = recall.read(path, bundle.read(path, "face").sha256)
    if isinstance(found, str):
        raise ModelError(f"model {path}: {found}; make reach SCENES=…")
    return found
