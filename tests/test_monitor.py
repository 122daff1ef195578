"""`SampleSizeMonitor`: data in batches, scored before they are added."""

import jsonschema
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import sufficient
from sufficient import SampleSizeMonitor
from sufficient.prequential import Prequential
from sufficient.report.export import schema

SMALL = {
    "hidden": 8, "layers": 2, "replicates": 3, "start": 32, "growth": 2.0, "patience": 2, "lr": 1e-2,
    "device": "cpu", "max_updates": 200,
}  # fmt: skip


@pytest.fixture(scope="module")
def digits():
    images, labels = load_digits(return_X_y=True)
    return (images.reshape(-1, 8, 8) * 15).astype(np.uint8), labels


@pytest.fixture(scope="module")
def fed(digits):
    """A monitor after batches of 20, 180, 15 and 185 objects, with the answers."""
    images, labels = digits
    monitor = SampleSizeMonitor(tol=1e-6, **SMALL)
    answers, first = [], 0
    for count in (20, 180, 15, 185):
        answers.append(monitor.update(images[first : first + count], labels[first : first + count]))
        first += count
    return monitor, answers


def test_too_few_objects_are_inconclusive_and_say_how_many_are_needed(fed):
    first = fed[1][0]
    assert isinstance(first, sufficient.Estimate)
    assert first.verdict == "inconclusive"
    assert [reason.code for reason in first.answer.reasons] == ["TOO-FEW-OBJECTS"]
    assert "At least 2 such classes are needed" in first.answer.reasons[0].message
    assert first.curve == ()
    assert str(first).startswith("Inconclusive")
    jsonschema.validate(first.to_dict(), schema("result"))


def test_each_check_extends_the_one_before(fed):
    _, second, third, fourth = fed[1]
    assert [point.k for point in second.curve] == [32, 64, 120]
    assert [point.k for point in third.curve] == [point.k for point in second.curve]
    assert [notice.code for notice in third.answer.warnings][-1] == "NOT-CHECKED-YET"
    assert "15 objects came" in third.answer.warnings[-1].message
    assert [point.k for point in fourth.curve] == [32, 64, 120, 216, 240]  # the last one confirmed
    for before, now in zip(second.record.stages, fourth.record.stages, strict=False):
        np.testing.assert_array_equal(before.unseen_losses, now.unseen_losses)
    assert fourth.record.shares.used == 400


def test_batches_are_scored_before_they_are_added(fed, digits):
    """Oracle: a matrix product by hand with the weights of the last stage."""
    images, labels = digits
    monitor, answers = fed
    assert [(batch.seen, batch.objects) for batch in monitor.prequential] == [(200, 15), (215, 185)]
    record = answers[1].record
    x = images[200:215].reshape(15, -1).astype(np.float64) / 127.5 - 1
    losses, right = [], []
    for r in range(3):
        hidden = np.maximum(x @ record.last.weights["weight.0"][r], 0)
        logits = torch.from_numpy(hidden @ record.last.weights["weight.1"][r])
        wanted = torch.from_numpy(labels[200:215].astype(np.int64))
        losses.append(torch.nn.functional.cross_entropy(logits, wanted).item())
        right.append((logits.argmax(dim=1) == wanted).double().mean().item())
    assert monitor.prequential[0].loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert monitor.prequential[0].accuracy == pytest.approx(np.mean(right))


def test_it_is_saved_and_goes_on_as_it_was(fed, digits, tmp_path):
    images, labels = digits
    monitor = fed[0]
    monitor.save(tmp_path / "state")
    monitor.save(tmp_path / "state")
    assert len(list((tmp_path / "state").iterdir())) == 3, "the earlier state is swept away"
    loaded = SampleSizeMonitor.load(tmp_path / "state")
    assert loaded.prequential == monitor.prequential
    assert (loaded.seen, loaded.kept) == (monitor.seen, monitor.kept) == (400, 400)
    one, other = (each.update(images[400:500], labels[400:500]) for each in (monitor, loaded))
    assert one.answer == other.answer
    assert monitor.prequential == loaded.prequential
    assert sufficient.load(tmp_path / "state" / "run-0001").record.shares.used == 400


