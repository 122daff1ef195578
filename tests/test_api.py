import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import sufficient
from sufficient.report.export import schema
from sufficient.result import NotWrittenError
from sufficient.study.store import read_record
from tests.oracles import blobs

SMALL = {"hidden": 16, "replicates": 3, "start": 64, "patience": 3, "device": "cpu"}


@pytest.fixture(scope="module")
def digits():
    return sufficient.estimate("digits", tol=1e-3, **SMALL)


def steady(result):
    """What must not depend on the clock."""
    result = json.loads(json.dumps(result))
    for name in ("seconds", "resumed", "artifacts"):
        del result[name]
    del result["environment"]["clock"]
    return result


def test_digits_are_sufficient_for_a_thousandth_of_a_nat(digits):
    assert digits.verdict == "sufficient"
    lo, hi = digits.k_interval
    assert 64 < lo <= digits.k_sufficient <= hi < 1_238
    assert digits.answer.forecast is None
    assert [point.k for point in digits.curve] == sorted({point.k for point in digits.curve})
    assert digits.outlook.accuracy > 0.9
    assert digits.curve[-1].k < 1_238, "the study stops when the verdict is certain"


def test_the_result_is_strict_json_of_the_schema(digits):
    result = digits.to_dict()
    jsonschema.validate(result, schema("result"))
    json.dumps(result, allow_nan=False)
    data = result["data"]
    assert data["found"] == data["used"] + sum(data["skipped"].values()) == 1_797
    assert data["used"] == result["k_available"] + data["held_out"] + data["validation"]


def test_same_seed_same_result(digits):
    again = sufficient.estimate("digits", tol=1e-3, **SMALL)
    assert steady(again.to_dict()) == steady(digits.to_dict())
    other = sufficient.estimate("digits", tol=1e-3, **{**SMALL, "seed": 1})
    assert other.curve[0].difference != digits.curve[0].difference


def test_arrays_and_tensors_give_what_the_spec_gives(digits):
    images, labels = load_digits(return_X_y=True)
    values = (images / 8 - 1).astype(np.float32)
    for x, y in ((values, labels), (torch.from_numpy(values), torch.from_numpy(labels))):
        estimate = sufficient.estimate(x, y, tol=1e-3, scale="none", **SMALL)
        assert [point.constant for point in estimate.curve] == [point.constant for point in digits.curve]


def test_saved_and_loaded(digits, tmp_path):
    saved = digits.save(tmp_path / "run")
    loaded = sufficient.load(tmp_path / "run")
    assert steady(loaded.to_dict()) == steady(digits.to_dict())
    written = json.loads((tmp_path / "run" / "result.json").read_text())
    jsonschema.validate(written, schema("result"))
    assert written == saved.to_dict()
    for path in written["artifacts"].values():
        assert (tmp_path / "run" / path).exists(), path
    with pytest.raises(sufficient.UsageError, match="not empty"):
        digits.save(tmp_path / "run")


def test_another_tolerance_needs_no_training(digits, monkeypatch):
    monkeypatch.setattr("sufficient.heads.learner.fit", None)
    strict = digits.judged(tol=1e-5)
    assert strict.verdict == "inconclusive"
    assert strict.answer.reasons[0].code == "STOPPED-EARLY"
    assert digits.judged(tol=1e-3).answer == digits.answer


def test_plot_and_words(digits):
    axes = digits.plot()
    assert axes.get_xscale() == "log"
    assert str(digits).splitlines()[0] == (
        f"Sufficient: {digits.k_sufficient:,} objects are enough for a tolerance of 1e-3 nats; "
        "1,238 are available to fit."
    )


def test_without_training_data_beyond_the_rate_the_verdict_is_insufficient():
    values, labels = blobs(600, noise=2.0)
    estimate = sufficient.estimate(values, labels, tol=1e-5, **{**SMALL, "start": 32})
    assert estimate.verdict == "insufficient"
    assert estimate.k_sufficient is None
    assert [point.k for point in estimate.curve][-1] == estimate.answer.k_available
    forecast = estimate.answer.forecast
    assert (forecast.k_needed, forecast.extrapolation) == (None, "beyond-10x")
    assert forecast.probability_beyond_10x > 0.99


@pytest.mark.parametrize("seed", [0, 1])
def test_random_labels_are_never_sufficient(seed):
    values, labels = blobs(900, classes=4)
    np.random.default_rng(seed).shuffle(labels)
    for tol in (1e-1, 1e-3):
        estimate = sufficient.estimate(values, labels, tol=tol, seed=seed, **SMALL)
        assert estimate.verdict == "inconclusive"
        assert estimate.answer.reasons[0].code == "NOTHING-LEARNED"


def test_dead_networks_are_inconclusive():
    values, labels = blobs(400)
    estimate = sufficient.estimate(np.zeros_like(values), labels, tol=1e-3, **SMALL)
    assert estimate.verdict == "inconclusive"
    assert estimate.answer.reasons[0].code == "DEAD-NETWORKS"
    result = estimate.to_dict()
    jsonschema.validate(result, schema("result"))
    assert result["curve"][0]["difference"] is None


