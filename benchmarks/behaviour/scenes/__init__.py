"""Scripted scenes with known truth: what alerts do, and what motion gate and frame-rate cap save."""
