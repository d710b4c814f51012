"""`maskwatch flash`: makes a unit's card from a Raspberry Pi OS image. For workstations; a unit never imports it."""
