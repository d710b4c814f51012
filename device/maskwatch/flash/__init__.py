"""`maskwatch flash`: from a Raspberry Pi OS image to a unit's card. For workstations: a unit never imports it."""
