from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset
from torchvision.datasets import ImageFolder

from sufficient.data.arrays import labelled_arrays
from sufficient.data.sources import catalogue, read
from sufficient.errors import DataError, UsageError
from tests.data.pictures import image_of, noise, save_classes

LABELS = [0, 1] * 5


class Pairs(Dataset):
    """Items (first, label) that are counted as they are read."""

    def __init__(self, items, labels=LABELS, **attributes):
        self.items, self.of, self.read = items, labels, 0
        for name, value in attributes.items():
            setattr(self, name, value)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        self.read += 1
        return self.items[index], self.of[index]


def pixels(count: int = 10, **shape) -> list[np.ndarray]:
    return [noise(i, **shape) for i in range(count)]


@pytest.mark.parametrize(
    "form",
    [
        image_of,
        lambda x: x,
        torch.tensor,
        lambda x: torch.tensor(x).permute(2, 0, 1),
    ],
)
def test_images(form):
    given = Pairs([form(x) for x in pixels()], classes=["cat", "dog"], targets=LABELS)
    data, images = read(given), catalogue(given)
    assert (data.kind, data.classes, images.classes) == ("images", ("cat", "dog"), ("cat", "dog"))
    for i in range(10):
        np.testing.assert_array_equal(data.values[i], noise(i))
        np.testing.assert_array_equal(np.asarray(images.reader.read(i).image), noise(i))
    assert data.labels.tolist() == images.labels.tolist() == LABELS
    assert images.name_of(3) == "item 3"
    assert (
        data.fingerprint
        == labelled_arrays("x", np.stack(pixels()), LABELS, classes=["cat", "dog"]).fingerprint
    )


@pytest.mark.parametrize("form", [lambda x: x[:, :, 0], image_of, lambda x: torch.tensor(x).permute(2, 0, 1)])
def test_grey_images(form):
    assert read(Pairs([form(x) for x in pixels(channels=1)])).values.shape == (10, 8, 8, 1)


def test_targets_spare_a_pass_over_the_images():
    items = [image_of(x) for x in pixels(200, height=2, width=2)]
    labels = [0, 1] * 100
    with_targets, without = Pairs(items, labels, targets=torch.tensor(labels)), Pairs(items, labels)
    other = Pairs(items, [1 - label for label in labels], targets=labels)  # a target_transform, say
    for given, passes in [(with_targets, 0), (without, 1), (other, 1)]:
        images = catalogue(given)
        assert images.labels.tolist() == given.of
        assert given.read == 1 + 200 * (
            passes + 1
        )  # the first, all for their labels, all for the fingerprint


def test_a_subset_keeps_targets_and_classes():
    whole = Pairs([image_of(x) for x in pixels(12)], [0, 1] * 6, targets=[0, 1] * 6, classes=["cat", "dog"])
    given = Subset(Subset(whole, range(2, 12)), [9, 8, 7, 6, 5, 4])
    data = read(given)
    assert [data.classes[label] for label in data.labels] == ["dog", "cat"] * 3
    np.testing.assert_array_equal(data.values[0], noise(11))


def test_torchvisions_image_folder(tmp_path):
    save_classes(tmp_path)
    data = read(ImageFolder(str(tmp_path)))
    assert (data.classes, data.fingerprint) == (("cat", "dog"), read(tmp_path).fingerprint)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_vectors_of_features(dtype):
    values = torch.randn(10, 4, dtype=dtype, generator=torch.Generator().manual_seed(0))
    data = read(TensorDataset(values, torch.tensor(LABELS)))
    assert data.fingerprint == labelled_arrays("x", values, LABELS).fingerprint
    with pytest.raises(UsageError, match="holds features, not images"):
        catalogue(TensorDataset(values, torch.tensor(LABELS)))


def test_labels_as_text_and_none():
    data = read(Pairs([image_of(x) for x in pixels()], [None, "b", "a", "b", "a", "b", "a", "b", "a", "b"]))
    assert data.classes == ("a", "b")
    assert [(s.name, s.reason) for s in data.audit.skipped] == [("item 0", "label-missing")]
    np.testing.assert_array_equal(data.values[0], noise(1))


