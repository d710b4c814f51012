"""Verdicts -> alert: which face is which person, who counts, when the alert begins and ends.

The room has no clock: time is given with each frame.
"""
