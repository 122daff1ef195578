from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from PIL import Image

from sufficient.errors import DataError, UsageError
from sufficient.features.backbone import backbone
from sufficient.features.making import Maker
from tests.features import fakes

CPU = torch.device("cpu")
SOURCE = """
import numpy as np
import own_weights

def embed(images):
    from own_scale import SCALE  # imported when it is called
    return np.stack([np.asarray(image, np.float64).mean((0, 1)) for image in images]) * SCALE

class Kept:
    def embed(self, images):
        return embed(images)

kept = Kept()
number = 3
"""


@pytest.fixture
def images():
    random = np.random.default_rng(0)
    return [Image.fromarray(random.integers(0, 256, (8, 6, 3), dtype=np.uint8)) for _ in range(4)]


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module in the working directory, which is on no path."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "own_embedding.py"
    file.write_text(SOURCE)
    (tmp_path / "own_weights.py").write_text("")
    (tmp_path / "own_scale.py").write_text("SCALE = 2.0")
    yield file
    for name in ("own_embedding", "own_weights", "own_scale"):
        sys.modules.pop(name, None)


def means(images):
    return np.stack([np.asarray(image, np.float32).mean((0, 1)) for image in images])


@pytest.mark.parametrize("path", ["embed", "kept.embed"])
def test_a_function_in_the_working_directory(module, images, path):
    before = list(sys.path)
    made = backbone(f"own_embedding:{path}")
    rows = made.rows([made.prepare(image) for image in images], CPU, torch.float32)
    np.testing.assert_allclose(rows.numpy(), 2 * means(images), rtol=1e-6)
    assert rows.dtype == torch.float32
    assert (made.draft, made.notices, made.name) == (None, (), f"own_embedding:{path}")
    assert sys.path == before
    assert made.identity == {}


def at_the_top_of_a_module(images):
    return torch.ones(len(images), 2)


def test_a_function_is_cached_only_where_it_says_what_it_is(module):
    for function in (
        at_the_top_of_a_module,
        lambda images: means(images),
        np.stack,
        Caller(),
        Caller().again,
    ):
        assert backbone(function).identity == {}
    module.write_text(SOURCE + 'embed.identity = "v3"')
    declared = backbone("own_embedding:embed").identity
    assert (declared["declared"], declared["name"]) == ("v3", "own_embedding:embed")
    sys.modules["own_embedding"].embed.identity = "v4"
    assert backbone("own_embedding:embed").identity != declared


@pytest.mark.parametrize("declared", ["", 3, None, torch.nn.Identity()])
def test_an_identity_that_is_no_text_declares_nothing(declared):
    caller = Caller()
    caller.identity = declared
    assert backbone(caller).identity == {}


def test_what_a_function_gives_now_is_never_what_it_gave_before(monkeypatch):
    data = fakes.images(6)
    for scale in (1.0, 7.0):
        monkeypatch.setattr(sys.modules[__name__], "SCALE", scale)
        made = Maker(data, backbone(scaled), device=CPU).make(np.arange(6))
        np.testing.assert_array_equal(made.rows, np.full((6, 2), scale))


SCALE = 1.0


def scaled(images):
    return np.full((len(images), 2), SCALE)


class Caller:
    def __call__(self, images):
        return means(images)

    def again(self, images):
        return means(images)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("no_such_module:embed", r"ModuleNotFoundError: No module named 'no_such_module'"),
        ("own_embedding:absent", r"AttributeError: .*absent"),
        ("own_embedding:number", "is of type int, and what is needed is a function"),
        ("own_broken:embed", "SyntaxError"),
        ("own_exit:embed", "SystemExit: 1"),
    ],
)
def test_a_function_that_cannot_be_had(module, spec, says):
    (module.parent / "own_broken.py").write_text("def embed(:")
    (module.parent / "own_exit.py").write_text("raise SystemExit(1)")
    with pytest.raises(DataError, match=rf"--features {spec} .*{says}"):
        backbone(spec)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (lambda images: None, "returned something of type NoneType for 4 images"),
        (lambda images: np.ones((3, 2)), r"float64 of shape \(3, 2\) for 4 images; .* shape \(4, d\)"),
        (lambda images: np.ones(4), r"float64 of shape \(4,\)"),
        (lambda images: np.ones((4, 0)), r"shape \(4, 0\)"),
        (lambda images: np.ones((4, 2), int), r"int64 of shape \(4, 2\)"),
        (lambda images: torch.ones(4, 2, 2), r"torch\.float32 of shape \(4, 2, 2\)"),
        (lambda images: np.full((4, 2), np.nan), "not finite"),
        (lambda images: np.full((4, 2), 1e300), "not finite"),
        (lambda images: 1 / 0, r"failed on 4 images \(ZeroDivisionError: division by zero\)"),
        (lambda images: [][1], "IndexError: list index out of range"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_what_a_function_must_not_return(images, given, says):
    with pytest.raises(DataError, match=rf"--features .*lambda.*{says}") as caught:
        backbone(given).rows(images, CPU, torch.float32)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory."), MemoryError()])
def test_a_lack_of_memory_is_the_callers_to_answer(images, error):
    def function(images):
        raise error

    with pytest.raises(type(error)):
        backbone(function).rows(images, CPU, torch.float32)


@pytest.mark.parametrize("kind", [torch.float16, torch.float32, torch.float64])
def test_tensors_that_need_gradients(images, kind):
    rows = backbone(lambda images: torch.ones(4, 2, dtype=kind, requires_grad=True)).rows(images, CPU, kind)
    assert torch.equal(rows, torch.ones(4, 2))
    assert not rows.requires_grad


@pytest.mark.parametrize("options", [{"pooling": "mean"}, {"revision": "v2"}])
def test_options_that_a_function_does_not_take(module, options):
    for features in ("own_embedding:embed", at_the_top_of_a_module):
        with pytest.raises(UsageError, match=f"leave --{next(iter(options))} out"):
            backbone(features, **options)
