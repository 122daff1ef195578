from __future__ import annotations

import io
import os
import subprocess
import sys
import types
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from sufficient.data import hub
from sufficient.data.labelled import UnusableError
from sufficient.data.sources import catalogue, read
from sufficient.errors import DataError, ResourceError, UsageError
from tests.data.pictures import image_of, noise, save

NAMES = ["cat", "dog"]
LABELS = [0, 1] * 5


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    datasets.disable_progress_bars()


def encoded(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    image_of(pixels).save(file, kind)
    return file.getvalue()


def made(labels=LABELS, **columns) -> datasets.Dataset:
    features = {"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)}
    features |= {name: datasets.Value("string") for name in columns}
    rows = {"image": [{"bytes": encoded(noise(i)), "path": f"{i}.png"} for i in range(len(labels))]}
    return datasets.Dataset.from_dict(
        {**rows, "label": labels, **columns}, features=datasets.Features(features)
    )


def both(*args, **options):
    """Read and catalogue, which must tell the same of what they found."""
    data, images = read(*args, **options), catalogue(*args, **options)
    assert images.found == len(images.labels) + len(images.skipped) == data.audit.found
    assert (images.classes, images.labels.tolist()) == (data.classes, data.labels.tolist())
    for i in range(len(images.labels)):
        np.testing.assert_array_equal(np.asarray(images.reader.read(i).image), data.values[i])
    return data, images


@pytest.mark.parametrize("where", ["python", "folder", "splits", "parquet", "hub"])
def test_images_from_everywhere(tmp_path, monkeypatch, where):
    whole = made()
    if where == "folder":
        whole.save_to_disk(tmp_path / "d")
    elif where == "splits":
        datasets.DatasetDict({"train": whole, "test": whole.select([0])}).save_to_disk(tmp_path / "d")
    elif where == "parquet":
        whole.to_parquet(tmp_path / "d.parquet")
    asked = {}

    def load_dataset(name, *, revision, split):
        asked.update(name=name, revision=revision, split=split)
        return datasets.DatasetDict({"train": whole})

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    spec = {
        "python": whole,
        "parquet": str(tmp_path / "d.parquet"),
        "hub": "hf://datasets/owner/name@v1",
    }.get(where, str(tmp_path / "d"))
    data, images = both(spec)
    assert data.classes == ("cat", "dog")
    for i in range(10):
        np.testing.assert_array_equal(data.values[i], noise(i))
    assert images.name_of(3) == "row 3"
    assert [n.code for n in data.audit.notices] == (["TRAIN-SPLIT"] if where == "splits" else [])
    if where == "hub":
        assert asked == {"name": "owner/name", "revision": "v1", "split": None}


def test_splits(tmp_path):
    parts = datasets.DatasetDict({"train": made(), "test": made(LABELS[:8])})
    parts.save_to_disk(tmp_path)
    assert read(tmp_path).audit.used == read(tmp_path, split="train").audit.used == 10
    assert read(tmp_path, split="test").audit.used == read(parts, split="test").audit.used == 8
    assert read(tmp_path, split="test").audit.notices == ()
    with pytest.raises(DataError, match=r"has no split val; it has test, train|it has train, test"):
        read(tmp_path, split="val")
    with pytest.raises(DataError, match="several splits and none named train; it has a, b"):
        read(datasets.DatasetDict({"a": made(), "b": made()}))


def test_a_split_of_the_hub_is_asked_for_by_name(monkeypatch):
    monkeypatch.setattr(datasets, "load_dataset", lambda name, *, revision, split: made())
    assert read("hf://datasets/a/b", split="train[:50%]").audit.notices == ()


def test_a_selection_keeps_its_order_and_its_rows():
    data, images = both(made().select([9, 8, 7, 6, 5, 4, 3, 2]))
    np.testing.assert_array_equal(data.values[0], noise(9))
    assert images.name_of(0) == "row 0"


def test_unlabelled_rows_are_skipped():
    data, images = both(made([-1, 0, 1, 0, 1, 0, 1, 0]))
    assert [(s.name, s.reason) for s in data.audit.skipped] == [("row 0", "label-missing")]
    assert images.name_of(0) == "row 1"


def test_rows_that_hold_no_image():
    rows = [{"bytes": encoded(noise(i)), "path": None} for i in range(8)]
    rows += [
        None,
        {"bytes": b"", "path": None},
        {"bytes": b"no image", "path": None},
        {"bytes": encoded(noise(9))[:60], "path": None},
        {"bytes": None, "path": "gone.png"},
    ]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("string")})
    given = datasets.Dataset.from_dict(
        {"image": rows, "label": [NAMES[i % 2] for i in range(13)]}, features=features
    )
    data, images = read(given), catalogue(given)
    expected = ["unreadable", "empty-file", "not-an-image", "truncated"]
    assert [s.reason for s in data.audit.skipped] == ["no-file", *expected]
    assert [(s.name, s.reason, s.detail) for s in images.skipped] == [("row 12", "no-file", "gone.png")]
    for i, reason in enumerate(expected, start=8):
        with pytest.raises(UnusableError) as caught:
            images.reader.read(i)
        assert caught.value.reason == reason


