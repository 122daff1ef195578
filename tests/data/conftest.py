from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with MNIST, FashionMNIST, cifar10_folder and cifar100_10k.npz."""
    folder = Path(os.environ.get("SUFFICIENT_TEST_DATA", REPOSITORY / "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no real images in {folder}; set SUFFICIENT_TEST_DATA")
    return folder
