"""The pass: every object's row or reason, in order, whatever the processes, the batches and the memory."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sufficient.errors import DataError, ResourceError
from sufficient.features import making, workers
from sufficient.features.making import Maker
from tests.features.fakes import FakeBackbone, images, row

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[2]
forked = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="processes are forked on Linux alone"
)


def maker(data, backbone=None, **more):
    return Maker(data, backbone or FakeBackbone(identity={}), device=CPU, **more)


@pytest.fixture
def in_processes(monkeypatch):
    monkeypatch.setattr(making, "workers_for", lambda count: 2)


@pytest.mark.parametrize("processes", [0, pytest.param(3, marks=forked)])
def test_each_object_gets_its_own_row_or_reason_in_the_order_asked_for(monkeypatch, processes):
    monkeypatch.setattr(making, "workers_for", lambda count: processes)
    data = images(50, unusable={7: "truncated", 30: "empty-file"}, marks={4: "transparent", 5: "reduced"})
    asked = np.random.default_rng(0).permutation(41)
    made = maker(data).make(asked)
    assert_array_equal(made.objects, [index for index in asked if index not in (7, 30)])
    for index, values in zip(made.objects, made.rows, strict=True):
        assert_allclose(values, row(index), rtol=1e-6)
    assert made.rows.dtype == np.float32
    assert {index: tuple(why) for index, why in made.skipped.items()} == {
        7: ("truncated", "of 7"),
        30: ("empty-file", "of 30"),
    }
    marks = dict(zip(made.objects.tolist(), made.marks.tolist(), strict=True))
    assert {index for index, mark in marks.items() if mark} == {4, 5}
    assert marks[4] != marks[5]


def test_nothing_asked_and_nothing_usable():
    assert len(maker(images(3)).make(np.empty(0, np.int64))) == 0
    made = maker(images(3, unusable=dict.fromkeys(range(3), "truncated"))).make(np.arange(3))
    assert len(made.objects) == 0
    assert list(made.skipped) == [0, 1, 2]


def test_copies_share_a_digest_and_others_have_none():
    made = maker(images(looks=[1, 2, 1, 3])).make(np.arange(4))
    assert_array_equal(made.digests[0], made.digests[2])
    assert made.digests[0].any()
    assert not made.digests[[1, 3]].any()


def test_a_batch_that_does_not_fit_is_halved_and_stays_so():
    backbone = FakeBackbone(identity={}, most=5)
    made = maker(images(40), backbone).make(np.arange(40))
    assert max(backbone.batches) == making.first_batch(CPU) // 4 == 4
    assert sum(backbone.batches) == 40
    for index, values in enumerate(made.rows):
        assert_allclose(values, row(index), rtol=1e-6)


def test_one_image_that_does_not_fit_is_an_error():
    with pytest.raises(ResourceError, match=r"--features fake does not fit .* one image at a time"):
        maker(images(4), FakeBackbone(identity={}, most=0)).make(np.arange(4))


def test_other_errors_of_the_model_are_not_taken_for_memory():
    backbone = FakeBackbone(identity={}, hooks={0: lambda: (_ for _ in ()).throw(RuntimeError("shapes"))})
    with pytest.raises(RuntimeError, match="shapes"):
        maker(images(4), backbone).make(np.arange(4))


def test_a_row_that_is_not_finite_names_model_and_object(cache):
    with pytest.raises(DataError, match="--features fake gives values that are not finite for row 9"):
        maker(images(20), FakeBackbone(poisoned=9)).make(np.arange(20))
    assert not list(cache.rglob("*.safetensors"))


@pytest.mark.parametrize("processes", [0, pytest.param(2, marks=forked)])
def test_known_errors_come_out_of_a_process_as_they_are(monkeypatch, processes):
    monkeypatch.setattr(making, "workers_for", lambda count: processes)
    with pytest.raises(DataError) as caught:
        maker(images(20, errors={11: DataError("row 11 is too deep")})).make(np.arange(20))
    assert str(caught.value) == "row 11 is too deep"
    with pytest.raises(ResourceError, match="row 3 cannot be decoded: the machine is out of memory"):
        maker(images(20, errors={3: MemoryError()})).make(np.arange(20))


@forked
def test_an_unknown_error_keeps_its_traceback(in_processes):
    with pytest.raises(ZeroDivisionError, match="DataLoader worker process"):
        maker(images(20, errors={11: ZeroDivisionError("oops")})).make(np.arange(20))


@forked
def test_a_killed_process_is_an_error_and_no_hang(in_processes):
    main = os.getpid()

    def die():
        assert os.getpid() != main
        os.kill(os.getpid(), signal.SIGKILL)

    began = time.monotonic()
    with pytest.raises(ResourceError, match="ended by the system"):
        maker(images(60, hooks={33: die})).make(np.arange(60))
    assert time.monotonic() - began < 90


@forked
def test_on_the_cpu_a_network_is_run_in_the_processes_with_the_same_outcome(in_processes):
    backbone = FakeBackbone(identity={"kind": "transformers"}, most=3)  # halves in each process
    more = {"unusable": {7: "truncated"}, "marks": {4: "transparent"}}
    made = maker(images(50, **more), backbone).make(np.arange(50)[::-1])
    assert backbone.batches == []
    expected = maker(images(50, **more)).make(np.arange(50)[::-1])
    assert_array_equal(made.objects, expected.objects)
    assert_allclose(made.rows, expected.rows, rtol=1e-6)
    assert_array_equal(made.marks, expected.marks)
    assert made.skipped == expected.skipped
    with pytest.raises(DataError, match="not finite for row 9"):
        maker(images(20, fingerprint="a"), FakeBackbone(identity=backbone.identity, poisoned=9)).make(
            np.arange(20)
        )
    with pytest.raises(ResourceError, match="does not fit"):
        maker(images(20, fingerprint="b"), FakeBackbone(identity=backbone.identity, most=0)).make(
            np.arange(20)
        )


def test_progress_tells_what_is_done_and_no_rate_too_soon():
    said = []
    maker(images(40), progress=lambda *values: said.append(values)).make(np.arange(40))
    assert [done for done, _, _ in said] == [16, 32, 40]
    assert {total for _, total, _ in said} == {40}
    assert [rate for _, _, rate in said] == [0, 0, 0], "within two seconds it cannot be told"


def test_small_passes_start_no_processes(monkeypatch):
    assert workers.workers_for(workers.IN_PROCESS) == 0
    monkeypatch.setattr(workers, "usable_cpus", lambda: 8)
    monkeypatch.setattr(workers.sys, "platform", "linux")
    assert workers.workers_for(1_000) == 8
    assert workers.workers_for(20) == 5
    monkeypatch.setattr(workers.sys, "platform", "darwin")
    assert workers.workers_for(1_000) == 0


@pytest.mark.parametrize("identity", [{}, {"kind": "function"}])
def test_rows_of_another_width_are_refused(identity, cache):
    class Widening(FakeBackbone):
        def rows(self, prepared, device, dtype):
            made = super().rows(prepared, device, dtype)
            return made if len(self.batches) == 1 else torch.cat([made, made[:, :1]], 1)

    widening, size = Widening(identity=identity), making.first_batch(CPU)
    said = r"returned rows of 6 numbers where earlier ones had 5; mend the function"
    with pytest.raises(DataError, match=said):
        maker(images(size + 3), widening).make(np.arange(size + 3))
    if identity:
        with pytest.raises(DataError, match=f"{said}, or give it another `identity`"):
            maker(images(size + 3), widening).make(np.arange(size + 3))


@forked
def test_nothing_but_locks_lies_in_shared_memory(in_processes):
    def held() -> int:
        return sum(path.stat().st_size for path in Path("/dev/shm").iterdir() if path.exists())

    before, during = held(), []
    backbone = FakeBackbone(identity={}, hooks={n: lambda: during.append(held()) for n in range(4)})
    maker(images(60), backbone).make(np.arange(60))
    assert len(during) == 4
    assert max(during) - before < 100_000


@forked
@pytest.mark.parametrize("kind", ["transformers", "fake"])
def test_no_process_lives_on_where_a_pass_is_broken_off(in_processes, kind):
    backbone = FakeBackbone(identity={"kind": kind}, poisoned=9)
    with pytest.raises(DataError) as caught:
        maker(images(60), backbone).make(np.arange(60))
    assert multiprocessing.active_children() == []
    del caught  # whose traceback held the pass, and all that it had begun

    def stop(done, total, rate):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        maker(images(60), FakeBackbone(identity={"kind": kind}), progress=stop).make(np.arange(60))
    assert multiprocessing.active_children() == []
    del caught


LOCKED_OUT = """
    import os, signal, sys, time
    sys.path.insert(0, {root!r})
    import numpy as np, torch
    from sufficient.errors import ResourceError
    from sufficient.features import making
    from tests.features.fakes import FakeBackbone, images
    making.workers_for = lambda count: 2
    hooks = {{0: lambda: (time.sleep(0.3), os.kill(os.getpid(), signal.SIGKILL)), 4: lambda: time.sleep(300)}}
    try:
        maker = making.Maker(images(60, hooks=hooks), FakeBackbone(), device=torch.device("cpu"))
        maker.make(np.arange(60))
    except ResourceError as error:
        kept = error.__traceback__
        print("said", flush=True)
