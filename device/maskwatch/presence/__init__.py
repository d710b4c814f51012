"""Verdicts -> alert: who is who, who counts, when the alert begins and ends. Time comes in with the frames."""
