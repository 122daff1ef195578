from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from sufficient.errors import DataError, ResourceError
from sufficient.paper.store import differences, read_sweep, sweep_path, write_sweep
from tests.paper.sweeps import NARROW, made_up, saved


@pytest.fixture
def written(tmp_path):
    whole = saved(made_up(seeds=2, dead=[(1, NARROW)]))
    path = sweep_path(tmp_path / "sweeps", whole.sweep.name)
    write_sweep(path, whole)
    return path, whole


def test_round_trip_and_same_bytes(written, tmp_path):
    path, whole = written
    back = read_sweep(path)
    assert path.name == "mnist-pixels.safetensors"
    assert (back.origin, back.epochs) == (whole.origin, 10)
    for name, value in vars(whole.sweep).items():
        np.testing.assert_array_equal(getattr(back.sweep, name), value)
        assert type(getattr(back.sweep, name)) is type(value)
    write_sweep(tmp_path / "again", back)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "shape", "format"])
def test_damage_is_said_with_the_way_on(written, damage):
    path, whole = written
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "other":
        save_file({"x": np.zeros(3)}, path)
    elif damage == "shape":
        write_sweep(path, replace(whole, sweep=replace(whole.sweep, accuracy=np.zeros((2, 24)))))
    else:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            header = file.metadata()["sweep"]
        save_file(arrays, path, metadata={"sweep": header.replace('"format": 1', '"format": 9')})
    with pytest.raises(DataError, match=r"mnist-pixels\.safetensors cannot be read.*--resume"):
        read_sweep(path)


def test_a_disk_that_says_no_leaves_nothing_behind(written, monkeypatch):
    path, whole = written
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(ResourceError, match="No space left"):
        write_sweep(path, whole)
    assert path.read_bytes() == before
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_differences_name_what_differs():
    whole = saved(made_up(seeds=2))
    assert differences(whole, seeds=(0, 1)) == []
    assert differences(replace(whole, epochs=1), seeds=(0, 1, 2)) == [
        "--seeds was 2 and is 3",
        "its epochs were 1 and are 10",
    ]
