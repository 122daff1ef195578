import json
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from sufficient.errors import DataError, UsageError
from sufficient.paper.plan import PaperOptions
from sufficient.paper.run import reproduce, require_complete
from sufficient.paper.store import read_sweep, sweep_path, write_sweep


def contents(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def pictures(path):
    np.savez(path, images=np.arange(32, dtype=np.uint8).reshape(8, 2, 2), labels=[0, 1] * 4)
    return path


class Listener:
    def __init__(self):
        self.said = []

    def sweep_started(self, name, position, planned):
        self.said.append(("started", name, position, planned))

    def preparing(self, done, total):
        pass

    def updates(self, done, total):
        self.said.append(("updates", done, total))

    def sweep_done(self, report):
        self.said.append(("done", report.saved.sweep.name, report.reused))

    def sweep_failed(self, item):
        self.said.append(("failed", item.what))


def go(out, *, resume=False, listener=None, **options):
    options = {"datasets": ("mine",), "data": ("mine=digits",), "seeds": 2, "device": "cpu"} | options
    return reproduce(PaperOptions(**options), out, resume=resume, progress=listener or Listener())


def test_a_run_writes_its_sweeps_and_what_follows(tmp_path, trainer):
    listener = Listener()
    report = go(tmp_path / "run", listener=listener)
    ((name, values, labels, white, source, classes),) = trainer.calls
    assert (name, values.shape, white, classes) == ("mine-pixels", (1797, 64), 16, 10)
    assert len(labels) == 1797
    assert source == "all 1,797 objects of digits: pixels 8×8 grey in [−1, 1]"
    assert listener.said == [
        ("started", "mine", 0, 1),
        ("updates", 1, 2),
        ("updates", 2, 2),
        ("done", "mine-pixels", False),
    ]
    run = tmp_path / "run"
    assert sorted(path.name for path in run.iterdir()) == [
        *(
            "config.toml",
            "environment.json",
            "figures",
            "report.html",
            "report.json",
            "report.md",
            "sweep.csv",
            "sweeps",
        ),
    ]
    assert json.loads((run / "report.json").read_text()) == json.loads(json.dumps(report.to_dict()))
    assert len(list((run / "figures").iterdir())) == 6
    for place in report.artifacts.values():
        assert (run / place).exists()
    config = tomllib.loads((run / "config.toml").read_text())
    assert (config["command"], config["seeds"], config["data"]) == ("paper", 2, ["mine=digits"])
    require_complete(report, run)


def test_resume_trains_nothing_twice_and_ends_with_the_same_files(tmp_path, trainer):
    go(tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*.[ps][nv]g")}
    listener = Listener()
    report = go(tmp_path / "run", resume=True, listener=listener)
    assert len(trainer.calls) == 1
    assert listener.said[-1] == ("done", "mine-pixels", True)
    assert report.sweeps[0].reused
    assert before == {path: path.read_bytes() for path in (tmp_path / "run").rglob("*.[ps][nv]g")}


def test_a_later_sitting_adds_sweeps_and_keeps_the_earlier_ones(tmp_path, trainer):
    go(tmp_path / "run")
    report = go(tmp_path / "run", resume=True, datasets=("other",), data=("other=digits",))
    assert [call[0] for call in trainer.calls] == ["mine-pixels", "other-pixels"]
    assert [sweep.saved.sweep.name for sweep in report.sweeps] == ["mine-pixels", "other-pixels"]
    rows = (tmp_path / "run" / "sweep.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * 2 * 25


def test_other_seeds_or_objects_are_refused(tmp_path, trainer):
    go(tmp_path / "run")
    with pytest.raises(UsageError, match="--seeds was 2 and is 3"):
        go(tmp_path / "run", resume=True, seeds=3)
    np.savez(tmp_path / "x.npz", images=np.zeros((8, 2, 2), np.uint8), labels=[0, 1] * 4)
    with pytest.raises(UsageError, match="its objects were"):
        go(tmp_path / "run", resume=True, data=(f"mine={tmp_path / 'x.npz'}",))
    assert len(trainer.calls) == 1


def test_a_refused_resume_trains_and_writes_nothing(tmp_path, trainer):
    run = tmp_path / "run"
    go(run, figures=(4,), datasets=("fashionmnist",), data=("fashionmnist=digits",), seeds=5)
    before = contents(run)
    both = {"datasets": ("mnist", "fashionmnist"), "data": ("mnist=digits", "fashionmnist=digits")}
    with pytest.raises(UsageError, match=r"--seeds was 5 and is 2 \(fashionmnist-pixels\)"):
        go(run, resume=True, figures=(2, 4), seeds=2, **both)
    other = pictures(tmp_path / "x.npz")
    with pytest.raises(UsageError, match=r"its objects were .* \(fashionmnist-pixels\)"):
        go(
            run,
            resume=True,
            figures=(2, 4),
            seeds=5,
            **both | {"data": (both["data"][0], f"fashionmnist={other}")},
        )
    assert contents(run) == before
    assert len(trainer.calls) == 1
    assert len(go(run, resume=True, figures=(2, 4), seeds=5, **both).sweeps) == 2


def test_sweeps_that_are_not_asked_for_must_have_the_same_seeds_and_epochs(tmp_path, trainer):
    run = tmp_path / "run"
    go(run)
    before = contents(run)
    other = {"datasets": ("other",), "data": ("other=digits",)}
    with pytest.raises(UsageError, match=r"--seeds was 2 and is 3 \(mine-pixels\)"):
        go(run, resume=True, seeds=3, **other)
    assert contents(run) == before
    path = sweep_path(run / "sweeps", "mine-pixels")
    write_sweep(path, replace(read_sweep(path), epochs=1))
    with pytest.raises(UsageError, match=r"its epochs were 1 and are 10 \(mine-pixels\)"):
        go(run, resume=True, **other)
    assert len(trainer.calls) == 1


def test_data_of_the_other_kind_is_other_data(tmp_path, trainer):
    go(tmp_path / "run", figures=(2,), datasets=("mnist",), data=("mnist=digits",))
    rows = tmp_path / "f.npz"
    np.savez(rows, features=np.ones((8, 3)), labels=[0, 1] * 4)
    with pytest.raises(UsageError, match="holds features, and mnist-pixels needs images"):
        go(tmp_path / "run", resume=True, figures=(2,), datasets=("mnist",), data=(f"mnist={rows}",))
    report = go(tmp_path / "new", figures=(2,), datasets=("mnist",), data=(f"mnist={rows}",))
    assert report.not_run[0].next == "give --data mnist=SPEC"


@pytest.mark.parametrize("name", ["mine", "mnist"])
def test_a_finished_sweep_whose_data_is_gone_is_reused_and_says_so(tmp_path, trainer, name):
    spec, run = pictures(tmp_path / "x.npz"), tmp_path / "run"
    options = {"figures": (2,), "datasets": (name,), "data": (f"{name}={spec}",)}
    written = go(run, **options).sweeps[0].saved.sweep.source
    spec.unlink()
    report = go(run, resume=True, **options)
    assert report.not_run == ()
    (sweep,) = report.sweeps
    assert sweep.reused
    told = f"{written}; not checked in this sitting, as {spec} could not be read"
    assert sweep.saved.sweep.source == told
    assert told[1:] in (run / "report.md").read_text()
    assert read_sweep(sweep_path(run / "sweeps", f"{name}-pixels")).sweep.source == written
    assert len(trainer.calls) == 1


def test_a_damaged_sweep_is_not_run_and_named(tmp_path, trainer):
    go(tmp_path / "run")
    path = tmp_path / "run" / "sweeps" / "mine-pixels.safetensors"
    path.write_bytes(b"")
    report = go(tmp_path / "run", resume=True)
    assert "delete this file" in report.not_run[0].reason
    assert report.not_run[0].next == f"delete {path}"
    with pytest.raises(DataError, match=r"For mine delete .*mine-pixels\.safetensors; then the same"):
        require_complete(report, tmp_path / "run")
    path.unlink()
    assert go(tmp_path / "run", resume=True).not_run == ()
    assert len(trainer.calls) == 2


def test_what_cannot_be_had_is_listed_and_all_else_finishes(tmp_path, trainer, no_model):
    listener = Listener()
    report = go(
        tmp_path / "run",
        datasets=("mnist", "cifar10", "mine"),
        data=("mine=digits", "mnist=digits"),
        root=str(tmp_path),
        listener=listener,
    )
    assert [sweep.saved.sweep.name for sweep in report.sweeps] == ["mnist-pixels", "mine-pixels"]
    assert [item.what for item in report.not_run] == [
        *("mnist-pooler", "mnist-cls", "cifar10-pixels", "cifar10-pooler", "cifar10-cls"),
    ]
    assert [words[1] for words in listener.said if words[0] == "failed"] == [
        item.what for item in report.not_run
    ]
    assert "--features-file mnist=FILE" in report.not_run[0].next
    assert "--data cifar10=SPEC" in report.not_run[2].next
    with pytest.raises(DataError, match=r"5 of 7 sweeps were not run: mnist-pooler.*report\.md.*--resume"):
        require_complete(report, tmp_path / "run")
    written = json.loads((tmp_path / "run" / "report.json").read_text())
    assert [item["what"] for item in written["not_run"]] == [item.what for item in report.not_run]


def test_a_model_that_is_not_there_is_looked_for_once_a_mode(tmp_path, trainer, no_model):
    names = ("fashionmnist", "cifar10", "cifar100")
    report = go(tmp_path / "run", figures=(5,), datasets=(), data=tuple(f"{name}=digits" for name in names))
    assert no_model == ["pooler", "cls"]
    assert len(report.not_run) == 6
    assert len({item.reason for item in report.not_run}) == 1


def test_half_a_file_of_a_killed_run_is_swept_and_others_are_left(tmp_path, trainer):
    go(tmp_path / "run")
    half = tmp_path / "run" / "sweeps" / ".mine-pixels.safetensors.123.part"
    own = tmp_path / "run" / ".mine.part"
    half.touch()
    own.touch()
    go(tmp_path / "run", resume=True)
    assert not half.exists()
    assert own.exists()


def test_features_at_hand_take_the_place_of_the_model(tmp_path, trainer):
    rows = np.random.default_rng(0).standard_normal((40, 5))
    np.savez(tmp_path / "f.npz", features=rows, labels=[0, 1] * 20)
    report = go(
        tmp_path / "run", figures=(3,), datasets=(), data=(), features_files=(f"mnist={tmp_path / 'f.npz'}",)
    )
    assert [call[0] for call in trainer.calls] == ["mnist-features"]
    source = report.sweeps[0].saved.sweep.source
    assert source == f"all 40 objects of {tmp_path / 'f.npz'}: 5 features as given in the file"
    assert not report.sweeps[0].saved.origin.paper_inputs
    assert report.count().compared == 0


def test_a_directory_with_something_else_is_refused(tmp_path, trainer):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UsageError, match="is not empty and holds no run of `sufficient paper`"):
        go(tmp_path)
    with pytest.raises(UsageError, match="no run of `sufficient paper`"):
        go(tmp_path, resume=True)
    with pytest.raises(UsageError, match="is a file, or"):
        go(tmp_path / "notes.txt")
    (tmp_path / "config.toml").write_text('data = "digits"\n')
    with pytest.raises(UsageError, match="no run of `sufficient paper`"):
        go(tmp_path, resume=True)
    assert trainer.calls == []
    assert go(tmp_path / "fresh", resume=True).sweeps  # nothing was written there: it starts afresh
