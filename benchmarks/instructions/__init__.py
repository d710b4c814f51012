"""Counts the instructions that a model executes on a Pi, without a Pi: `python -m benchmarks instructions`."""
