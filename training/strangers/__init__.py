"""Our models and other people's on pictures that no system was trained on: `python -m training strangers`."""