def test_the_rules_of_images_hold(tmp_path):
    pictures = [noise(i) for i in range(8)]
    rows = [encoded(p) for p in pictures]
    rows[0] = encoded(noise(0, height=70, width=90), "JPEG")
    rows[1] = rows[3]
    given = datasets.Dataset.from_dict({"photo": rows, "label": LABELS[:8]})
    data, images = read(given, image_column="photo"), catalogue(given, image_column="photo")
    assert data.audit.skipped_counts == {"duplicate": 1}
    assert images.reader.read(1).digest == images.reader.read(3).digest != images.reader.read(2).digest
    assert (data.largest_side, data.values.shape[1:]) == (90, (32, 32, 3))
    with pytest.raises(DataError, match="row 0 is 90 pixels"):
        read(given, image_column="photo", largest_side=64)
    with pytest.raises(UnusableError, match="too-many-pixels"):
        catalogue(given, image_column="photo", max_pixels=6000).reader.read(0)
    assert read(given, image_column="photo", max_pixels=6000).audit.skipped_counts == {
        "too-many-pixels": 1,
        "duplicate": 1,
    }


def test_a_large_jpeg_is_decoded_smaller_where_that_will_do():
    given = made()
    rows = [{"bytes": encoded(noise(i, height=400, width=640), "JPEG"), "path": None} for i in range(10)]
    given = datasets.Dataset.from_dict({"image": rows, "label": LABELS}, features=given.features)
    reader = catalogue(given).reader
    assert reader.read(0).image.size == (640, 400)
    assert reader.read(0, draft=100).image.size == (320, 200)


def test_images_kept_as_paths(tmp_path):
    paths = [str(save(tmp_path / f"{i}.png", noise(i))) for i in range(10)]
    given = datasets.Dataset.from_dict({"image": paths, "label": LABELS}, features=made().features)
    data, _ = both(given)
    assert data.audit.used == 10


def naming(folder: Path, paths: list[str]) -> Path:
    """Write a parquet file whose rows name images and hold none."""
    cells = [{"bytes": None, "path": path} for path in paths]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    columns = {"image": pa.array(cells, kind), "label": pa.array([NAMES[i % 2] for i in range(len(paths))])}
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), folder / "d.parquet")
    return folder / "d.parquet"


def test_only_files_below_the_table_are_read(tmp_path):
    outside = save(tmp_path / "secret.png", noise(90))
    for i in range(8):
        save(tmp_path / "d" / "images" / f"{i}.png", noise(i))
    (tmp_path / "d" / "link.png").symlink_to(outside)
    inside = [f"images/{i}.png" for i in range(7)] + [str(tmp_path / "d" / "images" / "7.png")]
    table = naming(tmp_path / "d", [*inside, str(outside), "../secret.png", "link.png", "gone.png", "a\0b"])
    data, images = both(table)
    np.testing.assert_array_equal(data.values, [noise(i) for i in range(8)])
    expected = [*(f"row {row} outside-root" for row in (8, 9, 10)), "row 11 no-file", "row 12 no-file"]
    assert [f"{s.name} {s.reason}" for s in images.skipped] == expected
    assert [f"{s.name} {s.reason}" for s in data.audit.skipped] == expected
    (notice,) = images.notices
    assert images.cacheable
    assert (notice.code, "not read: 3 files outside" in notice.message) == ("OUTSIDE-ROOT", True)


def test_a_set_is_saved_with_the_images_inside_as_the_notice_advises(tmp_path):
    paths = [str(save(tmp_path / f"{i}.png", noise(i))) for i in range(10)]
    given = datasets.Dataset.from_dict({"image": paths, "label": LABELS}, features=made().features)
    given.save_to_disk(tmp_path / "d")
    given.to_parquet(tmp_path / "inside.parquet")
    assert read(tmp_path / "d").audit.used == read(tmp_path / "inside.parquet").audit.used == 10


