"""`--log`: TensorBoard for real, MLflow and Weights & Biases through fakes of their public functions."""

import builtins
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import sufficient
from sufficient.errors import UsageError
from sufficient.log import Logged, logged, stage_numbers
from sufficient.progress import SilentProgress
from sufficient.report.text import headline
from tests.oracles import blobs
from tests.report.estimates import estimate, hollow_start

STAGE = {"difference", "lo", "hi", "C", "accuracy", "unseen_loss", "learned"}


@pytest.fixture(scope="module")
def told():
    return estimate(hollow_start(), spec="<b>digits</b>")


class Listener(SilentProgress):
    def __init__(self):
        self.heard = []

    def __getattribute__(self, name):
        if name in vars(SilentProgress) and not name.startswith("_"):
            return lambda *given: self.heard.append((name, *given))
        return super().__getattribute__(name)


class MLflow:
    """The public functions of `mlflow` that are used; a run is a dict."""

    def __init__(self, active=False):
        self.run = {"name": "the user's"} if active else None
        self.metrics, self.params, self.tags, self.ended = [], {}, {}, None

    def active_run(self):
        return self.run

    def start_run(self, run_name=None):
        assert self.run is None
        self.run = {"name": run_name}

    def log_metric(self, key, value, step=None):
        assert self.run is not None
        self.metrics.append((key, value, step))

    def log_params(self, params):
        self.params.update(params)

    def set_tag(self, key, value):
        self.tags[key] = value

    def end_run(self, status="FINISHED"):
        self.run, self.ended = None, status


class Wandb:
    """The public functions of `wandb` that are used."""

    def __init__(self, active=False):
        self.run = SimpleNamespace(summary={}) if active else None
        self.made, self.rows, self.metrics, self.finished = None, [], {}, None
        self.config = SimpleNamespace(update=self._update)
        self.configured = {}

    def _update(self, values, allow_val_change=None):
        self.configured.update(values)

    def init(self, project=None, name=None, dir=None):
        self.made = (project, name, dir)
        self.run = self.kept = SimpleNamespace(summary={})

    def define_metric(self, name, step_metric=None):
        self.metrics[name] = step_metric

    def log(self, data):
        assert self.run is not None
        self.rows.append(data)

    def finish(self, exit_code=None):
        self.run, self.finished = None, exit_code


def study(listener, told, *, earlier=0):
    """Say what a study says."""
    listener.opened(Path("run"))
    listener.data_progress(1, 2)
    listener.model_loading("vit")
    listener.features_progress(1, 2, 3.0)
    listener.resumed(told.curve[:earlier])
    for i, point in enumerate(told.curve[earlier:], start=earlier):
        listener.stage_started(point.k, i, [p.k for p in told.curve])
        listener.updates(20, 8)
        listener.stage_done(point, 0.5 + i)
    return listener.ended(told)


def events(directory):
    """Return tag → [(k, value)] and tag → text of TensorBoard's files."""
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    read = reading.EventAccumulator(str(directory))
    read.Reload()
    tags = read.Tags()
    texts = {tag: read.Tensors(tag)[-1].tensor_proto.string_val[0].decode() for tag in tags["tensors"]}
    return {tag: [(e.step, e.value) for e in read.Scalars(tag)] for tag in tags["scalars"]}, texts


