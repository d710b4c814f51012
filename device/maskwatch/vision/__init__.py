"""Pixels -> verdicts: the definition of the pixels, the models' files, their runtime, finder and classifier."""
