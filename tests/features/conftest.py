import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The cache of one test."""
    root = tmp_path / "cache"
    monkeypatch.setenv("SUFFICIENT_CACHE", str(root))
    monkeypatch.delenv("SUFFICIENT_CACHE_LIMIT", raising=False)
    return root
