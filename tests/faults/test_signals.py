"""A run that is killed or stopped at any moment, and gone on with: it ends as if it never was."""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
import re
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.pictures import save_classes
from tests.faults.account import add_up, whole
from tests.test_api import steady

# A server that has loaded everything, of which each run is a fork: it begins at once, and is killed for good.
MACHINE = multiprocessing.get_context("forkserver")
MACHINE.set_forkserver_preload(
    ["sufficient.api", "sufficient.report.figures", "sufficient.features.transformers_backbone",
     "matplotlib.backends.backend_svg", "transformers.models.vit.modeling_vit",
     "transformers.models.vit.image_processing_vit", "tests.faults.test_signals"]
)  # fmt: skip
MOMENTS = int(os.environ.get("SUFFICIENT_TEST_KILLS", "6"))  # 20 for all of them, in a minute or two
STUDY = [
    "--hidden", "8", "--layers", "2", "--replicates", "2", "--start", "8", "--growth", "1.6",
    "--patience", "3", "--max-updates", "100", "--device", "cpu", "--json",
]  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """When to strike: at the n-th event of a phase, and some seconds later."""

    phase: str
    number: int
    delay: float


def moments(count: int) -> list[Moment]:
    """Return seeded moments, spread over the pass, the study and the report."""
    rng = np.random.default_rng(4)
    phases = (("pass", 10, 0.01), ("study", 5, 0.02), ("report", 1, 0.5))  # figures take longer
    return [
        Moment(phase, int(rng.integers(last)), float(rng.uniform(0, longest)))
        for phase, last, longest in (phases[i % 3] for i in range(count))
    ]


def child(
    arguments: list[str], environment: dict[str, str], events: Any, said: str, slow: bool, drawn: bool
) -> None:
    """Run the command line in a process of its own group, telling `events` what it is at."""
    os.setpgid(0, 0)
    os.environ |= environment
    handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    sys.stdout, sys.stderr = (io.TextIOWrapper(os.fdopen(fd, "wb", 0), write_through=True) for fd in (1, 2))
    import torch

    import sufficient.report.figures
    from sufficient.cli import app, live
    from sufficient.features import making
    from sufficient.features.cache import Entry
    from sufficient.result import Estimate

    torch.set_num_threads(1)
    if not slow:
        making.SHARD_OBJECTS = 8  # so that a pass this small has shards to be resumed at
    if not drawn:
        sufficient.report.figures.draw_all = lambda *given, **named: []

    def telling(owner: Any, name: str, phase: str) -> None:
        method = getattr(owner, name)

        def told(*given: Any, **named: Any) -> Any:
            with contextlib.suppress(OSError):
                events.send(phase)
            return method(*given, **named)

        setattr(owner, name, told)

    telling(live.LiveStudy, "features_progress", "pass")
    telling(live.LiveStudy, "stage_started", "study")
    telling(Estimate, "write_answer", "report")
    if slow:  # a disk that takes its time, when a run is stopped

        def add(*given: Any) -> None:
            events.send("keeping")
            time.sleep(60)

        Entry.add = add
    sys.argv = ["sufficient", *arguments]
    app.main()


