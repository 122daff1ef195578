"""Data sets of torch: map-style, each item a pair of an image or a vector of features and a label."""

from __future__ import annotations

import hashlib
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sufficient.data.arrays import as_array, labelled_arrays
from sufficient.data.audit import image_digest
from sufficient.data.labelled import LabelledData, Skipped
from sufficient.data.labels import ClassNames, encode_labels, labels_of_cells
from sufficient.data.row_images import Given, RowSource
from sufficient.data.walk import printable
from sufficient.errors import DataError

SPEC = "the Dataset"
SAMPLED = 64  # items of which the fingerprint takes in the contents, where all would take too long
SMALL = 64  # pixels, the longer side of images which take little time to take in, …
FEW = 100_000  # … so many of them: seconds
LABELS = ("targets", "labels")  # attributes by which torchvision's data sets give them without a decode


def is_torch_dataset(data: Any) -> bool:
    """Whether something is a Dataset of torch (or a loader of one); torch is not imported for it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(data, (torch.utils.data.Dataset, torch.utils.data.DataLoader))


def open_torch(data: Any) -> RowSource | LabelledData:
    """Return a torch Dataset as images to be read, or as features where its items are vectors.

    Labels come from an attribute `targets` or `labels` where it agrees with the first item, else every item
    is read once for its label. Raises DataError: iterable only, a DataLoader, items of another form.
    """
    _require_map_style(data)
    first = _item(data, 0)
    if _is_vector(first[0]):
        items = [_item(data, row) for row in range(len(data))]
        values = np.stack([_vector(given, row) for row, (given, _) in enumerate(items)])
        plain, present, notices = labels_of_cells([_plain(label) for _, label in items], column="label")
        if not present.all():
            raise DataError(f"{SPEC} has no label at item {np.argmin(present)}; leave such items out.")
        return labelled_arrays(SPEC, values, plain, classes=_class_names(data, plain), notices=notices)
    small = _longer_side(_picture(first[0], 0)) <= SMALL
    sampled = None if len(data) <= (FEW if small else SAMPLED) else SAMPLED
    labels, present, notices = labels_of_cells(_labels(data, first[1]), column="label")
    if not present.any():
        raise DataError(f"no item of {SPEC} has a label; give items (image, label).")
    codes, classes = encode_labels(labels, _class_names(data, labels))
    return RowSource(
        spec=SPEC,
        fetch=lambda row: _picture(_item(data, row)[0], row),
        rows=np.flatnonzero(present).astype(np.int64),
        labels=codes,
        classes=tuple(map(printable, classes)),
        groups=None,
        skipped=tuple(Skipped(f"item {row}", "label-missing") for row in np.flatnonzero(~present)),
        notices=notices,
        fingerprint=lambda: _fingerprint(data, codes, sampled or len(data)),
        sampled=sampled,
        name_of="item {}".format,
    )


def _require_map_style(data: Any) -> None:
    if hasattr(data, "dataset") and hasattr(data, "batch_size"):
        raise DataError(
            "a DataLoader gives batches in an order of its own; give its data set, loader.dataset."
        )
    if not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        raise DataError(
            f"{SPEC} can only be iterated (IterableDataset): its objects cannot be counted, nor read in an "
            "order of one's own; give a map-style Dataset, with __len__ and __getitem__."
        )
    if len(data) == 0:
        raise DataError(f"{SPEC} holds no items; give one that does.")


def _item(data: Any, row: int) -> tuple[Any, Any]:
    item = data[row]
    if not (isinstance(item, (tuple, list)) and len(item) == 2):
        raise DataError(
            f"{SPEC} gives a {type(item).__name__} as item {row}; make its items pairs (image, label)."
        )
    return item[0], item[1]


def _labels(data: Any, first: Any) -> list[object]:
    given = _attribute(data)
    if given is not None and len(given) == len(data) and _plain(given[0]) == _plain(first):
        return given
    return [_plain(_item(data, row)[1]) for row in range(len(data))]


def _attribute(data: Any) -> list[object] | None:
    """Return the labels that a data set, or the one that it is a Subset of, keeps beside its images."""
    indices = getattr(data, "indices", None)
    if indices is not None and hasattr(data, "dataset"):
        whole = _attribute(data.dataset)
        return None if whole is None else [whole[int(index)] for index in indices]
    for name in LABELS:
        given = getattr(data, name, None)
        if given is not None and not callable(given) and hasattr(given, "__len__"):
            return list(as_array(given, "labels").tolist())
    return None


def _class_names(data: Any, labels: NDArray[Any]) -> ClassNames | None:
    """Return the names that whole numbers as labels index, where the data set has them."""
    while hasattr(data, "dataset"):
        data = data.dataset
    names = getattr(data, "classes", None)
    numbers = labels.dtype.kind in "iu" and len(labels) > 0
    if not (isinstance(names, (list, tuple)) and numbers):
        return None
    return names if labels.min() >= 0 and labels.max() < len(names) else None


def _plain(label: Any) -> Any:
    """Return a label as a Python object: a tensor or array of one number as that number, others as lists."""
    return label.tolist() if hasattr(label, "tolist") else label


def _is_vector(given: Any) -> bool:
    return not isinstance(given, Image.Image) and getattr(given, "ndim", 0) == 1


def _vector(given: Any, row: int) -> NDArray[Any]:
    vector = as_array(given, f"item {row}")
    if vector.ndim != 1:
        raise DataError(f"{SPEC} gives vectors, but shape {vector.shape} at item {row}; give one kind.")
    return vector


def _picture(given: Any, row: int) -> Given:
    """Return an image as it is, or its pixels (H, W[, C]) where it is a tensor or an array."""
    if isinstance(given, Image.Image):
        return given
    pixels = as_array(given, f"item {row}")
    if pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4):
        pixels = pixels.transpose(1, 2, 0)  # channels first, as torch has them
    if (
        pixels.dtype != np.uint8
        or pixels.ndim not in (2, 3)
        or pixels.shape[2:] not in ((), (1,), (3,), (4,))
    ):
        raise DataError(
            f"{SPEC} gives {pixels.dtype} of shape {pixels.shape} as item {row}; give PIL images or uint8 "
            "(leave transforms such as ToTensor out), or vectors of features."
        )
    pixels = pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    return np.ascontiguousarray(pixels)


def _longer_side(picture: Given) -> int:
    return max(_image(picture).size)


def _image(picture: Given) -> Image.Image:
    return picture if isinstance(picture, Image.Image) else Image.fromarray(np.asarray(picture))


def _fingerprint(data: Any, codes: NDArray[np.int64], taken: int) -> str:
    """Return the SHA-256 (hex) of the kind of data set, its labels and what `taken` of its items hold."""
    digest = hashlib.sha256(f"{type(data).__module__}.{type(data).__qualname__} {len(data)} ".encode())
    digest.update(codes.astype("<i8").tobytes())
    for row in np.unique(np.linspace(0, len(data) - 1, taken).astype(int)):
        image = _image(_picture(_item(data, int(row))[0], int(row)))
        digest.update(image_digest(np.asarray(image), image.mode))
    return digest.hexdigest()