def test_what_lies_in_the_librarys_cache_is_read(tmp_path):
    paths = [str(save(tmp_path / "hf" / f"{i}.png", noise(i))) for i in range(10)]
    data, _ = both(naming(tmp_path / "d", paths))
    assert data.audit.used == 10


def test_files_that_rows_name_are_known_by_size_and_time(tmp_path):
    files = [save(tmp_path / "d" / f"{i}.png", noise(i)) for i in range(10)]
    table = naming(tmp_path / "d", [file.name for file in files])
    one = catalogue(table)
    assert catalogue(table).fingerprint == one.fingerprint
    os.utime(files[3], ns=(1, 1))
    os.unlink(files[4])
    with pytest.raises(UnusableError, match="changed"):
        one.reader.read(3)
    with pytest.raises(UnusableError, match="vanished"):
        one.reader.read(4)
    save(files[4], noise(4))
    assert catalogue(table).fingerprint != one.fingerprint


def test_a_selection_names_its_own_files(tmp_path):
    paths = [str(save(tmp_path / f"{i}.png", noise(i))) for i in range(10)]
    given = datasets.Dataset.from_dict({"image": paths, "label": LABELS}, features=made().features)
    data, _ = both(datasets.concatenate_datasets([given, made()]).select([19, 4, 5, 6, 7, 8, 13, 12]))
    np.testing.assert_array_equal(data.values, [noise(i) for i in (9, 4, 5, 6, 7, 8, 3, 2)])


def test_it_survives_a_fork():
    reader = catalogue(made()).reader
    received, sent = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(sent, np.asarray(reader.read(3).image).tobytes())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(received, 4096) == noise(3).tobytes()


def test_groups():
    data, images = both(made(patient=["p", "q"] * 5), group_column="patient")
    assert data.groups.tolist() == images.groups.tolist() == [0, 1] * 5
    other = made(patient=["p"] * 4 + ["q"] * 6)
    assert catalogue(other, group_column="patient").labels_fingerprint != images.labels_fingerprint
    assert read(other, group_column="patient").fingerprint != data.fingerprint


def test_the_fingerprint_follows_images_and_not_labels():
    one, other = catalogue(made()), catalogue(made(LABELS[::-1]))
    assert one.labels_fingerprint != other.labels_fingerprint
    assert catalogue(made()).fingerprint == one.fingerprint
    assert catalogue(made().select(range(9))).fingerprint != one.fingerprint


def test_a_parquet_that_changed_is_another_one(tmp_path):
    made().to_parquet(tmp_path / "d.parquet")
    one = catalogue(tmp_path / "d.parquet")
    os.utime(tmp_path / "d.parquet", (1, 1))
    made().select(range(9, -1, -1)).to_parquet(tmp_path / "d.parquet")
    other = catalogue(tmp_path / "d.parquet")
    np.testing.assert_array_equal(np.asarray(other.reader.read(0).image), noise(9))
    assert one.fingerprint != other.fingerprint


# features


@pytest.mark.parametrize("where", ["python", "folder"])
def test_a_data_set_of_features(tmp_path, where):
    values = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
    features = datasets.Features(
        {"embedding": datasets.List(datasets.Value("float32")), "label": datasets.ClassLabel(names=NAMES)}
    )
    given = datasets.Dataset.from_dict(
        {"embedding": values.tolist(), "label": [-1, *LABELS[1:]]}, features=features
    )
    given.save_to_disk(tmp_path)
    data = read(given if where == "python" else tmp_path)
    np.testing.assert_array_equal(data.values, values[1:])
    assert (data.classes, data.audit.skipped_counts) == (("cat", "dog"), {"label-missing": 1})
    with pytest.raises(UsageError, match="holds features, not images"):
        catalogue(given)


# refused


def sequences() -> datasets.Dataset:
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.List(datasets.ClassLabel(names=NAMES))}
    )
    rows = {"image": [{"bytes": encoded(noise(i)), "path": None} for i in range(4)], "label": [[0, 1]] * 4}
    return datasets.Dataset.from_dict(rows, features=features)


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        (sequences, {}, DataError, r"holds lists \(row 0: \[0, 1\]\): several labels for an object"),
        (lambda: made().to_iterable_dataset(), {}, DataError, "is streamed"),
        (lambda: made().select([]), {}, DataError, "holds no rows"),
        (lambda: made([-1] * 4), {}, DataError, "no row of the Dataset has a label"),
        (made, {"label_column": "nope"}, DataError, r"no column nope \(label_column\)"),
        (made, {"image_column": "label"}, DataError, "column label of the Dataset holds no images"),
        (made, {"drop": ["x"]}, UsageError, "drop leaves out columns of features"),
        (made, {"group_level": 2}, UsageError, "group_level"),
        (made, {"split": "test"}, UsageError, "leave (--)?split test out"),
        (
            lambda: datasets.concatenate_datasets(
                [made(), made().select_columns(["image"]).rename_column("image", "again")], axis=1
            ),
            {},
            DataError,
            r"several columns of images \(image, again\)",
        ),
        (
            lambda: made().rename_column("label", "kind").cast_column("kind", datasets.Value("int64")),
            {},
            DataError,
            "which of them holds labels is not known",
        ),
    ],
)
def test_what_is_refused(given, options, error, message):
    with pytest.raises(error, match=message):
        read(given(), **options)


