"""People at a door, filmed: clips made from photographs no model has seen, watched by the device's own loop."""
