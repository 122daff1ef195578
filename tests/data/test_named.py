from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sufficient.data.idx import read_idx
from sufficient.data.named import read_named
from sufficient.data.sources import read
from sufficient.errors import DataError


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    data, original = read("digits"), load_digits()
    np.testing.assert_array_equal(data.values[..., 0], original.images)
    np.testing.assert_array_equal(data.labels, original.target)
    assert (data.white, data.values.max(), data.values.dtype) == (16, 16, np.uint8)
    assert data.classes == tuple("0123456789")


@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("fashionmnist", "FashionMNIST")])
def test_idx_files_equal_torchvisions_reading(real_data, tmp_path, name, folder):
    from torchvision import datasets

    raw = tmp_path / folder / "raw"
    raw.mkdir(parents=True)
    for source in (real_data / folder / "raw").glob("*.gz"):
        (raw / source.stem).write_bytes(gzip.decompress(source.read_bytes()))
    oracle = getattr(datasets, folder)(tmp_path, train=True)
    data = read(name, root=real_data)
    np.testing.assert_array_equal(data.values[..., 0], oracle.data.numpy())
    np.testing.assert_array_equal(data.labels, oracle.targets.numpy())
    assert [notice.code for notice in data.audit.notices] == ["TRAIN-SPLIT"]
    if name == "fashionmnist":
        assert data.classes == tuple(oracle.classes)


@pytest.mark.parametrize("below", [".", "MNIST", "MNIST/raw"])
def test_root_may_be_the_folder_itself(tmp_path, below):
    write_mnist(tmp_path)
    assert read("mnist", root=tmp_path / below).audit.used == 6


@pytest.mark.parametrize("below", [".", "MNIST", "MNIST/raw"])
def test_mnist_is_never_taken_for_fashion(tmp_path, below):
    write_mnist(tmp_path)
    with pytest.raises(DataError, match="fashionmnist is not in"):
        read("fashionmnist", root=tmp_path / below)


def write_mnist(root: Path) -> Path:
    """Write six tiny images, the images plain and the labels gzipped."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 4), dtype=np.uint8)
    (raw / "train-images-idx3-ubyte").write_bytes(idx(images))
    (raw / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array([0, 1] * 3, np.uint8))))
    return raw


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not start as an idx file"),
        (b"<html>not here</html>", "does not start as an idx file"),
        (idx(np.zeros(5, np.uint8)), "idx file of 3-dimensional"),
        (idx(np.zeros((2, 3, 3), np.uint8))[:-1], "17 bytes where its header promises 18"),
        (idx(np.zeros((2, 3, 3), np.uint8)) + b"x", "19 bytes where its header promises 18"),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_damaged_idx(tmp_path, content, message, suffix):
    path = tmp_path / f"train-images-idx3-ubyte{suffix}"
    path.write_bytes(gzip.compress(content) if suffix else content)
    with pytest.raises(DataError, match=message):
        read_idx(path, dimensions=3)


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(bytes(1000))[:-9]])
def test_damaged_gzip(tmp_path, content):
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"images\.gz cannot be read"):
        read_idx(path, dimensions=3)


@pytest.mark.parametrize("name", ["mnist", "fashionmnist", "cifar10", "cifar100"])
def test_missing_ends_with_the_command_to_run_and_writes_nothing(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=rf"{name} is not in data.*--root DIR") as caught:
        read(name)
    assert str(caught.value).endswith(f"sufficient estimate --data {name} --root data --download")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_failed_download_names_the_cause(tmp_path, monkeypatch, name):
    from urllib.error import URLError

    def refuse(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(DataError, match=rf"{name} could not be downloaded into .*--root DIR"):
        read(name, root=tmp_path, download=True)


def test_download_fetches_then_reads(tmp_path, monkeypatch):
    ready = write_mnist(tmp_path / "elsewhere")
    calls = []

    def fetch(root, *, train, download):
        calls.append((train, download))
        shutil.copytree(ready, Path(root) / "MNIST" / "raw")

    monkeypatch.setattr("torchvision.datasets.MNIST", fetch)
    assert read("mnist", root=tmp_path, download=True).audit.used == 6
    assert calls == [(True, True)]
    assert read("mnist", root=tmp_path, download=True).audit.used == 6
    assert len(calls) == 1  # what lies there is not fetched again


@pytest.mark.parametrize(("name", "owner"), [("cifar10", "CIFAR10"), ("cifar100", "CIFAR100")])
def test_cifar_comes_from_torchvisions_training_split(tmp_path, monkeypatch, name, owner):
    images = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    made = SimpleNamespace(data=images, targets=[1, 0] * 3, classes=["plane", "car", "unused"])
    monkeypatch.setattr(f"torchvision.datasets.{owner}", lambda root, train, download: train and made)
    data = read_named(name, root=tmp_path)
    np.testing.assert_array_equal(data.values, images)
    assert data.classes == ("plane", "car")
    assert [notice.code for notice in data.audit.notices] == ["TRAIN-SPLIT"]
