import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sufficient.data.sources import read
from sufficient.errors import DataError
from sufficient.features.pixels import scaled_pixels
from sufficient.paper import objects as module
from sufficient.paper.objects import inputs_of, mode_of, origin, read_objects
from sufficient.paper.plan import PlannedSweep

CPU = torch.device("cpu")


def chosen(spec, **options):
    return read_objects(str(spec), root=None, progress=lambda done, total: None, **options)


def images(tmp_path, labels, *, name="x.npz", distinct=True):
    labels = np.asarray(labels)
    pixels = np.zeros((len(labels), 2, 2, 3), dtype=np.uint8)
    if distinct:
        pixels[:, 0, 0, 0] = np.arange(len(labels))
    np.savez(tmp_path / name, images=pixels, labels=labels)
    return tmp_path / name


def test_exact_copies_are_kept(tmp_path):
    path = images(tmp_path, [0, 1] * 4, distinct=False)
    assert len(chosen(path).data.labels) == 8
    with pytest.raises(DataError, match="6 duplicate"):
        read(path)


def test_all_objects_of_a_small_set_in_their_order(tmp_path):
    found = chosen("digits")
    assert found.which == "all 1,797 objects of digits"
    np.testing.assert_array_equal(found.data.labels, read("digits", deduplicate=False).labels)


def test_the_first_of_a_larger_set_unless_they_miss_a_class(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "OBJECTS", 6)
    mixed = chosen(images(tmp_path, [0, 1] * 5))
    assert mixed.data.values[:, 0, 0, 0].tolist() == list(range(6))
    assert mixed.which.startswith("the first 6 of the 10 objects of ")
    by_class = chosen(images(tmp_path, [0] * 50 + [1] * 50))
    assert set(by_class.data.labels.tolist()) == {0, 1}
    assert "in a seeded random order" in by_class.which
    again = chosen(images(tmp_path, [0] * 50 + [1] * 50))
    np.testing.assert_array_equal(by_class.data.values, again.data.values)


def test_a_larger_folder_is_taken_in_a_random_order(tmp_path, monkeypatch):
    from PIL import Image

    monkeypatch.setattr(module, "OBJECTS", 7)
    for label in "ab":
        (tmp_path / label).mkdir()
        for i in range(4):
            Image.new("L", (3, 3), 10 * i + (label == "b")).save(tmp_path / label / f"{i}.png")
    found = chosen(tmp_path)
    assert "7 of the 8 objects" in found.which
    assert "seeded random order" in found.which
    assert found.data.labels.tolist() != sorted(found.data.labels.tolist())


def test_pixels_are_torchvisions_order_and_scale():
    found = chosen("digits")
    inputs = inputs_of(found, "pixels", device=CPU, progress=lambda done, total: None)
    assert (inputs.values.dtype, inputs.white) == (np.uint8, 16)
    scaled = inputs.values.astype(np.float32) / 8 - 1
    np.testing.assert_allclose(scaled, scaled_pixels(found.data.values, white=16), atol=1e-6)
    assert inputs.what == "pixels 8×8 grey in [−1, 1]"


def test_features_are_taken_as_they_are(tmp_path):
    rows = np.random.default_rng(0).standard_normal((8, 5))
    np.savez(tmp_path / "f.npz", features=rows, labels=[0, 1] * 4)
    found = chosen(tmp_path / "f.npz")
    inputs = inputs_of(found, "features", device=CPU, progress=lambda done, total: None)
    np.testing.assert_array_equal(inputs.values, rows.astype(np.float32))
    assert inputs.white is None


