"""GPIO pins: what each does, and how a pin is claimed. No other room imports gpiozero."""