def test_tensorboard_holds_every_stage_the_verdict_and_the_options(told, tmp_path):
    pytest.importorskip("tensorboard")
    with logged("tensorboard", SilentProgress(), out=tmp_path) as listener:
        assert not (tmp_path / "log").exists()  # the run's own directory is refused unless empty
        assert study(listener, told) is told
    scalars, texts = events(tmp_path / "log")
    assert set(scalars) == {f"sufficient/{name}" for name in STAGE | {"seconds"}}
    for name, get in {
        "difference": lambda p: p.difference, "lo": lambda p: p.lo, "hi": lambda p: p.hi,
        "C": lambda p: p.constant, "accuracy": lambda p: p.accuracy, "unseen_loss": lambda p: p.unseen_loss,
        "learned": lambda p: p.learned,
    }.items():  # fmt: skip
        found = scalars[f"sufficient/{name}"]
        assert [k for k, _ in found] == [p.k for p in told.curve]
        assert [value for _, value in found] == pytest.approx([float(get(p)) for p in told.curve], rel=1e-6)
    assert {value for _, value in scalars["sufficient/learned"]} == {0.0, 1.0}
    assert scalars["sufficient/seconds"][1] == (told.curve[1].k, 1.5)
    assert texts["sufficient/verdict/text_summary"] == headline(told.answer)
    options = texts["sufficient/options/text_summary"]
    assert all(line.startswith("    ") for line in options.splitlines())  # a code block: no markup is read
    assert json.loads(options) == json.loads(json.dumps(told.options.resolved()))


def test_tensorboard_keeps_the_stages_of_a_killed_run(told, tmp_path):
    pytest.importorskip("tensorboard")

    def killed():
        with logged("tensorboard", SilentProgress(), out=tmp_path) as listener:
            listener.resumed(told.curve[:2])
            listener.stage_done(told.curve[2], 1.0)
            assert len(events(tmp_path / "log")[0]["sufficient/C"]) == 3  # on disk before the study ends
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    scalars, texts = events(tmp_path / "log")
    assert [k for k, _ in scalars["sufficient/C"]] == [p.k for p in told.curve[:3]]
    assert texts == {}


def test_mlflow_gets_a_run_of_its_own(told, tmp_path, monkeypatch):
    mlflow = MLflow()
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    with logged("mlflow", SilentProgress(), out=tmp_path / "run7") as listener:
        listener.resumed(told.curve[:3])
        assert mlflow.run == {"name": "run7"}
        for point in told.curve[3:]:
            listener.stage_done(point, 0.5)
        listener.ended(told)
    assert mlflow.ended == "FINISHED"
    steps = [step for key, _, step in mlflow.metrics if key == "sufficient/difference"]
    assert steps == [p.k for p in told.curve]
    assert len([key for key, _, _ in mlflow.metrics if key == "sufficient/seconds"]) == len(told.curve) - 3
    assert mlflow.tags == {"sufficient/verdict": headline(told.answer)}
    assert mlflow.params["sufficient/replicates"] == 8
    assert len(mlflow.params) == len(told.options.resolved())


def test_a_run_of_the_user_s_is_used_and_left_open(told, monkeypatch):
    mlflow, wandb = MLflow(active=True), Wandb(active=True)
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    for name in ("mlflow", "wandb"):
        with logged(name, SilentProgress(), out=None) as listener:
            study(listener, told)
    assert mlflow.run == {"name": "the user's"}
    assert mlflow.ended is None
    assert mlflow.metrics
    assert wandb.made is None
    assert wandb.finished is None
    assert wandb.run.summary == {"sufficient/verdict": headline(told.answer)}


def test_wandb_gets_a_row_a_stage_over_k(told, tmp_path, monkeypatch):
    wandb = Wandb()
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    with logged("wandb", SilentProgress(), out=tmp_path / "run7") as listener:
        study(listener, told)
    assert wandb.made == ("sufficient", "run7", str(tmp_path / "run7"))
    assert wandb.metrics == {"sufficient/k": None, "sufficient/*": "sufficient/k"}
    assert [row["sufficient/k"] for row in wandb.rows] == [p.k for p in told.curve]
    assert {name.removeprefix("sufficient/") for name in wandb.rows[0]} == STAGE | {"k", "seconds"}
    assert wandb.kept.summary == {"sufficient/verdict": headline(told.answer)}
    assert wandb.configured == {"sufficient": told.options.resolved()}
    assert wandb.finished == 0


