"""`estimate(extend=…)`: runs whose data has grown, by every way in which objects are read."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import sufficient
from sufficient.options import read_options
from sufficient.report.export import schema
from sufficient.study.found import CannotExtendError
from sufficient.study.shares import CommonShares
from sufficient.study.store import read_record

SMALL = {
    "hidden": 8, "layers": 2, "replicates": 3, "start": 64, "growth": 2.0, "patience": 2, "lr": 1e-2,
    "device": "cpu", "tol": 1e-6,
    "max_updates": 300,
}  # fmt: skip
BEFORE, ALL = 300, 500


@pytest.fixture(scope="module")
def digits():
    images, labels = load_digits(return_X_y=True)
    return (images[:ALL].reshape(-1, 8, 8) * 15).astype(np.uint8), labels[:ALL]


def same_stages(before, now, count=None):
    for old, new in list(zip(before.record.stages, now.record.stages, strict=False))[:count]:
        assert old.size == new.size
        np.testing.assert_array_equal(old.unseen_losses, new.unseen_losses)
        np.testing.assert_array_equal(old.constant, new.constant)


@pytest.fixture(autouse=True, scope="module")
def undrawn():
    """Figures take seconds a run, and are tested elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sufficient.report.figures.draw_all", lambda *args, **kwargs: [])
        yield


@pytest.fixture(scope="module")
def run(digits, tmp_path_factory):
    images, labels = digits
    out = tmp_path_factory.mktemp("extend") / "run"
    return out, sufficient.estimate(images[:BEFORE], labels[:BEFORE], out=out, **SMALL)


@pytest.fixture(scope="module")
def grown(digits, run):
    """New images come first in the data, so that every stored one has another place."""
    images, labels = digits
    out = run[0].parent / "grown"
    order = np.r_[BEFORE:ALL, :BEFORE]
    return out, sufficient.estimate(images[order], labels[order], extend=run[0], out=out)


def test_stages_are_reused_and_the_sizes_go_on(run, grown):
    same_stages(run[1], grown[1])
    assert [point.k for point in run[1].curve] == [64, 128, 180]
    assert [point.k for point in grown[1].curve] == [64, 128, 180, 270, 300]  # 270 confirms 300
    shares = grown[1].record.shares
    assert shares.used == ALL == shares.k_available + shares.validation + shares.held_out
    assert grown[1].record.data["used"] == ALL
    (said,) = [notice for notice in grown[1].answer.warnings if notice.code == "EXTENDED"]
    assert said.message.startswith("200 objects came to 300: 120 to fit, 40 to validate on, 40 held out; 3 s")


def test_options_left_out_are_those_of_the_run(run, grown):
    options = read_options(grown[0] / "config.toml")
    assert options.extend == str(run[0])
    assert (options.study.hidden, options.tol, options.study.growth) == (8, 1e-6, 2.0)


def test_what_is_asked_anew_takes_the_place_of_the_question(digits, run):
    found = sufficient.estimate(*digits, extend=run[1], tol=0.5)
    assert found.options.tol == 0.5
    assert found.verdict == "sufficient"
    assert len(found.curve) == len(run[1].curve), "it was certain already: nothing is trained"
    assert found.options.extend == "an Estimate"


def test_the_extended_run_reads_back_and_its_result_is_of_the_schema(grown):
    result = json.loads((grown[0] / "result.json").read_text())
    jsonschema.validate(result, schema("result"))
    loaded = sufficient.load(grown[0])
    assert [point.k for point in loaded.curve] == [point.k for point in grown[1].curve]
    assert loaded.answer.curve == grown[1].answer.curve


def test_the_same_data_in_another_order_gives_the_same_stored_shares(digits, run, grown):
    images, labels = digits
    again = sufficient.estimate(images, labels, extend=run[0])
    record, other = again.record, grown[1].record
    for r in range(3):
        for share in ("held_out_objects", "validation_objects"):
            before = len(getattr(run[1].record.shares, share)(r))
            a, b = (x.identities[getattr(x.shares, share)(r)[:before]] for x in (record, other))
            np.testing.assert_array_equal(a, b)


