"""Compares a model's variants with its float model, a file for each kind of model."""