def test_columns_of_very_different_scale_are_standardised_and_that_helps():
    values, labels = blobs(900, noise=0.8)
    values *= np.float32([1, 1e3, 1, 1e-2, 1])
    scaled = sufficient.estimate(values, labels, tol=1e-2, **SMALL)
    raw = sufficient.estimate(values, labels, tol=1e-2, scale="none", **SMALL)
    assert scaled.record.features["scale"] == "standard"
    assert "differ" in scaled.record.features["reason"]
    assert scaled.curve[-1].unseen_loss < raw.curve[-1].unseen_loss


def test_a_time_limit_and_a_largest_size_stop_the_study_early():
    values, labels = blobs(900, noise=2.0)
    limited = sufficient.estimate(values, labels, tol=1e-6, time_limit=1e-3, **SMALL)
    assert len(limited.curve) == 1
    capped = sufficient.estimate(values, labels, tol=1e-6, max_samples=128, **SMALL)
    assert capped.curve[-1].k == 128
    assert capped.answer.reasons[0].code == "STOPPED-EARLY"
    assert capped.answer.k_available > 128


def test_quick_means_four_replicates():
    values, labels = blobs(300)
    study = {name: value for name, value in SMALL.items() if name != "replicates"}
    assert sufficient.estimate(values, labels, tol=1, quick=True, **study).record.shares.replicates == 4


def test_quick_and_replicates_contradict_each_other():
    with pytest.raises(sufficient.UsageError, match="--quick"):
        sufficient.estimate("digits", quick=True, replicates=8)


def test_numbers_of_numpy_are_options_too(tmp_path):
    values, labels = blobs(300)
    study = {**SMALL, "start": np.int64(64), "lr": np.float64(1e-3)}
    assert sufficient.estimate(values, labels, tol=np.float32(0.5), out=tmp_path / "run", **study).verdict


def test_a_solved_data_set_is_sufficient():
    labels = np.arange(600) % 3
    values = 1e4 * np.eye(3, dtype=np.float32)[labels]
    estimate = sufficient.estimate(values, labels, scale="none", **{**SMALL, "layers": 1})
    assert estimate.verdict == "sufficient"
    assert estimate.curve[-1].difference == estimate.curve[-1].hi == 0


def test_resuming_on_another_machine_is_told(tmp_path, monkeypatch):
    study = {**SMALL, "max_samples": 100, "out": tmp_path / "run"}
    first = sufficient.estimate("digits", tol=1e-3, **study)
    assert first.answer.reasons[0].code == "STOPPED-EARLY"
    monkeypatch.setattr("sufficient.environment.platform.machine", lambda: "abacus")
    again = sufficient.estimate(
        "digits", tol=1e-3, max_samples=100, out=tmp_path / "run", resume=True, **SMALL
    )
    (notice,) = [w for w in again.answer.warnings if w.code == "RESUMED-ELSEWHERE"]
    assert "abacus now" in notice.message


def test_unknown_options_are_named():
    with pytest.raises(sufficient.UsageError, match="epochs"):
        sufficient.estimate("digits", epochs=3)


@pytest.mark.parametrize("tol", [0, -1e-4, float("nan"), float("inf")])
def test_tolerances_that_cannot_be_met(tol):
    with pytest.raises(sufficient.UsageError, match="--tol"):
        sufficient.estimate("digits", tol=tol)


