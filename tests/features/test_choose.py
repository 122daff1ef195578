from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from sufficient.data.labelled import LabelledData, LargeImagesError
from sufficient.data.sources import read
from sufficient.errors import UsageError
from sufficient.features.choose import choose, spread_ratio
from sufficient.features.pixels import scaled_pixels

LABELS = [0, 1] * 10


def image_data(*shape: int) -> LabelledData:
    images = np.random.default_rng(0).integers(0, 256, (20, *shape), dtype=np.uint8)
    return read(images, labels=LABELS)


def feature_data(*scales: float) -> LabelledData:
    return read(np.random.default_rng(0).normal(size=(20, len(scales))) * scales, labels=LABELS)


@pytest.mark.parametrize("features", ["auto", "pixels"])
def test_small_images_become_pixels(features):
    data = image_data(28, 20, 3)
    chosen = choose(data, features=features)
    np.testing.assert_array_equal(chosen.values, scaled_pixels(data.values, white=255))
    np.testing.assert_array_equal(chosen.labels, data.labels)
    assert (chosen.name, chosen.scale) == ("pixels 28×20 RGB", "none")
    assert ("no image exceeds 64 pixels" if features == "auto" else "as asked") in chosen.reason


def test_digits_reach_both_ends():
    chosen = choose(read("digits"))
    assert chosen.name == "pixels 8×8 grey"
    assert (chosen.values.min(), chosen.values.max()) == (-1, 1)


def test_size_resizes():
    assert choose(image_data(28, 28), size=10).name == "pixels 10×10 grey"


def test_large_images_need_the_pretrained_mode_unless_pixels_are_asked_for():
    data = image_data(65, 20)  # read at 32×32, but 65 pixels as found
    with pytest.raises(LargeImagesError, match=r"65 pixels.*google/vit-base-patch16-224.*--features pixels"):
        choose(data)
    assert choose(data, features="pixels").name == "pixels 32×32 grey"


def test_features_are_taken_as_they_are():
    data = feature_data(1, 2, 3)
    chosen = choose(data)
    assert chosen.values is data.values
    assert (chosen.name, chosen.scale) == ("3 given features", "none")
    assert chosen.reason == "the data are features already and are taken as they are."


def test_features_have_no_pixels():
    with pytest.raises(UsageError, match="features, not images"):
        choose(feature_data(1, 2), features="pixels")


def test_scales_that_differ_are_standardised_and_said_so():
    chosen = choose(feature_data(1, 100))
    assert chosen.scale == "standard"
    assert "columns' scales differ" in chosen.reason


@pytest.mark.parametrize("scale", ["none", "standard"])
def test_scale_as_asked(scale):
    assert choose(feature_data(1, 100), scale=scale).scale == scale
    assert choose(image_data(8, 8), scale=scale).scale == scale


def test_spread_ratio_is_scikit_learns_and_ignores_constant_columns():
    values = np.random.default_rng(1).normal(size=(50, 150)) * np.geomspace(1, 7, 150) + 3
    values[:, [0, 70]] = 1e6 + 0.1
    values = values.astype(np.float32)
    scales = np.delete(StandardScaler().fit(values.astype(float)).scale_, [0, 70])
    assert spread_ratio(values) == pytest.approx(scales.max() / scales.min(), rel=1e-9)


def test_only_constant_columns_have_no_spread():
    assert spread_ratio(np.ones((5, 2), np.float32)) == 1.0
