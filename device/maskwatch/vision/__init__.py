"""Pixels -> verdicts: the definition of the networks' inputs, the model files, the runtime, finder and classifier."""