def test_it_is_deterministic_and_resumes(digits, run, grown, tmp_path):
    images, labels = digits
    order = np.r_[BEFORE:ALL, :BEFORE]
    x, y, out = images[order], labels[order], tmp_path / "again"
    part = sufficient.estimate(x, y, extend=run[0], out=out, time_limit=1e-9)
    assert len(part.curve) == 3, "nothing was begun within the limit"
    assert part.answer.reasons[0].code == "STOPPED-EARLY"
    whole = sufficient.estimate(x, y, extend=run[0], out=out, resume=True)
    assert whole.resumed
    assert whole.answer.curve == grown[1].answer.curve


def test_a_run_killed_while_its_stages_were_copied_is_begun_again(digits, run, grown, tmp_path):
    images, labels = digits
    order = np.r_[BEFORE:ALL, :BEFORE]
    out = tmp_path / "killed"
    sufficient.estimate(images[order], labels[order], extend=run[0], out=out, time_limit=1e-9)
    (out / "record" / "stage-0000064.safetensors").unlink()
    assert read_record(out / "record").stages == ()
    whole = sufficient.estimate(images[order], labels[order], extend=run[0], out=out, resume=True)
    assert whole.answer.curve == grown[1].answer.curve


def test_extending_twice(digits, run, tmp_path):
    images, labels = digits
    once = sufficient.estimate(images[:400], labels[:400], extend=run[0], out=tmp_path / "once")
    twice = sufficient.estimate(images, labels, extend=tmp_path / "once", out=tmp_path / "twice")
    assert [point.k for point in once.curve] == [64, 128, 180, 216, 240]
    assert [point.k for point in twice.curve] == [64, 128, 180, 216, 240, 270, 300]
    same_stages(once, twice)
    assert twice.record.shares.used == ALL
    assert len(sufficient.load(tmp_path / "twice").record.shares.rounds) == 3


class TestRefusals:
    def test_other_options(self, digits, run):
        with pytest.raises(CannotExtendError, match="--hidden was 8 and is 16"):
            sufficient.estimate(*digits, extend=run[0], hidden=16)

    def test_gone(self, digits, run):
        images, labels = digits
        with pytest.raises(CannotExtendError, match="1 of the 300"):
            sufficient.estimate(images[1:], labels[1:], extend=run[0])

    def test_relabelled(self, digits, run):
        images, labels = digits
        labels = labels.copy()
        labels[5] = (labels[5] + 1) % 10
        with pytest.raises(CannotExtendError, match="1 of them relabelled"):
            sufficient.estimate(images, labels, extend=run[0])

    def test_a_new_class(self, digits, run):
        images, labels = digits
        labels = labels.copy()
        labels[-20:] = 10
        with pytest.raises(CannotExtendError, match="'10'"):
            sufficient.estimate(images, labels, extend=run[0])

    def test_images_of_another_size(self, digits, run):
        images, labels = digits
        with pytest.raises(CannotExtendError, match="300 of the 300 objects of the run are gone"):
            sufficient.estimate(images.repeat(2, axis=1), labels, extend=run[0])

    def test_no_run(self, digits, tmp_path):
        with pytest.raises(sufficient.DataError, match=r"no finished stage.*estimate --out"):
            sufficient.estimate(*digits, extend=tmp_path)

    def test_a_run_of_an_older_version(self, digits, run):
        from dataclasses import replace

        older = replace(run[1], record=replace(run[1].record, identities=None))
        with pytest.raises(CannotExtendError, match="older version"):
            sufficient.estimate(*digits, extend=older)


def test_features_keep_their_scale(digits):
    images, labels = digits
    x = images.reshape(ALL, -1).astype(np.float32)
    x[:, 0] = np.linspace(-1e4, 1e4, ALL)
    before = sufficient.estimate(x[:BEFORE], labels[:BEFORE], **SMALL)
    assert before.record.features["scale"] == "standard"
    now = sufficient.estimate(x, labels, extend=before)
    same_stages(before, now)
    assert now.record.features["reason"] == before.record.features["reason"]