def test_copies_and_the_same_image_under_two_labels():
    items = [image_of(noise(i)) for i in (0, 1, 2, 3, 4, 5, 6, 7, 0, 0)]
    data = read(Pairs(items))
    assert [(s.name, s.detail) for s in data.audit.skipped] == [("item 8", "same pixels as item 0")]
    assert data.twins.tolist() == [*range(8), 0]


def test_the_fingerprint_follows_the_images():
    one = catalogue(Pairs([image_of(x) for x in pixels()])).fingerprint
    assert one == catalogue(Pairs([image_of(x) for x in pixels()])).fingerprint
    assert one != catalogue(Pairs([image_of(x) for x in pixels()[::-1]])).fingerprint


@pytest.mark.parametrize("form", [lambda x: x, image_of, torch.tensor])
def test_small_images_are_all_in_the_fingerprint(form):
    items, labels = pixels(200, height=2, width=2), [0, 1] * 100
    one = catalogue(Pairs([form(x) for x in items], labels))
    items[101] = noise(999, height=2, width=2)
    other = catalogue(Pairs([form(x) for x in items], labels))
    assert one.fingerprint != other.fingerprint
    assert (one.cacheable, one.notices) == (True, ())


def test_of_many_large_images_some_are_in_the_fingerprint_and_it_is_said():
    given = Pairs(
        [image_of(noise(i, height=2, width=65)) for i in range(66)], [0, 1] * 33, targets=[0, 1] * 33
    )
    images = catalogue(given)
    assert given.read == 1 + 64
    assert (images.cacheable, [n.code for n in images.notices]) == (False, ["SAMPLED-FINGERPRINT"])
    few = catalogue(Subset(given, range(64)))
    assert (few.cacheable, few.notices) == (True, ())
    assert read(given).audit.notices == (), "all are read, and all are in that fingerprint"


def test_without_pixels_the_account_is_the_same():
    given = Pairs([image_of(noise(i) // 3) for i in range(9)] + [image_of(noise(8, width=50))])
    whole, bare = read(given), read(given, keep_pixels=False)
    assert (bare.audit, bare.fingerprint) == (whole.audit, whole.fingerprint)
    assert (bare.values.shape, bare.values.max()) == (whole.values.shape, whole.values.max())
    assert bare.values.strides == (0, 0, 0, 0)


def test_it_survives_a_fork():
    reader = catalogue(Pairs([image_of(x) for x in pixels()])).reader
    received, sent = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(sent, np.asarray(reader.read(3).image).tobytes())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(received, 4096) == noise(3).tobytes()


class Stream(IterableDataset):
    def __iter__(self):
        return iter([])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Stream(), r"can only be iterated \(IterableDataset\)"),
        (DataLoader(Pairs(pixels())), r"a DataLoader gives batches.*loader\.dataset"),
        (Pairs([]), "holds no items"),
        (TensorDataset(torch.zeros(4, 2)), r"gives a tuple as item 0; make its items pairs"),
        (Pairs([torch.tensor(x).float() / 255 for x in pixels()]), "gives float32 of shape .*ToTensor"),
        (Pairs(pixels(channels=1)[:5] + [np.zeros((3, 3, 3, 3), np.uint8)] * 5), "as item 5"),
        (Pairs([np.zeros(3)] * 5 + [np.zeros((2, 2))] * 5), r"shape \(2, 2\) at item 5"),
        (Pairs([np.zeros(3)] * 10, [None, *LABELS[1:]]), "no label at item 0"),
        (Pairs([image_of(x) for x in pixels()], [None] * 10), "no item of the Dataset has a label"),
        (Pairs([image_of(x) for x in pixels()], [[0, 1]] * 10), "several labels for an object"),
        (Pairs([image_of(x) for x in pixels()], [torch.eye(2)[0]] * 10), "several labels for an object"),
        (Pairs([image_of(x) for x in pixels()], [i / 3 for i in range(10)]), "regression"),
    ],
)
def test_what_is_refused(given, message):
    with pytest.raises(DataError, match=message):
        read(given)


@pytest.mark.parametrize("option", ["label_column", "image_column", "group_column", "split"])
def test_options_of_tables_do_not_go_with_it(option):
    with pytest.raises(UsageError, match=f"{option} does not go with a torch Dataset"):
        read(Pairs(pixels()), **{option: "x"})
