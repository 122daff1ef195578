from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler

from sufficient.features.pixels import scaled_pixels


@pytest.mark.parametrize("channels", [1, 3])
def test_equal_to_torchvisions_to_tensor_and_normalize(channels):
    from torchvision.transforms import Compose, Normalize, ToTensor

    images = np.random.default_rng(0).integers(0, 256, (5, 6, 7, channels), dtype=np.uint8)
    transform = Compose([ToTensor(), Normalize([0.5] * channels, [0.5] * channels)])
    expected = np.stack([transform(image).flatten().numpy() for image in images])
    values = scaled_pixels(images, white=255)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, expected, rtol=0, atol=2e-7)


def test_white_is_one_and_black_minus_one():
    digits = np.arange(17, dtype=np.uint8).reshape(1, 17, 1, 1)
    expected = MinMaxScaler((-1, 1)).fit_transform(np.arange(17.0).reshape(-1, 1)).T
    np.testing.assert_array_equal(scaled_pixels(digits, white=16), expected)


def test_images_are_left_as_they_are():
    images = np.full((2, 3, 3, 1), 7, dtype=np.uint8)
    scaled_pixels(images, white=255)
    assert (images == 7).all()
