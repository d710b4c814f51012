"""How many instructions a model executes on a Pi, counted without one: `python -m benchmarks instructions`."""
