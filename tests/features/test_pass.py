"""The whole pass on real files and a real network: equal to a plain loop, cached, resumed, accounted for."""

import multiprocessing
import os
import shutil
import signal
import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from transformers import AutoImageProcessor

from sufficient.data.sources import catalogue
from sufficient.features import making
from sufficient.features.backbone import backbone
from sufficient.features.making import Maker
from sufficient.features.supply import Supply
from tests.features.checkpoints import save
from tests.features.test_backbone import network_of

CPU = torch.device("cpu")
forked = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forked on Linux alone")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save("vit", tmp_path_factory.mktemp("vit"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """80 images of two classes, among them a cut JPEG, a text, and copies within and across labels."""
    root, random = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for number in range(80):
        target = root / ("cat", "dog")[number % 2]
        target.mkdir(exist_ok=True)
        pixels = random.integers(0, 256, (random.integers(20, 50), 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(target / f"{number:02d}.{('jpg', 'png')[number % 3 == 0]}")
    cut = root / "cat" / "10.jpg"
    cut.write_bytes(cut.read_bytes()[:400])
    (root / "dog" / "11.jpg").write_text("no image")
    shutil.copy(root / "cat" / "20.jpg", root / "cat" / "81.jpg")
    shutil.copy(root / "cat" / "22.jpg", root / "dog" / "82.jpg")
    return root


def supplied(folder, model, pool=1_000):
    images = catalogue(str(folder))
    count = len(images.labels)
    order = np.random.default_rng(5).permutation(count)
    fit = count - 30
    source = Supply(images, backbone(model), order=order, fit=fit, validation=10, held_out=20, device=CPU)
    return images, source.until(pool)


@pytest.mark.parametrize("processes", [0, pytest.param(2, marks=forked)])
def test_rows_are_those_of_a_plain_loop(folder, model, monkeypatch, processes):
    monkeypatch.setattr(making, "workers_for", lambda count: processes)
    images, made = supplied(folder, model)
    processor, network = AutoImageProcessor.from_pretrained(model), network_of("vit", model)
    for index, values in zip(made.objects, made.values, strict=True):
        with Image.open(folder / images.name_of(int(index))) as image, torch.no_grad():
            output = network(**processor(image.convert("RGB"), return_tensors="pt"))
        assert_allclose(values, output.last_hidden_state[0, 0].numpy(), rtol=1e-4, atol=1e-5)
    reasons = {item.name: item.reason for item in made.skipped}
    assert reasons.pop("cat/10.jpg") == "truncated"
    assert reasons.pop("dog/11.jpg") == "not-an-image"
    assert reasons.pop("cat/81.jpg", reasons.pop("cat/20.jpg", None)) == "duplicate"
    assert set(reasons.values()) <= {"conflicting-copy"}
    assert images.found == len(made.objects) + len(made.skipped) == 82


@forked
def test_killed_and_resumed_is_equal_to_the_last_bit(folder, model, monkeypatch, cache):
    _, whole = supplied(folder, model)
    shutil.rmtree(cache)
    monkeypatch.setattr(making, "SHARD_OBJECTS", 16)

    def killed():
        images, network = catalogue(str(folder)), backbone(model)
        told = []

        def die(done, total, rate):
            told.append(done)
            if len(told) == 5:
                os.kill(os.getpid(), signal.SIGKILL)

        order = np.random.default_rng(5).permutation(82)
        Maker(images, network, device=CPU, progress=die).make(order)

    process = multiprocessing.get_context("fork").Process(target=killed)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert len(list(cache.rglob("*.safetensors"))) == 2
    _, resumed = supplied(folder, model)
    assert_array_equal(resumed.objects, whole.objects)
    assert_array_equal(resumed.values, whole.values)
    assert resumed.skipped == whole.skipped


def test_a_second_study_takes_everything_from_the_cache(folder, model, monkeypatch):
    _, first = supplied(folder, model, 20)
    _, all_read = supplied(folder, model)
    monkeypatch.setattr(making.Maker, "_rows", lambda self, values: pytest.fail("computed again"))
    _, again = supplied(folder, model)
    assert_array_equal(again.values, all_read.values)
    assert again.skipped == all_read.skipped
    assert_array_equal(again.values[: len(first.values)], first.values)


def test_a_file_that_changed_has_another_entry_and_its_own_row(folder, model, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(folder, root)
    images, before = supplied(root, model)
    Image.fromarray(np.zeros((30, 30, 3), np.uint8)).save(root / "cat" / "00.png")
    images, after = supplied(root, model)
    index = next(i for i in range(82) if images.name_of(i) == "cat/00.png")
    (place,) = np.flatnonzero(before.objects == index)
    assert_array_equal(before.objects, after.objects)
    others = np.arange(len(before.objects)) != place
    assert_array_equal(before.values[others], after.values[others])
    assert not np.allclose(before.values[place], after.values[place])


def test_real_images(real_data, model):
    images = catalogue(str(real_data / "cifar10_folder"))
    order = np.random.default_rng(0).permutation(len(images.labels))
    source = Supply(
        images,
        backbone(model),
        order=order,
        fit=len(order) - 60,
        validation=20,
        held_out=40,
        device=CPU,
    )
    made = source.until(100)
    assert len(made.objects) + len(made.skipped) + source.unread == images.found - len(images.skipped)
    assert made.values.shape == (160, 32)
    assert np.isfinite(made.values).all()
