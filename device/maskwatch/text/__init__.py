"""Texts from outside, addresses above all: read without guessing, printed without a secret or a control character."""