class TestRunDirectory:
    def run(self, out, **options):
        return sufficient.estimate("digits", tol=1e-3, out=out, **{**SMALL, **options})

    def test_a_run_is_not_overwritten(self, tmp_path):
        (tmp_path / "mine.txt").write_text("keep")
        with pytest.raises(sufficient.UsageError, match="not empty"):
            self.run(tmp_path)
        with pytest.raises(sufficient.UsageError, match="holds no run"):
            self.run(tmp_path, resume=True)
        assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

    def test_resume_starts_afresh_where_nothing_was_written(self, tmp_path):
        assert not self.run(tmp_path / "new", resume=True).resumed

    @pytest.mark.parametrize("stages", [0, 1, 3])
    def test_a_killed_run_ends_with_the_same_numbers(self, digits, tmp_path, monkeypatch, stages):
        from sufficient import api

        class KilledError(BaseException):
            pass

        def dying(directory, record, written=api.append_stage):
            if len(record.stages) > stages:
                raise KilledError
            written(directory, record)

        with monkeypatch.context() as patch:
            patch.setattr(api, "append_stage", dying)
            with pytest.raises(KilledError):
                self.run(tmp_path / "run")
        assert len(read_record(tmp_path / "run" / "record").stages) == stages
        resumed = self.run(tmp_path / "run", resume=True)
        assert resumed.resumed == (stages > 0)
        assert steady(resumed.to_dict()) == steady(digits.to_dict())

    def test_a_finished_run_resumes_to_the_same_bytes(self, tmp_path):
        first = self.run(tmp_path / "run")
        files = [
            "curve.csv",
            "figures/curve.svg",
            "figures/curve.png",
            "figures/paper_view.svg",
            "figures/per_class.svg",
            "config.toml",
        ]
        before = {name: (tmp_path / "run" / name).read_bytes() for name in files}
        again = self.run(tmp_path / "run", resume=True)
        assert steady(again.to_dict()) == steady(first.to_dict())
        assert {name: (tmp_path / "run" / name).read_bytes() for name in files} == before

    def test_resume_refuses_other_options_naming_them(self, tmp_path):
        self.run(tmp_path / "run")
        with pytest.raises(sufficient.UsageError, match="--hidden was 16 and is 32"):
            self.run(tmp_path / "run", resume=True, hidden=32)

    def test_resume_refuses_other_data(self, tmp_path):
        values, labels = blobs(300)
        sufficient.estimate(values, labels, tol=1, out=tmp_path / "run", **SMALL)
        with pytest.raises(sufficient.UsageError, match="fingerprint"):
            sufficient.estimate(values + 1, labels, tol=1, out=tmp_path / "run", resume=True, **SMALL)

    def test_two_processes_on_one_directory(self, tmp_path):
        from sufficient.run_directory import locked

        with locked(tmp_path), pytest.raises(sufficient.ResourceError, match="another process"):
            self.run(tmp_path, resume=True)

    def test_a_full_disk_is_exit_4_and_what_was_written_stays(self, digits, tmp_path, monkeypatch):
        import os

        real, writes = os.fsync, 0

        def full(handle):
            nonlocal writes
            writes += 1
            if writes == 9:
                raise OSError(28, "No space left on device")
            real(handle)

        with monkeypatch.context() as patch:
            patch.setattr("sufficient.files.os.fsync", full)
            with pytest.raises(sufficient.ResourceError, match="No space left on device"):
                self.run(tmp_path / "run")
        assert not list((tmp_path / "run").rglob("*.part"))
        assert len(read_record(tmp_path / "run" / "record").stages) == 2
        assert steady(self.run(tmp_path / "run", resume=True).to_dict()) == steady(digits.to_dict())

    def test_loading_what_is_no_run(self, tmp_path):
        with pytest.raises(sufficient.DataError, match="no finished stage"):
            sufficient.load(tmp_path)

    def test_skipped_objects_come_back(self, tmp_path):
        images = np.zeros((60, 4, 4), np.uint8)
        images[:, 0, 0] = np.arange(60)
        images[7] = images[5]  # same label: skipped
        estimate = sufficient.estimate(
            images, np.arange(60) % 2, tol=1, out=tmp_path / "run", **{**SMALL, "start": 8}
        )
        assert [(item.name, item.reason) for item in estimate.skipped] == [("row 7", "duplicate")]
        assert sufficient.load(tmp_path / "run").skipped == estimate.skipped


def test_importing_loads_no_torch():
    code = (
        "import sys, sufficient; sufficient.estimate; assert 'torch' not in sys.modules;"
        "sufficient.estimate('digits', quick=True, max_samples=64); assert 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)


def test_unknown_public_names_are_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing"):
        _ = sufficient.nothing


def test_options_survive_their_file(tmp_path):
    from sufficient.options import RunOptions, SourceOptions, differences, read_options
    from sufficient.study.options import StudyOptions

    options = RunOptions(data='a "quoted" path', tol=3e-5, study=StudyOptions(max_updates=7, growth=1.5))
    (tmp_path / "config.toml").write_text(options.to_toml())
    assert read_options(tmp_path / "config.toml") == options
    assert differences(tmp_path / "config.toml", replace(options, time_limit=5.0)) == []
    other = replace(options, source=SourceOptions(size=8))
    assert differences(tmp_path / "config.toml", other) == ["--size was not set and is 8"]


def test_a_disk_too_full_for_figures_still_gives_the_answer(tmp_path, monkeypatch):
    def full(*given, **named):
        raise sufficient.ResourceError("No space left on device")

    monkeypatch.setattr("sufficient.report.figures.draw_all", full)
    with pytest.raises(NotWrittenError) as caught:
        sufficient.estimate("digits", tol=1e-3, out=tmp_path / "run", **SMALL)
    assert caught.value.estimate.verdict == "sufficient"
    written = json.loads((tmp_path / "run" / "result.json").read_text())
    assert written["verdict"] == "sufficient"
    assert all((tmp_path / "run" / path).exists() for path in written["artifacts"].values())


def test_dark_images_are_told(digits):
    images, labels = load_digits(return_X_y=True)
    dark = sufficient.estimate(images.reshape(-1, 8, 8).astype(np.uint8), labels, tol=1, **SMALL)
    assert [w.code for w in dark.answer.warnings if w.code == "LOW-CONTRAST"]
    assert "LOW-CONTRAST" not in [w.code for w in digits.answer.warnings]
    assert "from 0 to 16" in digits.record.features["reason"]


def test_repr_is_short(digits):
    assert len(repr(digits)) < 120
    assert "sufficient" in repr(digits)
