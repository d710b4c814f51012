"""Folders of annotated scenes (Pascal VOC), drawn."""

from pathlib import Path


def entry(name: str, *corners: object) -> str:
    keys = ("xmin", "ymin", "xmax", "ymax")
    places = "".join(f"<{key}>{corner}</{key}>" for key, corner in zip(keys, corners, strict=True))
    return f"<object><name>{name}</name><pose>x</pose><bndbox>{places}</bndbox></object>"


def write(root: Path, name: str, *entries: str) -> Path:
    for folder in ("images", "annotations"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "images" / f"{name}.png").touch()
    path = root / "annotations" / f"{name}.xml"
    path.write_text(f"<annotation><filename>other.png</filename>{''.join(entries)}</annotation>")
    return path
