import sys
from types import SimpleNamespace

import pytest

from tests.paper import sweeps


@pytest.fixture
def trainer(monkeypatch):
    """A stand-in for the training, which takes no time and counts its calls."""
    stand_in = sweeps.Trainer()
    monkeypatch.setattr("sufficient.paper.sweep.train_sweep", stand_in)
    return stand_in


@pytest.fixture
def no_model(monkeypatch):
    """A machine where the pretrained model cannot be had; the list of how it was asked for."""
    from sufficient.errors import DataError

    searched = []

    def extract(images, **options):
        searched.append(options["pooling"])
        raise DataError("google/vit-base-patch16-224 is not here; give a local folder.")

    monkeypatch.setitem(sys.modules, "sufficient.features.pretrained", SimpleNamespace(extract=extract))
    return searched
