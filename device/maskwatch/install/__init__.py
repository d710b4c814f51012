"""Sets up a unit: first boot, `maskwatch install`, `update` and `uninstall`. Uses Python's standard library alone."""