class Run:
    """A command line in a process, which can be struck at a moment."""

    def __init__(self, arguments: list[str], root: Path, *, slow: bool = False, drawn: bool = True) -> None:
        self._events, theirs = MACHINE.Pipe(duplex=False)
        self._said = root / "said"
        self._said.unlink(missing_ok=True)
        environment = {"SUFFICIENT_CACHE": str(root / "cache")}
        self.process = MACHINE.Process(
            target=child, args=(arguments, environment, theirs, str(self._said), slow, drawn)
        )
        self.process.start()
        theirs.close()

    def await_(self, phase: str, number: int = 0) -> None:
        """Return at the n-th event of the phase, or when the process ends."""
        with contextlib.suppress(EOFError):
            while self._events.poll(60):
                if self._events.recv() == phase:
                    number -= 1
                    if number < 0:
                        return

    def strike(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    def ended(self, within: float = 120) -> int:
        self.process.join(within)
        assert self.process.exitcode is not None, "still running"
        self._events.close()
        return self.process.exitcode

    @property
    def said(self) -> str:
        return self._said.read_text()


def members(group: int) -> list[int]:
    """The processes of a group that live."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def none_left(group: int) -> bool:
    deadline = time.monotonic() + 10
    while members(group) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not members(group)


@pytest.fixture(scope="module")
def line(tmp_path_factory, vit):
    photographs = save_classes(tmp_path_factory.mktemp("plain") / "photos", each=60)
    return ["estimate", "--data", str(photographs), "--features", vit, *STUDY]


@pytest.fixture(scope="module")
def expected(line, tmp_path_factory):
    """The run that nothing happens to."""
    root = tmp_path_factory.mktemp("whole")
    run = Run([*line, "--out", str(root / "run")], root)
    assert run.ended() == 0, run.said
    return root / "run"


PAGE, CLOCK = "report.html", re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")  # when it was run


def files_in(out: Path, *, drawn: bool) -> dict[str, bytes]:
    names = (path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    found = {name: (out / name).read_bytes() for name in names if drawn or not name.startswith("figures")}
    if PAGE in found:
        found[PAGE] = CLOCK.sub(b"", found[PAGE])
    return found


def same(out: Path, expected: Path, *, drawn: bool) -> None:
    """Assert that two run directories hold the same bytes, the clock aside, and figures where `drawn`."""
    result, other = (json.loads((path / "result.json").read_text()) for path in (out, expected))
    assert steady(result) == steady(other)
    assert not drawn or result["artifacts"] == other["artifacts"]
    add_up(result, out)
    whole(out)
    these, those = files_in(out, drawn=drawn), files_in(expected, drawn=drawn)
    assert set(these) == set(those)
    assert {name for name in these if these[name] != those[name]} <= {"result.json", "environment.json"}


def gone_on_with(line: list[str], root: Path, expected: Path, *, drawn: bool) -> None:
    """Assert that the run below `root` is resumed and ends as the one that nothing happened to."""
    resumed = Run([*line, "--out", str(root / "run"), "--resume"], root, drawn=drawn)
    assert resumed.ended() == 0, resumed.said
    same(root / "run", expected, drawn=drawn)


@pytest.mark.parametrize(
    "moment", moments(MOMENTS), ids=lambda moment: f"{moment.phase}-{moment.number}-{moment.delay:.3f}s"
)
def test_sigkill_at_any_moment_and_resume(moment, line, expected, tmp_path):
    drawn = moment.phase == "report"  # else figures are not what is looked at, and take the longest
    killed = Run([*line, "--out", str(tmp_path / "run")], tmp_path, drawn=drawn)
    killed.await_(moment.phase, moment.number)
    time.sleep(moment.delay)
    group = killed.process.pid
    killed.strike(signal.SIGKILL)
    assert killed.ended() == -signal.SIGKILL
    assert none_left(group), "its processes die with it"
    gone_on_with(line, tmp_path, expected, drawn=drawn)


@dataclass(frozen=True)
class Stop:
    name: str
    number: int
    phase: str
    code: int
    whole_group: bool = False  # as a terminal's Ctrl-C and a queueing system's signal go to all processes


STOPS = [
    Stop("ctrl-c-in-the-pass", signal.SIGINT, "pass", 130),
    Stop("ctrl-c-in-the-terminal", signal.SIGINT, "pass", 130, whole_group=True),
    Stop("ctrl-c-in-the-study", signal.SIGINT, "study", 130),
    Stop("sigterm-of-a-queue", signal.SIGTERM, "pass", 143, whole_group=True),
    Stop("sigterm-in-the-study", signal.SIGTERM, "study", 143),
    Stop("sigterm-in-the-report", signal.SIGTERM, "report", 143),
]


@pytest.mark.parametrize("stop", STOPS, ids=[stop.name for stop in STOPS])
def test_a_stopped_run_is_saved_and_gone_on_with(stop, line, expected, tmp_path):
    out = tmp_path / "run"
    drawn = stop.phase == "report"
    stopped = Run([*line, "--out", str(out)], tmp_path, drawn=drawn)
    stopped.await_(stop.phase, 2 if stop.phase != "report" else 0)
    group = stopped.process.pid
    if stop.whole_group:
        os.killpg(group, stop.number)
    else:
        stopped.strike(stop.number)
    began = time.monotonic()
    assert stopped.ended() == stop.code, stopped.said
    assert time.monotonic() - began < 10
    if stop.phase == "pass":
        assert "stopped before anything was finished: give the same command again." in stopped.said
        assert not out.exists()
    else:
        assert "stopped; finished stages are saved" in stopped.said
        assert f"saved in {out}: go on with the same command and --out {out} --resume." in stopped.said
    assert "Traceback" not in stopped.said
    assert none_left(group)
    whole(out)
    if stop.phase == "pass":
        assert list((tmp_path / "cache").glob("*/*.safetensors")), "what was made is kept"
    gone_on_with(line, tmp_path, expected, drawn=drawn)


def test_a_stop_that_is_sent_twice_at_once_is_one(line, tmp_path):
    stopped = Run([*line, "--out", str(tmp_path / "run")], tmp_path, drawn=False)
    stopped.await_("pass", 1)
    for _ in range(2):  # as `timeout` does, to the process and then to its group
        stopped.strike(signal.SIGTERM)
        time.sleep(0.01)
    assert stopped.ended() == 143, stopped.said
    assert "stopped before anything was finished" in stopped.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_second_signal_leaves_at_once(number, line, expected, tmp_path):
    stopped = Run([*line, "--out", str(tmp_path / "run")], tmp_path, slow=True, drawn=False)
    stopped.await_("pass", 1)
    stopped.strike(number)
    stopped.await_("keeping")
    began, group = time.monotonic(), stopped.process.pid
    stopped.strike(number)
    assert stopped.ended() == -number, stopped.said  # a shell shows 128 + its number
    assert time.monotonic() - began < 2
    assert none_left(group)
    gone_on_with(line, tmp_path, expected, drawn=False)
