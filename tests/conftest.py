"""For all tests."""

from hypothesis import settings

settings.register_profile("shared", deadline=None)  # machines are shared: a slow example proves nothing
settings.load_profile("shared")
