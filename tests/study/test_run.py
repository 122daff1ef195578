import json
import time
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from sufficient.errors import DataError
from sufficient.files import write_atomically
from sufficient.heads.fit import Fitted
from sufficient.heads.score import Scores
from sufficient.heads.stack import Architecture, Stack, initial_stack
from sufficient.landscape.bounds import LayerNorms, corrected, printed
from sufficient.landscape.curvature import gterm_norms_of_module
from sufficient.study.keys import torch_generator
from sufficient.study.record import Stage
from sufficient.study.run import measured, probed
from sufficient.study.store import append_stage, read_record, write_header, write_record
from tests.oracles import fit_alone, module_of
from tests.study.studies import OPTIONS, problem, run


@pytest.fixture(scope="module")
def whole():
    record, heads = problem()
    return run(record, heads), heads


def same(first, second):
    for stage, other in zip(first.stages, second.stages, strict=True):
        for field in fields(Stage):
            np.testing.assert_array_equal(getattr(stage, field.name), getattr(other, field.name), field.name)
    np.testing.assert_array_equal(first.last.all_losses, second.last.all_losses)
    assert first.last.weights.keys() == second.last.weights.keys()
    for name, weights in first.last.weights.items():
        np.testing.assert_array_equal(weights, second.last.weights[name])


def test_a_study_runs_every_size_to_the_whole_fit_pool(whole):
    record, _ = whole
    assert tuple(stage.size for stage in record.stages) == record.sizes
    assert record.sizes[-1] == record.shares.k_available


def test_a_stage_equals_plain_networks_fitted_one_at_a_time(whole):
    record, heads = whole
    values, labels = heads.objects.values, heads.objects.labels
    stage = record.stages[2]
    generators = [torch_generator("initial", 0, r) for r in range(3)]
    stack = initial_stack(Architecture(5, 3, hidden=8, layers=2), generators)
    for r in range(3):
        fitted = torch.from_numpy(record.shares.fitted(r, stage.size))
        unseen = torch.from_numpy(record.shares.held_out_objects(r))
        network, validation, updates = fit_alone(
            module_of(stack, r),
            values,
            labels,
            fitted=fitted,
            validated=torch.from_numpy(record.shares.validation_objects(r)),
            generator=torch_generator("batches", 0, r, stage.size),
            lr=OPTIONS.lr,
            batch_size=OPTIONS.batch_size,
            patience=OPTIONS.patience,
            cap=20_000,
        )
        network.zero_grad()
        seen = torch.nn.functional.cross_entropy(network(values[fitted]), labels[fitted], reduction="none")
        seen.mean().backward()
        logits = network(values[unseen]).detach()
        new = torch.nn.functional.cross_entropy(logits, labels[unseen], reduction="none")
        seen = seen.detach()
        gap = (new - seen.mean()).abs()
        flat = torch.cat([tensor.grad.flatten() for tensor in network.parameters()])
        expected = {
            "constant": gap.mean(),
            "variance": gap.var(),
            "train_loss": seen.mean(),
            "validation_loss": validation,
            "unseen_loss": new.mean(),
            "accuracy": (logits.argmax(dim=1) == labels[unseen]).float().mean(),
            "gradient_norm": flat.norm(),
            "largest_seen": seen.max(),
            "largest_unseen": new.max(),
        }
        assert stage.best_update[r] == updates
        assert stage.updates[r] == updates + OPTIONS.patience * 20
        assert not stage.capped[r]
        assert not stage.dead[r]
        np.testing.assert_array_equal(stage.predicted[r], logits.argmax(dim=1).numpy())
        linears = [linear.weight.detach() for linear in list(network)[::2]]
        largest = [torch.linalg.svdvals(W)[0].item() for W in linears]
        np.testing.assert_allclose(stage.weight_norms[r], largest, rtol=1e-4)
        for name, value in expected.items():
            assert getattr(stage, name)[r] == pytest.approx(float(value), rel=1e-4, abs=1e-6), name
        np.testing.assert_allclose(stage.unseen_losses[r], new.numpy(), atol=1e-4)


def test_the_difference_is_that_of_lemma_1(whole):
    """δ_k by its definition: append each held-out object to the fitted ones, and take the mean loss anew."""
    record, _ = whole
    last = record.stages[-1]
    fitted, unseen = record.shares.fitted(0, last.size), record.shares.held_out_objects(0)
    losses = record.last.all_losses.astype(float)
    before = losses[fitted].mean()
    steps = [abs(np.append(losses[fitted], losses[x]).mean() - before) for x in unseen]
    assert np.mean(steps) * (last.size + 1) == pytest.approx(last.constant[0], rel=1e-5)


