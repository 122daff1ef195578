"""What every row of this room needs: a small checkpoint, a cache of its own, and no figures."""

import shutil

import pytest
import torch
from transformers import ViTModel

from tests.data.pictures import save_classes
from tests.faults.account import LITTLE, add_up, as_anyone, ran, whole
from tests.faults.folders import EACH
from tests.features.test_pretrained import save, tiny_config


@pytest.fixture(scope="session")
def vit(tmp_path_factory):
    """A folder that holds a small random vision transformer."""
    torch.manual_seed(1)
    return save(ViTModel(tiny_config()), tmp_path_factory.mktemp("vit"))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The cache of one test."""
    root = tmp_path / "cache"
    monkeypatch.setenv("SUFFICIENT_CACHE", str(root))
    monkeypatch.delenv("SUFFICIENT_CACHE_LIMIT", raising=False)
    return root


@pytest.fixture
def undrawn(monkeypatch):
    """Figures take longer than all else in a small run, and no fault of the data concerns them."""
    monkeypatch.setattr("sufficient.report.figures.draw_all", lambda *given, **named: [])


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    """Two classes of 20 images each, with nothing wrong: enough for the three shares."""
    return save_classes(tmp_path_factory.mktemp("plain") / "photos", each=EACH)


@pytest.fixture
def folder(photographs, tmp_path):
    """A copy of them, to be spoilt."""
    return shutil.copytree(photographs, tmp_path / "photos")


@pytest.fixture
def estimated(photographs, tmp_path, capsys):
    """Runs `estimate` of the photographs with options, each time in another directory."""
    count = 0

    def estimate(*options):
        nonlocal count
        count += 1
        out = tmp_path / f"run{count}"
        given = ["estimate", "--data", photographs, *LITTLE, "--out", out, "--json", *options]
        with as_anyone():
            done = ran(given, capsys)
        if done.code == 0:
            add_up(done.result, out)
            whole(out)
        else:
            assert not out.exists()
        return done

    return estimate
