"""A class of which no image can be read, in the way in which images are read as sizes need them."""

import numpy as np

import sufficient
from tests.data.pictures import noise, save


def brightness(images):
    """Return one number an image, and its square."""
    level = np.array([np.asarray(image, dtype=np.float32).mean() / 255 for image in images])
    return np.stack([level, level**2], axis=1)


def test_a_class_of_broken_files_is_left_out_and_said(tmp_path):
    for i in range(120):
        save(tmp_path / "data" / "ab"[i % 2] / f"{i}.png", noise(i))
    (tmp_path / "data" / "rotten").mkdir()
    for i in range(5):
        (tmp_path / "data" / "rotten" / f"{i}.jpg").write_bytes(b"junk" * (i + 1))
    found = sufficient.estimate(
        str(tmp_path / "data"), features=brightness, tol=1e-2, quick=True, start=32, out=tmp_path / "run"
    )
    data = found.to_dict()["data"]
    assert (data["found"], data["used"], data["skipped"], data["classes"]) == (
        125,
        120,
        {"not-an-image": 5},
        2,
    )
    assert "EMPTY-CLASS-FOLDER" in [warning["code"] for warning in found.to_dict()["warnings"]]