def test_distance_is_measured_from_the_solution_before():
    record, heads = problem()
    kept = []
    after = run(record, heads, after_stage=lambda so_far, seconds: kept.append(so_far.last) or len(kept) == 2)
    assert np.isnan(after.stages[0].distance).all()
    first, second = (
        np.concatenate([w.reshape(3, -1) for w in last.weights.values()], axis=1) for last in kept
    )
    expected = np.linalg.norm(second - first, axis=1)
    np.testing.assert_allclose(after.stages[1].distance, expected, rtol=1e-5)
    assert (expected > 0).all()


@pytest.mark.parametrize(("spread", "dead"), [(0.9e-6, True), (1.1e-6, False)])
@pytest.mark.parametrize("where", ["fitted", "unseen"])
def test_dead_looks_at_fitted_and_held_out_losses(spread, dead, where):
    class View:
        def score(self, stack, index):
            losses = torch.full(index.shape, 1.5, dtype=torch.double)
            if (where == "fitted") == (index.shape[1] == 4):
                losses[:, 0] += spread
            return Scores(losses, torch.zeros(index.shape, dtype=torch.int64))

        def gradient_norm(self, stack, index):
            return torch.zeros(len(index))

        def inputs(self, index):
            return torch.ones(*index.shape, 2)

    networks = Fitted(Stack((torch.ones(1, 2, 3),)), *[torch.zeros(1)] * 4)
    labels = np.zeros(20, np.int64)
    fitted, unseen = np.arange(4)[None], np.arange(4, 10)[None]
    stage = measured(View(), networks, labels, fitted=fitted, unseen=unseen)
    assert stage.dead[0] == dead


@pytest.mark.parametrize("cut", [1, 3])
def test_a_study_that_goes_on_ends_with_the_same_numbers(whole, cut):
    record, heads = problem()
    part = run(record, heads, after_stage=lambda so_far, seconds: len(so_far.stages) == cut)
    assert len(part.stages) == cut
    same(run(part, heads), whole[0])


def test_the_seed_decides_everything(whole):
    other, heads = problem(options=replace(OPTIONS, seed=1))
    other = run(other, heads, replace(OPTIONS, seed=1))
    assert (other.stages[0].constant != whole[0].stages[0].constant).all()


def test_a_deadline_ends_the_study_after_the_first_stage_at_the_earliest():
    record, heads = problem()
    stopped = run(record, heads, deadline=time.monotonic() - 1)
    assert len(stopped.stages) == 1
    assert run(stopped, heads, deadline=time.monotonic() - 1).stages == stopped.stages


def test_dead_networks_are_marked():
    record, heads = problem()
    heads = replace(heads, objects=replace(heads.objects, values=torch.zeros_like(heads.objects.values)))
    stage = run(record, heads, after_stage=lambda so_far, seconds: True).stages[0]
    assert stage.dead.all()
    assert stage.unseen_loss == pytest.approx(np.log(3), abs=1e-6)


def test_a_network_that_is_right_about_everything_is_alive():
    record, heads = problem()
    one_hot = torch.nn.functional.one_hot(heads.objects.labels, 5).float() * 1e4
    heads = replace(heads, objects=replace(heads.objects, values=one_hot))
    stage = run(record, heads, after_stage=lambda so_far, seconds: True).stages[0]
    assert stage.largest_unseen.max() < 1e-6
    assert not stage.dead.any()


def test_fewer_objects_are_probed_where_each_costs_more():
    fitted, unseen = np.zeros((8, 500), np.int64), np.zeros((8, 500), np.int64)
    assert probed(fitted, unseen, classes=10).shape == (8, 124)
    assert probed(fitted, unseen, classes=100).shape == (8, 12)
    assert probed(fitted[:, :5], unseen, classes=2).shape == (8, 5 + 62)


