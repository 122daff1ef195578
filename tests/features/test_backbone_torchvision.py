from __future__ import annotations

import socket

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import models

from sufficient.errors import DataError, UsageError
from sufficient.features import torchvision_backbone
from sufficient.features.backbone import backbone

CPU = torch.device("cpu")
NAME = "torchvision:shufflenet_v2_x0_5"  # the smallest


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    return [
        Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8))
        for size in [(20, 24), (300, 260), (90, 400)]
    ]


def one_at_a_time(network, transforms, head, images) -> np.ndarray:
    """Return what `head`, a name, is given in a plain loop."""
    given = []
    handle = network.get_submodule(head).register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    with torch.no_grad():
        for image in images:
            network.eval()(transforms(image)[None])
    handle.remove()
    return torch.cat(given).numpy()


@pytest.mark.parametrize(
    ("model", "head", "width"),
    [
        ("shufflenet_v2_x0_5", "fc", 1024),
        ("mobilenet_v3_small", "classifier.3", 1024),
        ("resnet18", "fc", 512),
    ],
)
def test_random_weights_equal_a_plain_loop(images, model, head, width):
    made = backbone(f"torchvision:{model}", revision="random", seed=3)
    prepared = [made.prepare(image) for image in images]
    assert {array.dtype for array in prepared} == {np.dtype(np.uint8)}
    found = made.rows(prepared, CPU, torch.float32).numpy()
    assert (found.shape, found.dtype) == ((3, width), np.float32)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = models.get_model(model)
    transforms = models.get_model_weights(model).DEFAULT.transforms()
    expected = one_at_a_time(network, transforms, head, images)
    assert np.abs(found[0] - found[1]).max() > 0.1 * np.abs(found).max()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_random_weights_are_said_and_leave_the_generator_alone():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    made = backbone(NAME, revision="random", seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    assert [notice.code for notice in made.notices] == ["RANDOM-WEIGHTS"]
    assert "all its weights are random, drawn with seed 3" in made.notices[0].message
    assert (made.name, made.draft) == (NAME, 256)
    assert made.identity == backbone(NAME, revision="random", seed=3).identity
    assert made.identity != backbone(NAME, revision="random", seed=4).identity


@pytest.fixture
def kept_weights(tmp_path, monkeypatch):
    """Weights where torchvision would have put what it downloads, and a network that must not be asked."""
    entry = models.get_model_weights("shufflenet_v2_x0_5").DEFAULT
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    file = tmp_path / "checkpoints" / entry.url.rpartition("/")[2]
    file.parent.mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(7)
        network = models.get_model("shufflenet_v2_x0_5")
    torch.save(network.state_dict(), file)
    return file, network, entry


def unreachable(*args, **options):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize("revision", [None, "DEFAULT", "IMAGENET1K_V1"])
def test_loaded_weights(kept_weights, images, revision):
    _, network, entry = kept_weights
    made = backbone(NAME, revision=revision)
    found = made.rows([made.prepare(image) for image in images], CPU, torch.float32).numpy()
    expected = one_at_a_time(network, entry.transforms(), "fc", images)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
    assert made.notices == ()
    assert "weights IMAGENET1K_V1" in made.note
    assert made.identity == backbone(NAME).identity


def test_identity_is_of_the_weights(kept_weights):
    file, network, _ = kept_weights
    before = backbone(NAME).identity
    network.fc.bias.data += 1
    torch.save(network.state_dict(), file)
    after = backbone(NAME).identity
    assert {name for name in before if before[name] != after[name]} == {"sha256"}


class Payload:
    def __reduce__(self):
        return (print, ("code was run",))


def test_weights_that_would_run_code_are_refused(kept_weights, capfd):
    torch.save({"fc.bias": Payload()}, kept_weights[0])
    with pytest.raises(DataError, match=r"cannot be loaded.*Weights only load failed.*--features pixels"):
        backbone(NAME)
    assert capfd.readouterr() == ("", "")


def test_weights_that_cannot_be_had(kept_weights, capfd):
    kept_weights[0].unlink()
    with pytest.raises(
        DataError, match=r"IMAGENET1K_V1 are neither in .*checkpoints nor to be had from https.*not known"
    ) as caught:
        backbone(NAME)
    assert "put the file there, use --features pixels, give a local checkpoint folder" in str(caught.value)
    assert capfd.readouterr() == ("", "")
    assert socket.getdefaulttimeout() is None


@pytest.mark.parametrize(
    ("name", "options", "error", "says"),
    [
        ("torchvision:resnet19", {}, DataError, r"of its \d+, resnet18, .* nearest in name"),
        ("torchvision:", {}, DataError, "names no model"),
        ("torchvision:fcn_resnet50", {}, DataError, "names no classifier"),
        (NAME, {"revision": "V7"}, DataError, r"has IMAGENET1K_V1, DEFAULT, and random"),
        (NAME, {"pooling": "cls"}, UsageError, r"leave --pooling out"),
        ("torchvision:squeezenet1_1", {"revision": "random"}, DataError, "no linear layer at its end"),
    ],
)
def test_what_cannot_be_meant(name, options, error, says):
    with pytest.raises(error, match=says):
        backbone(name, **options)


def test_a_network_that_goes_on_after_its_last_linear_layer_is_refused(monkeypatch):
    def drawn(model, seed):
        return torch.nn.Sequential(
            torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 4), torch.nn.ZeroPad1d(1)
        )

    monkeypatch.setattr(torchvision_backbone, "_drawn", drawn)
    with pytest.raises(DataError, match=r"gives \(1, 5\) without its last linear layer.*takes 3 values"):
        backbone(NAME, revision="random")
