"""Options that would have no effect are refused; groups, copies and features are said in the data lines."""

import numpy as np
import pytest
from PIL import Image

import sufficient
from sufficient.errors import DataError, UsageError

SMALL = {"hidden": 8, "replicates": 3, "start": 32, "patience": 2, "max_updates": 40, "device": "cpu"}


def means(images):
    """A model of a user's own: 4 numbers an image."""
    return np.stack([np.asarray(image, np.float32)[..., 0].reshape(4, -1).mean(1) / 255 for image in images])


@pytest.fixture(scope="module")
def small():
    random = np.random.default_rng(0)
    return random.integers(0, 256, (120, 8, 8, 3), dtype=np.uint8), np.arange(120) % 2


@pytest.fixture(scope="module")
def folder(small, tmp_path_factory):
    """120 images of 60 patients, two each."""
    root = tmp_path_factory.mktemp("patients")
    for number, (image, label) in enumerate(zip(*small, strict=True)):
        path = root / f"class{label}" / f"patient{number // 4}-{label}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return root


@pytest.fixture(autouse=True)
def cached(tmp_path, monkeypatch):
    monkeypatch.setenv("SUFFICIENT_CACHE", str(tmp_path / "cache"))


MODEL_ONLY = [{"pooling": "cls"}, {"revision": "main"}, {"all_features": True}]


@pytest.mark.parametrize("features", ["auto", "pixels"])
@pytest.mark.parametrize("option", MODEL_ONLY)
def test_what_is_for_a_model_is_refused_of_pixels(small, features, option):
    flag = f"--{next(iter(option)).replace('_', '-')}"
    with pytest.raises(UsageError, match=rf"^{flag}( cls| main|) is for a pretrained model.*leave it out"):
        sufficient.estimate(*small, features=features, **option, **SMALL)


@pytest.mark.parametrize("option", MODEL_ONLY)
def test_what_is_for_images_is_refused_of_given_features(option):
    values = np.random.default_rng(0).normal(size=(120, 3)).astype(np.float32)
    with pytest.raises(UsageError, match=r"^--.* is for images, and arrays holds features already"):
        sufficient.estimate(values, np.arange(120) % 2, **option, **SMALL)


@pytest.mark.parametrize(
    ("features", "side", "why"),
    [(means, 8, "as asked"), ("auto", 65, "larger than 64 pixels .the largest seen 65")],
)
def test_a_size_is_refused_of_a_model(features, side, why):
    images = np.zeros((40, side, side, 3), np.uint8)
    with pytest.raises(UsageError, match=rf"^--size 16 is for pixels, and .*{why}.*leave it out"):
        sufficient.estimate(images, np.arange(40) % 2, features=features, size=16, **SMALL)


@pytest.mark.parametrize("all_features", [False, True])
def test_groups_copies_and_a_function_are_said(folder, all_features):
    result = sufficient.estimate(folder, features=means, group_level=2, all_features=all_features, **SMALL)
    data = result.to_dict()["data"]
    record = result.record
    assert data["groups"] == len({int(group) for group in record.groups}) <= 60
    text = "\n".join(result.lines())
    assert f"{data['groups']} groups (folders of level 2), none on two sides of a split" in text
    assert text.count("copies are told by their files' bytes") == 1
    assert f"{__name__}:means, your function, 4 numbers an image (as asked)." in text
    assert text.count(f"{__name__}:means") == 1


def test_pixels_say_no_group_where_none_was_named(small, folder):
    result = sufficient.estimate(*small, **SMALL)
    text = "\n".join(result.lines())
    assert result.to_dict()["data"]["groups"] is None
    assert "groups" not in text
    assert "copies" not in text
    assert "features    pixels 8×8 RGB in [−1, 1]: no image exceeds 64 pixels a side." in text
    grouped = sufficient.estimate(folder, group_level=2, **SMALL)
    assert grouped.to_dict()["data"]["groups"] == 60


def test_too_few_to_fit_because_groups_are_whole(folder):
    with pytest.raises(
        DataError, match=r"usable objects in 60 groups leave \d+ to fit.*groups are not split"
    ):
        sufficient.estimate(folder, group_level=2, **{**SMALL, "start": 100})