def failing(error: Exception):
    def load_dataset(*args, **options):
        raise error

    return load_dataset


@pytest.mark.parametrize(
    ("error", "raised", "message"),
    [
        (ConnectionError("Couldn't reach 'x'\non the Hub"), DataError, "cannot be had .Couldn't reach 'x'"),
        (RuntimeError("Dataset scripts are no longer supported, but found x.py"), DataError, "never run"),
        (ValueError('Unknown split "val"'), DataError, "cannot be had"),
        (OSError(28, "No space left on device"), ResourceError, "the disk is full"),
        (MemoryError("no more"), MemoryError, "no more"),
    ],
)
def test_a_hub_that_does_not_give_it(monkeypatch, error, raised, message):
    monkeypatch.setattr(datasets, "load_dataset", failing(error))
    monkeypatch.setattr(hub, "why_unreachable", lambda name, file, **more: "")
    with pytest.raises(raised, match=message):
        read("hf://datasets/owner/name@main")


@pytest.mark.parametrize(
    ("hindrance", "said"),
    [
        ({"HF_HUB_OFFLINE": "1"}, "and HF_HUB_OFFLINE is set); unset HF_HUB_OFFLINE"),
        (
            {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:9"},
            "and the hub cannot be reached); check",
        ),
    ],
)
def test_offline_in_earnest(tmp_path, hindrance, said):
    """One sentence within seconds, and none of the library's own."""
    code = (
        "from sufficient.data.sources import read\n"
        "from sufficient.errors import DataError\n"
        "try: read('hf://datasets/owner/none-such')\n"
        "except DataError as error: print(error)"
    )
    environment = {**os.environ, "HF_HOME": str(tmp_path), **hindrance}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith("hf://datasets/owner/none-such cannot be had (it is not in the local cache")
    assert said in done.stdout
    assert done.stderr == ""


def test_a_folder_of_that_name_is_not_read_in_its_place(tmp_path, monkeypatch):
    (tmp_path / "owner" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="is shadowed by owner/name"):
        read("hf://datasets/owner/name")


@pytest.mark.parametrize("spec", ["hf://", "hf://datasets/", "hf://datasets/@v1"])
def test_no_name(spec):
    with pytest.raises(DataError, match="names no data set"):
        read(spec)


def test_labels_do_not_go_with_it(tmp_path):
    with pytest.raises(UsageError, match="has labels of its own"):
        read("hf://datasets/a/b", labels=tmp_path / "l.csv")


def test_a_damaged_folder(tmp_path):
    made().save_to_disk(tmp_path)
    (tmp_path / "data-00000-of-00001.arrow").write_bytes(b"damaged")
    with pytest.raises(DataError, match="cannot be read as a saved data set"):
        read(tmp_path)


def test_without_the_library_the_line_that_installs_it(monkeypatch):
    def missing(name: str) -> types.ModuleType:
        raise ImportError(name)

    monkeypatch.setattr(hub.importlib, "import_module", missing)
    with pytest.raises(DataError, match=r"pip install 'sufficient-samples\[hub\]'"):
        read("hf://datasets/a/b")


def test_grey_stays_grey():
    rows = [{"bytes": encoded(noise(i, channels=1)), "path": None} for i in range(10)]
    given = datasets.Dataset.from_dict({"image": rows, "label": LABELS}, features=made().features)
    assert read(given).values.shape == (10, 8, 8, 1)
    assert catalogue(given).reader.read(0).image.mode == "RGB"


def test_pixels_of_unknown_range_are_refused():
    file = io.BytesIO()
    Image.fromarray(np.full((8, 8), 900, dtype=np.uint16)).save(file, "PNG")
    rows = [{"bytes": file.getvalue(), "path": None}] * 10
    given = datasets.Dataset.from_dict({"image": rows, "label": LABELS}, features=made().features)
    with pytest.raises(DataError, match="row 0 has pixels deeper than 8 bits"):
        read(given)