def test_a_failed_study_is_marked_so(monkeypatch):
    mlflow, wandb = MLflow(), Wandb()
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    monkeypatch.setitem(sys.modules, "wandb", wandb)

    def failing(name):
        with logged(name, SilentProgress(), out=None) as listener:
            listener.resumed([])
            raise UsageError("no")

    for name in ("mlflow", "wandb"):
        with pytest.raises(UsageError, match="no"):
            failing(name)
    assert mlflow.ended == "FAILED"
    assert wandb.finished == 1
    refused = MLflow()
    monkeypatch.setitem(sys.modules, "mlflow", refused)
    with pytest.raises(UsageError), logged("mlflow", SilentProgress(), out=None):
        raise UsageError("before the study began")
    assert refused.ended is None


def test_a_tracker_that_fails_ends_the_log_and_not_the_study(told, monkeypatch):
    mlflow = MLflow()
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    calls = []

    def away(key, value, step=None):
        calls.append(step)
        if step == told.curve[2].k:
            raise ConnectionError("the server is away.\nAsk again.")

    monkeypatch.setattr(mlflow, "log_metric", away)
    with logged("mlflow", SilentProgress(), out=None) as listener:
        found = study(listener, told)
    assert found.record is told.record
    assert found.answer.warnings[:-1] == told.answer.warnings
    stopped = found.answer.warnings[-1]
    assert stopped.code == "LOG-STOPPED"
    assert stopped.message == "the log ended before the study did: the server is away."
    assert max(calls) == told.curve[2].k
    assert mlflow.params == {}
    assert mlflow.ended == "FINISHED"


def test_a_log_that_stopped_is_a_warning_of_the_result(tmp_path, monkeypatch):
    mlflow = MLflow()
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    monkeypatch.setattr(mlflow, "end_run", lambda status: 1 / 0)
    values, labels = blobs(300)
    found = sufficient.estimate(
        values, labels, tol=1, log="mlflow", out=tmp_path / "run", replicates=3, hidden=8, device="cpu"
    )
    assert mlflow.tags == {"sufficient/verdict": headline(found.answer)}
    written = json.loads((tmp_path / "run" / "result.json").read_text())
    (stopped,) = [each for each in written["warnings"] if each["code"] == "LOG-STOPPED"]
    assert stopped["message"].endswith(": division by zero.")
    assert found.to_dict()["warnings"] == written["warnings"]


@pytest.mark.parametrize("log", [None, "mlflow"])
def test_the_other_listener_hears_everything(told, log, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", MLflow())
    directly, between = Listener(), Listener()
    with logged(log, between, out=None) as listener:
        study(listener, told, earlier=1)
    through = Logged(directly, None)
    study(through, told, earlier=1)
    assert between.heard == directly.heard
    kinds = {name for name, *_ in between.heard}
    assert kinds == {name for name in vars(SilentProgress) if not name.startswith("_")}


@pytest.mark.parametrize("log", ["tensorboard", "mlflow", "wandb"])
def test_a_missing_package_is_named_with_the_line_that_installs_it(log, monkeypatch, tmp_path):
    real = builtins.__import__

    def refused(name, *given, **more):
        if name.partition(".")[0] in {"tensorboard", "mlflow", "wandb"}:
            raise ModuleNotFoundError(f"No module named '{name}'")
        return real(name, *given, **more)

    for name in [n for n in sys.modules if n.startswith(("torch.utils.tensorboard", "tensorboard"))]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("mlflow", "wandb", "tensorboard"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(builtins, "__import__", refused)
    with pytest.raises(UsageError, match=f"pip install {log}$"), logged(log, SilentProgress(), out=tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(UsageError, match="--log csv is unknown; give tensorboard, mlflow, wandb"):
        logged("csv", SilentProgress(), out=None).__enter__()
    with pytest.raises(UsageError, match="give --out DIR"):
        logged("tensorboard", SilentProgress(), out=None).__enter__()


def test_what_was_not_measured_is_left_out():
    from tests.report.answers import dead

    assert stage_numbers(dead(64)) == {"learned": 0.0}
