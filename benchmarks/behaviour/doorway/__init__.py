"""Clips of people at a door, made from photographs that no model was trained on, and watched by the device's loop."""
