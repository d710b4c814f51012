"""A cache of photographs' hashes for one test module: a test must not read or write the one in the home folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def own_hash_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Used by `pytestmark = pytest.mark.usefixtures("own_hash_cache")`."""
    from training.pictures import data

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "HASH_CACHE", tmp_path_factory.mktemp("cache") / "hashes.csv")
        yield
