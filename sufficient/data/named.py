"""Data sets known by name: scikit-learn's digits, MNIST and FashionMNIST, CIFAR-10 and CIFAR-100."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from sufficient.data.arrays import labelled_arrays
from sufficient.data.idx import read_idx
from sufficient.data.images import Side
from sufficient.data.labelled import LabelledData
from sufficient.errors import DataError
from sufficient.notice import Notice

TORCHVISION_CLASS = {
    "mnist": "MNIST",
    "fashionmnist": "FashionMNIST",
    "cifar10": "CIFAR10",
    "cifar100": "CIFAR100",
}
NAMES = ("digits", *TORCHVISION_CLASS)
DEFAULT_ROOT = Path("data")

DIGITS = tuple("0123456789")
GARMENTS = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TRAIN_SPLIT = Notice("TRAIN-SPLIT", "only the training split is read; the test split is left out.")


def read_named(
    name: str,
    *,
    root: Path = DEFAULT_ROOT,
    download: bool = False,
    size: Side | None = None,
    largest_side: int | None = None,
    deduplicate: bool = True,
) -> LabelledData:
    """Return the training images of a data set of NAMES; of digits all.

    `root` holds `MNIST/raw` etc. as torchvision lays them out, or is that folder. Nothing is fetched or
    written without `download`. Raises DataError: not there, damaged, or the download failed.
    """
    if name == "digits":
        return _digits(size=size, largest_side=largest_side, deduplicate=deduplicate)
    if name in ("mnist", "fashionmnist"):
        folder = _idx_folder(name, root)
        if folder is None and download:
            _torchvision_set(name, root, download=True)
            folder = _idx_folder(name, root)
        if folder is None:
            raise _missing(name, root, f"{TORCHVISION_CLASS[name]}/raw/{TRAIN_IMAGES}[.gz]")
        images: Any = read_idx(_idx_file(folder, TRAIN_IMAGES), dimensions=3)
        labels: Any = read_idx(_idx_file(folder, TRAIN_LABELS), dimensions=1)
        classes = DIGITS if name == "mnist" else GARMENTS
    else:
        train = _torchvision_set(name, root, download=download)
        images, labels, classes = train.data, train.targets, tuple(train.classes)
    return labelled_arrays(
        name,
        images,
        labels,
        classes=classes,
        size=size,
        largest_side=largest_side,
        deduplicate=deduplicate,
        notices=(TRAIN_SPLIT,),
    )


def _digits(*, size: Side | None, largest_side: int | None, deduplicate: bool) -> LabelledData:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = digits.images.astype(np.uint8)  # whole numbers, 0 to 16
    return labelled_arrays(
        "digits",
        images,
        digits.target,
        classes=DIGITS,
        size=size,
        largest_side=largest_side,
        white=16,
        deduplicate=deduplicate,
    )


def _idx_folder(name: str, root: Path) -> Path | None:
    """Return the folder with the idx files: below `root`, or `root` itself if it bears the set's name."""
    own = TORCHVISION_CLASS[name]
    resolved = root.resolve()
    candidates = [root / own / "raw"]
    if (
        resolved.name == own
    ):  # MNIST and FashionMNIST name their files alike: only the folder tells them apart
        candidates.append(root / "raw")
    if resolved.name == "raw" and resolved.parent.name == own:
        candidates.append(root)
    for folder in candidates:
        if _idx_file(folder, TRAIN_IMAGES).is_file() and _idx_file(folder, TRAIN_LABELS).is_file():
            return folder
    return None


def _idx_file(folder: Path, stem: str) -> Path:
    plain = folder / stem
    return plain if plain.is_file() else folder / f"{stem}.gz"


def _torchvision_set(name: str, root: Path, *, download: bool) -> Any:
    """Return torchvision's training split (it checks the files' MD5), downloaded if asked and not there."""
    import torchvision.datasets

    dataset = getattr(torchvision.datasets, TORCHVISION_CLASS[name])
    try:
        with contextlib.redirect_stdout(sys.stderr):  # its talk must not stand among our results
            return dataset(str(root), train=True, download=download)
    except (RuntimeError, OSError) as error:
        if not download:
            raise _missing(name, root, f"complete {TORCHVISION_CLASS[name]} files") from error
        cause = " ".join(str(error).split())  # torchvision's own runs over several lines
        raise DataError(
            f"{name} could not be downloaded into {root} ({cause}); check the network and the disk, "
            "or name a folder that holds it with --root DIR."
        ) from error


def _missing(name: str, root: Path, looked_for: str) -> DataError:
    return DataError(
        f"{name} is not in {root}: no {looked_for} there. Name the folder that holds it with --root DIR, "
        f"or fetch it: sufficient estimate --data {name} --root {root} --download"
    )