def test_the_ladder_is_that_of_fitted_and_held_out_objects(whole):
    record, heads = whole
    stage, last = record.stages[-1], record.last
    each = 1_000 // (2 * 3)
    for r in range(3):
        index = np.concatenate(
            [record.shares.fitted(r, stage.size)[:each], record.shares.held_out_objects(r)[:each]]
        )
        x = heads.objects.values[torch.from_numpy(index)].double()
        network = torch.nn.Sequential(
            torch.nn.Linear(5, 8, bias=False), torch.nn.ReLU(), torch.nn.Linear(8, 3, bias=False)
        ).double()
        with torch.no_grad():
            network[0].weight.copy_(torch.from_numpy(last.weights["weight.0"][r]).T)
            network[2].weight.copy_(torch.from_numpy(last.weights["weight.1"][r]).T)
        expected = gterm_norms_of_module(network, x)
        np.testing.assert_allclose(stage.norm_exact[r], expected.detach().numpy(), rtol=1e-6)
        own = torch.linalg.vector_norm(x, dim=1)[None]
        norms = LayerNorms(torch.from_numpy(stage.weight_norms[r : r + 1]))
        for name, bound in (("norm_corrected", norms), ("norm_common", norms.common())):
            np.testing.assert_allclose(getattr(stage, name)[r], corrected(own, bound)[0].numpy(), rtol=1e-6)
        largest = printed(own.amax(dim=1), norms.largest, layers=2)
        assert stage.norm_printed[r] == pytest.approx(largest.item(), rel=1e-6)
    assert (stage.norm_exact <= stage.norm_activation * (1 + 1e-9)).all()
    assert (stage.norm_activation <= stage.norm_corrected * (1 + 1e-9)).all()
    assert (stage.norm_corrected <= stage.norm_common * (1 + 1e-9)).all()
    np.testing.assert_array_equal(
        last.sample[1], heads.objects.values[record.shares.held_out_objects(1)[:2]].numpy()
    )


class TestStore:
    def test_written_and_read_back(self, whole, tmp_path):
        write_record(tmp_path, whole[0])
        back = read_record(tmp_path)
        same(back, whole[0])
        assert np.array_equal(back.shares.order, whole[0].shares.order)
        assert replace(back.shares, order=None) == replace(whole[0].shares, order=None)
        assert (back.options, back.sizes, back.classes) == (
            whole[0].options,
            whole[0].sizes,
            whole[0].classes,
        )

    def test_nothing_begun_is_none(self, tmp_path):
        assert read_record(tmp_path / "absent") is None

    @pytest.mark.parametrize("killed_at", range(1, 12))
    def test_whatever_write_is_the_last_what_is_read_is_whole(self, whole, tmp_path, monkeypatch, killed_at):
        """Let the process die at the n-th write: the stages written until then come back, and go on."""
        record, writes = whole[0], 0

        class Killed(BaseException):
            pass

        def dying(path, content):
            nonlocal writes
            writes += 1
            if writes == killed_at:
                path.with_name(f".{path.name}.1.part").write_bytes(content[: len(content) // 2])
                raise Killed
            write_atomically(path, content)

        monkeypatch.setattr("sufficient.study.store.write_atomically", dying)

        def write_all():
            write_header(tmp_path, record)
            for count in range(1, len(record.stages) + 1):
                append_stage(tmp_path, replace(record, stages=record.stages[:count]))

        with pytest.raises(Killed):
            write_all()
        back = read_record(tmp_path)
        assert (back is None) == (killed_at <= 2)
        if back is not None:
            assert len(back.stages) == (killed_at - 3) // 2
            same_stages = zip(back.stages, record.stages, strict=False)
            assert all(np.array_equal(a.constant, b.constant) for a, b in same_stages)

    def test_a_damaged_record_is_named(self, whole, tmp_path):
        write_record(tmp_path, whole[0])
        stage = sorted(tmp_path.glob("stage-*"))[1]
        stage.write_bytes(stage.read_bytes()[:100])
        with pytest.raises(DataError, match="cannot be read"):
            read_record(tmp_path)

    def test_only_the_last_stage_keeps_weights(self, whole, tmp_path):
        record = whole[0]
        write_header(tmp_path, record)
        for count in (1, 2):
            append_stage(tmp_path, replace(record, stages=record.stages[:count]))
        assert [path.name for path in tmp_path.glob("last-*")] == [f"last-{record.sizes[1]:07d}.safetensors"]

    def test_a_record_of_the_format_before_is_read(self, whole, tmp_path):
        record = whole[0]
        write_record(tmp_path, record)
        header = json.loads((tmp_path / "record.json").read_text())
        (tmp_path / header.pop("shares_file")).rename(tmp_path / "shares.safetensors")
        (tmp_path / "record.json").write_text(json.dumps(header | {"format": 2}))
        back = read_record(tmp_path)
        same(back, record)
        assert np.array_equal(back.shares.order, record.shares.order)

    def test_a_record_of_a_format_to_come_is_refused(self, whole, tmp_path):
        write_record(tmp_path, whole[0])
        header = json.loads((tmp_path / "record.json").read_text())
        (tmp_path / "record.json").write_text(json.dumps(header | {"format": 99}))
        with pytest.raises(DataError, match="format 99, this version reads 2"):
            read_record(tmp_path)
