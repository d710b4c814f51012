"""How the mask classifiers are trained."""
