"""GPIO pins: what each does, and how one is claimed. gpiozero is imported here and nowhere else."""
