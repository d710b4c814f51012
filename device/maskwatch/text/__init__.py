"""Texts from outside, mainly addresses: parsed without guessing, and printed without secrets or control characters."""