"""


@forked
def test_a_process_that_waits_for_a_killed_one_does_not_keep_the_program_from_its_end(tmp_path):
    script = textwrap.dedent(LOCKED_OUT.format(root=str(ROOT)))
    environment = os.environ | {"SUFFICIENT_CACHE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, env=environment
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "said\n", "")


def begins_a_pass_and_forgets_it() -> None:
    data = images(60, hooks={index: lambda: time.sleep(300) for index in range(8, 60)})
    passes = making.prepared(making.Preparation(data, FakeBackbone()), list(range(60)), workers=2, batch=4)
    next(passes)
    sys.modules["forgotten"] = passes  # lives on to the end


@forked
def test_a_process_of_multiprocessing_ends_with_its_pass_open():
    process = multiprocessing.get_context("fork").Process(target=begins_a_pass_and_forgets_it)
    process.start()
    process.join(30)
    assert process.exitcode == 0


@forked
def test_an_end_that_is_broken_off_is_made_up_for(in_processes, monkeypatch):
    remove = torch._C._remove_worker_pids

    def news(key):
        monkeypatch.setattr(torch._C, "_remove_worker_pids", remove)
        raise RuntimeError("DataLoader worker (pid 1) is killed by signal: Killed.")

    monkeypatch.setattr(torch._C, "_remove_worker_pids", news)
    passes = making.prepared(
        making.Preparation(images(60), FakeBackbone()), list(range(60)), workers=2, batch=4
    )
    next(passes)
    with pytest.raises(RuntimeError):
        passes.close()
    del passes
    gc.collect()
    assert multiprocessing.active_children() == []


SCRIPT = """
    import sys, time
    sys.path.insert(0, {root!r})
    import numpy as np, torch
    from sufficient.features import making
    from tests.features.fakes import FakeBackbone, images
    making.workers_for = lambda count: 2
    wait = lambda: (print("running", flush=True), time.sleep(30))
    backbone = FakeBackbone(identity={{}}, hooks={{1: wait}})
    try:
        making.Maker(images(200), backbone, device=torch.device("cpu")).make(np.arange(200))
    except KeyboardInterrupt:
        sys.exit(130)
"""


@forked
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_the_processes_die_with_their_parent_and_say_nothing(number, code):
    script = textwrap.dedent(SCRIPT.format(root=str(ROOT)))
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "running\n"
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 2
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal sends it: to all of them
    else:
        process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == code
    assert said == ""
    until = time.monotonic() + 10
    while any(alive(child) for child in children):
        assert time.monotonic() < until
        time.sleep(0.05)


def alive(child: str) -> bool:
    try:
        return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
