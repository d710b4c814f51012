"""On the unit: first boot, `maskwatch install`, `update` and `uninstall`, with Python's standard library alone."""
