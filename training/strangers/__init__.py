"""What the models, and other people's, make of pictures that nobody learnt from: `python -m training strangers`."""
