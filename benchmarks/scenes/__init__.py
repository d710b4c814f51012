"""Scripted scenes with known truth: what alerts tell, and what gate and cap save."""