def test_a_new_image_of_two_labels_is_skipped_and_counted(digits, run):
    images, labels = digits
    x, y = np.concatenate([images, images[:1]]), np.concatenate([labels, (labels[:1] + 1) % 10])
    now = sufficient.estimate(x, y, extend=run[1], time_limit=1e-9)
    data = now.record.data
    assert data["found"] == ALL + 1
    assert data["used"] == ALL == now.record.shares.used
    assert data["skipped"] == {"conflicting-copy": 1}


def write(folder, images, labels, places):
    for i in places:
        path = Path(folder) / str(labels[i]) / f"{(i * 7919) % 10007:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[i]).save(path)


def means(images):
    """A model: 16 numbers of each image."""
    rows = [
        np.asarray(image.convert("L"), np.float32).reshape(4, 2, 4, 2).mean(axis=(1, 3)) for image in images
    ]
    return np.stack(rows).reshape(len(images), -1) / 128 - 1


@pytest.fixture
def cached(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SUFFICIENT_CACHE", str(tmp_path / "cache"))


def test_pixels_that_would_be_others_are_refused(digits, tmp_path):
    """A grey folder to which a coloured image comes: all would become RGB."""
    images, labels = digits
    write(tmp_path / "data", images, labels, range(BEFORE))
    before = sufficient.estimate(tmp_path / "data", **SMALL, max_samples=64)
    Image.fromarray(np.dstack([images[0], images[1], images[2]])).save(tmp_path / "data" / "0" / "new.png")
    with pytest.raises(CannotExtendError, match="features are now pixels 8×8 RGB"):
        sufficient.estimate(tmp_path / "data", extend=before)


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize("all_features", [False, True])
def test_files_and_a_model(digits, tmp_path, all_features):
    """Sizes that grow by what is read, and all made first: files sort in between, one is a copy."""
    images, labels = digits
    write(tmp_path / "data", images, labels, range(BEFORE))
    options = {**SMALL, "features": means, "all_features": all_features}
    before = sufficient.estimate(tmp_path / "data", out=tmp_path / "run", **options)
    write(tmp_path / "data", images, labels, range(BEFORE, ALL))
    first = sorted((tmp_path / "data" / "3").iterdir())[0]
    (tmp_path / "data" / "3" / "00000-copy.png").write_bytes(first.read_bytes())
    now = sufficient.estimate(tmp_path / "data", extend=tmp_path / "run", features=means)
    same_stages(before, now)
    assert len(now.curve) > len(before.curve)
    record = now.record
    shares = record.shares
    assert isinstance(shares, CommonShares) is not all_features
    assert shares.used == len(record.labels) == ALL == record.data["used"]
    assert record.data["found"] == ALL + 1
    assert record.data["skipped"] == {"duplicate": 1}
    if all_features:
        return
    old = before.record
    for stage in old.stages:
        for r in range(3):
            a = old.identities[old.shares.fitted(r, stage.size)]
            np.testing.assert_array_equal(record.identities[shares.fitted(r, stage.size)], a)
    held = old.shares.held_out
    np.testing.assert_array_equal(record.identities[:held], old.identities[:held])


@pytest.mark.usefixtures("cached")
def test_images_that_were_not_read_count_as_new(digits, tmp_path):
    images, labels = digits
    write(tmp_path / "data", images, labels, range(400))
    before = sufficient.estimate(
        tmp_path / "data", features=means, **{**SMALL, "tol": 0.5, "growth": 1.2, "start": 32}
    )
    assert before.verdict == "sufficient"
    assert before.record.shares.not_read > 0
    write(tmp_path / "data", images, labels, range(400, ALL))
    now = sufficient.estimate(tmp_path / "data", extend=before, features=means, tol=1e-6)
    same_stages(before, now)
    shares = now.record.shares
    assert shares.not_read == 0
    assert now.curve[-1].k == shares.k_available
    assert shares.used == ALL


@pytest.mark.usefixtures("cached")
def test_a_stored_file_that_was_touched_is_named(digits, tmp_path):
    images, labels = digits
    write(tmp_path / "data", images, labels, range(BEFORE))
    before = sufficient.estimate(tmp_path / "data", features=means, **{**SMALL, "max_samples": 64})
    write(tmp_path / "data", images, labels, [0])
    with pytest.raises(CannotExtendError, match="1 of the 300"):
        sufficient.estimate(tmp_path / "data", extend=before, features=means)
