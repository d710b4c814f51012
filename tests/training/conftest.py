"""Fixtures of the tests of training/."""

from own_hash_cache import own_hash_cache

__all__ = ["own_hash_cache"]