def test_a_file_of_features_says_how_they_were_made(tmp_path):
    from safetensors.numpy import save_file

    arrays = {"features": np.ones((8, 5), np.float32), "labels": np.array([0, 1] * 4)}
    told = {"text": "a small random\n ViT", "numbers": np.arange(3), "objects": np.array(None)}
    for name, entry in told.items():
        np.savez(tmp_path / f"{name}.npz", **arrays, origin=entry)
    np.savez(tmp_path / "silent.npz", **arrays)
    save_file(arrays, tmp_path / "text.safetensors", metadata={"origin": "a small random ViT"})
    save_file(arrays, tmp_path / "silent.safetensors")
    words = {
        path.name: inputs_of(chosen(path), "features", device=CPU, progress=lambda done, total: None).what
        for path in tmp_path.iterdir()
    }
    plain = "5 features as given in the file"
    assert words == {
        "text.npz": f"{plain}, which says of their origin: a small random ViT",
        "text.safetensors": f"{plain}, which says of their origin: a small random ViT",
        **dict.fromkeys(("numbers.npz", "objects.npz", "silent.npz", "silent.safetensors"), plain),
    }


def test_images_go_through_the_pretrained_model(monkeypatch):
    asked = {}

    def extract(images, **options):
        asked.update(options, largest=images.max())
        return SimpleNamespace(values=np.ones((len(images), 4), np.float32), note="the pooler of a stand-in.")

    monkeypatch.setitem(sys.modules, "sufficient.features.pretrained", SimpleNamespace(extract=extract))
    inputs = inputs_of(chosen("digits"), "pooler", device=CPU, progress=lambda done, total: None)
    assert inputs.values.shape == (1797, 4)
    assert inputs.what == "8×8 grey images through the pooler of a stand-in"
    assert (asked["pooling"], asked["seed"], asked["largest"]) == ("pooler", 0, 255)
    assert asked["model"] == "google/vit-base-patch16-224"


def test_mode_follows_the_data_or_says_what_is_needed(tmp_path):
    pictures, rows = chosen("digits").data, SimpleNamespace(kind="features")
    assert mode_of(PlannedSweep("mine", None, "x", None), pictures) == "pixels"
    assert mode_of(PlannedSweep("mine", None, "x", None), rows) == "features"
    with pytest.raises(DataError, match="x holds images, and mnist-features needs features"):
        mode_of(PlannedSweep("mnist", "features", "x", 3), pictures)
    with pytest.raises(DataError, match="x holds features, and mnist-pixels needs images"):
        mode_of(PlannedSweep("mnist", "pixels", "x", 2), rows)


def test_only_the_paper_s_own_inputs_count_as_such(monkeypatch):
    monkeypatch.setattr(module, "OBJECTS", 1797)
    data = chosen("digits").data
    own = {
        (spec, mode): origin(PlannedSweep("mnist", mode, spec, 2), mode, data).paper_inputs
        for spec in ("mnist", "./mnist")
        for mode in ("pixels", "pooler", "cls", "features")
    }
    assert [key for key, own_inputs in own.items() if own_inputs] == [
        ("mnist", "pixels"),
        ("mnist", "pooler"),
    ]


def test_a_paper_s_set_with_too_few_objects_is_not_the_paper_s():
    planned = PlannedSweep("mnist", "pixels", "mnist", 2)
    data = chosen("digits").data
    assert not origin(planned, "pixels", data).paper_inputs
    index = np.arange(10_000) % 1797
    whole = replace(data, values=data.values[index], labels=data.labels[index])
    assert origin(planned, "pixels", whole).paper_inputs


def test_fingerprint_tells_objects_and_modes_apart():
    data = chosen("digits").data
    planned = PlannedSweep("mnist", "pixels", "mnist", 2)
    first = origin(planned, "pixels", data).fingerprint
    assert first == origin(planned, "pixels", data).fingerprint
    changed = data.values.copy()
    changed[0, 0, 0, 0] += 1
    others = [
        origin(planned, "cls", data),
        origin(planned, "pixels", replace(data, values=changed)),
        origin(planned, "pixels", replace(data, labels=data.labels[::-1])),
    ]
    assert len({first, *(other.fingerprint for other in others)}) == 4
