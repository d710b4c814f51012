"""A page to print: a label for each unit with its name, address and QR code. Plain HTML without secrets."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import segno

from maskwatch.config import claimed_pins
from maskwatch.flash.unit_file import Unit
from maskwatch.text import address

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
@page {{ size: A4; margin: 12mm }}
body {{ font: 11pt/1.35 system-ui, sans-serif; color: #000; background: #fff; margin: 8mm }}
h1 {{ font-size: 13pt; margin: 0 0 4mm }}
.units {{ display: grid; grid-template-columns: 1fr 1fr; gap: 5mm }}
.unit {{ border: 1px dashed #777; padding: 5mm; display: grid; grid-template-columns: 34mm 1fr; gap: 5mm;
  break-inside: avoid; align-items: start }}
.unit h2 {{ font-size: 16pt; margin: 0 0 1mm; overflow-wrap: anywhere }}
.unit p {{ margin: 0 0 1mm; overflow-wrap: anywhere }}
.unit svg {{ width: 34mm; height: 34mm }}
code {{ font-family: ui-monospace, monospace; font-size: 10pt }}
.small {{ font-size: 9pt; color: #333 }}
@media (max-width: 700px) {{ .units {{ grid-template-columns: 1fr }} }}
</style></head><body>
<h1>{title}</h1>
<div class="units">
{labels}
</div></body></html>
"""
LABEL = """<section class="unit">{code}<div>
<h2>{host}</h2>
<p><code>{address}</code></p>
<p><code>ssh {user}@{address}</code> ({login})</p>
<p class="small">camera {camera}</p>
<p class="small">{pins}</p>
<p class="small">{notes}</p>
</div></section>"""


def page(units: Sequence[Unit], system: str) -> str:
    """The page with all labels.

    Args:
        units: one label each.
        system: name, e.g. trixie.
    """
    labels = "\n".join(_label(unit, system) for unit in units)
    count = f"{len(units)} unit{'' if len(units) == 1 else 's'}"
    return PAGE.format(title=f"maskwatch: {count}", labels=labels)


def url(unit: Unit) -> str:
    """The text of the QR code."""
    return f"ssh://{unit.user}@{unit.host}.local"


def _label(unit: Unit, system: str) -> str:
    code = segno.make(url(unit), error="m", micro=False).svg_inline(scale=4, border=2, omitsize=True)
    login = " or ".join(
        filter(None, ("key" if unit.ssh_keys else "", "password" if unit.password_hash is not None else ""))
    )
    pins = ", ".join(f"{name.removeprefix('outputs.')} GPIO{pin}" for name, pin in claimed_pins(unit.settings))
    notes = ", ".join(
        filter(
            None, (system, unit.timezone, "read-only root" if unit.read_only else "", "Wi-Fi" if unit.ssid else "cable")
        )
    )
    return LABEL.format(
        code=code,
        host=escape(unit.host),
        address=escape(f"{unit.host}.local"),
        user=escape(unit.user),
        login=login,
        camera=escape(address.parse(unit.settings.camera.source).shown),
        pins=escape(pins or "no pins"),
        notes=escape(notes),
    )