def test_a_monitor_is_saved_before_its_first_check(digits, tmp_path):
    images, labels = digits
    SampleSizeMonitor(**SMALL).save(tmp_path / "empty")
    assert SampleSizeMonitor.load(tmp_path / "empty").seen == 0
    monitor = SampleSizeMonitor(tol=1e-3, **SMALL)
    monitor.update(images[:5], labels[:5])
    monitor.save(tmp_path / "few")
    assert SampleSizeMonitor.load(tmp_path / "few").kept == 5
    with pytest.raises(sufficient.DataError, match="holds no monitor"):
        SampleSizeMonitor.load(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").touch()
    with pytest.raises(sufficient.UsageError, match="not empty"):
        monitor.save(tmp_path / "other")


def test_a_check_is_announced_for_when_it_is_made(digits):
    images, labels = digits
    monitor = SampleSizeMonitor(tol=1e-6, max_objects=210, **SMALL)
    monitor.update(images[:200], labels[:200])
    early = monitor.update(images[200:205], labels[200:205])
    assert early.answer.warnings[-1].message.endswith("the next one is due at 210.")
    assert monitor.update(images[205:210], labels[205:210]).record.shares.used == 210


def test_beyond_max_objects_batches_are_scored_and_not_kept(digits):
    images, labels = digits
    monitor = SampleSizeMonitor(tol=1e-6, max_objects=210, **SMALL)
    monitor.update(images[:200], labels[:200])
    answer = monitor.update(images[200:300], labels[200:300])
    again = monitor.update(images[300:400], labels[300:400])
    assert (monitor.seen, monitor.kept) == (400, 210)
    assert [batch.objects for batch in monitor.prequential] == [100, 100]
    assert answer.record.shares.used == 210, "the last ones that are kept are checked, too"
    assert not [notice for notice in again.answer.warnings if notice.code == "NOT-CHECKED-YET"]
    assert answer.curve == again.curve
    message = next(notice.message for notice in again.answer.warnings if notice.code == "FULL")
    assert message.startswith("210 objects are kept (max_objects); 190 later ones")


def test_a_new_class_begins_the_study_anew(digits):
    images, labels = digits
    few = labels < 5
    monitor = SampleSizeMonitor(tol=1e-6, **SMALL)
    monitor.update(images[few][:200], labels[few][:200])
    answer = monitor.update(images[300:500], labels[300:500])
    assert len(answer.record.classes) == 10
    assert "BEGUN-ANEW" in [notice.code for notice in answer.answer.warnings]
    (scored,) = monitor.prequential
    last = np.flatnonzero(few)[199]
    new = few[max(last + 1, 300) : 500].sum()
    assert scored.objects == new, "copies of what was fitted, and classes without an output, are left out"


def test_features_are_standardised_as_the_study_does(digits):
    images, labels = digits
    x = images.reshape(len(images), -1).astype(np.float32)
    x[:, 0] += np.linspace(-1e4, 1e4, len(x))
    monitor = SampleSizeMonitor(tol=1e-6, **SMALL)
    first = monitor.update(x[:300], labels[:300])
    monitor.update(x[300:330], labels[300:330])
    record = first.record
    losses = []
    for r in range(3):
        seen = x[:300][record.shares.fitted(r, record.stages[-1].size)]
        spread = np.where(seen.std(axis=0) > 0, seen.std(axis=0), 1)
        hidden = np.maximum((x[300:330] - seen.mean(axis=0)) / spread @ record.last.weights["weight.0"][r], 0)
        logits = torch.from_numpy(hidden @ record.last.weights["weight.1"][r])
        losses.append(
            torch.nn.functional.cross_entropy(
                logits, torch.from_numpy(labels[300:330].astype(np.int64))
            ).item()
        )
    assert monitor.prequential[0].loss == pytest.approx(np.mean(losses), rel=1e-3)
    assert isinstance(monitor.prequential[0], Prequential)


def test_options_are_those_of_estimate_and_outlive_a_save(tmp_path):
    monitor = SampleSizeMonitor(
        targets="accuracy=0.5", drop="abc", root=tmp_path, quick=True, lr=np.float64(1e-2)
    )
    monitor.save(tmp_path / "state")
    for each in (monitor, SampleSizeMonitor.load(tmp_path / "state")):
        assert each._options.targets == ("accuracy=0.5",)
        assert (each._options.source.drop, each._options.source.root) == (("abc",), str(tmp_path))
        assert (each._options.study.replicates, each._options.study.lr) == (4, 1e-2)
    (tmp_path / "file").touch()
    with pytest.raises(sufficient.UsageError, match=r"directory .*file is a file, or lies below one"):
        monitor.save(tmp_path / "file")


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "match"),
        [
            ({"max_objects": 0}, "max_objects 0"),
            ({"recheck": -1.0}, "recheck -1"),
            ({"out": "x"}, "out does not go"),
            ({"hidden": 0}, "--hidden 0"),
            ({"tolerance": 1}, "no option tolerance"),
            ({"quick": True, "replicates": 6}, "--quick means --replicates 4"),
            ({"features": "google/vit-base-patch16-224"}, "make them yourself"),
        ],
    )
    def test_options(self, options, match):
        with pytest.raises(sufficient.UsageError, match=match):
            SampleSizeMonitor(**options)

    def test_batches(self, digits):
        images, labels = digits
        monitor = SampleSizeMonitor(tol=1e-3, **SMALL)
        monitor.update(images[:5], labels[:5])
        for x, y, match in (
            (images[:5], labels[:4], "5 objects but 4 labels"),
            (images[:5, :4], labels[:5], "one shape"),
            (images[:5], labels[:5].astype(str), "one kind"),
            (images[:0], labels[:0], "shape"),
            (np.zeros((5, 100, 100), np.uint8), labels[:5], "100 pixels"),
            (images[:5].astype(float), labels[:5], "uint8"),
        ):
            with pytest.raises(sufficient.SufficientError, match=match):
                monitor.update(x, y)
        assert (monitor.seen, monitor.kept) == (5, 5)
