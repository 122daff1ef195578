import pytest
import torch

from sufficient.device import choose_device, full_float32
from sufficient.errors import ResourceError, UsageError
from sufficient.heads.fit import FitOptions, _Training, batches, fit
from sufficient.heads.learner import Heads
from sufficient.heads.objects import Objects
from sufficient.heads.stack import Architecture, initial_stack
from tests.oracles import blobs, fit_alone, module_of


def generators(count, first=0):
    return [torch.Generator().manual_seed(first + i) for i in range(count)]


def problem(noise=2.0, bias=False):
    values, labels = blobs(600, noise=noise, seed=1)
    objects = Objects(torch.from_numpy(values).double(), torch.from_numpy(labels))
    architecture = Architecture(inputs=5, classes=3, hidden=16, layers=3, bias=bias)
    stack = initial_stack(architecture, generators(4))
    stack = stack.of([tensor.double() for tensor in stack.tensors])
    fitted = torch.stack([torch.arange(start, start + 100) for start in (0, 50, 100, 150)])
    validated = torch.stack([torch.arange(start, start + 80) for start in (300, 350, 400, 450)])
    return stack, objects, fitted, validated


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("keep_bytes", [0, 2**30], ids=["gathered at each check", "gathered once"])
def test_the_stack_is_fitted_as_each_network_would_be_alone(bias, keep_bytes, monkeypatch):
    monkeypatch.setattr("sufficient.heads.fit.KEEP_GATHERED_BYTES", keep_bytes)
    stack, objects, fitted, validated = problem(bias=bias)
    options = FitOptions(lr=3e-3, batch_size=32, patience=3)
    together = fit(stack, objects, fitted, validated, generators(4, first=50), options)
    stops = set()
    for model in range(4):
        network, loss, update = fit_alone(
            module_of(stack, model),
            objects.values,
            objects.labels,
            fitted=fitted[model],
            validated=validated[model],
            generator=generators(1, first=50 + model)[0],
            lr=3e-3,
            batch_size=32,
            patience=3,
            cap=options.cap(100),
        )
        assert together.best_update[model] == update
        assert together.updates[model] == update + 3 * options.check_every(100)  # patience
        assert together.validation_loss[model].item() == pytest.approx(loss, abs=1e-9)
        torch.testing.assert_close(
            module_of(together.stack, model)(objects.values).detach(),
            network(objects.values).detach(),
            atol=1e-8,
            rtol=0,
        )
        stops.add(update)
    assert len(stops) > 1, "the networks must stop at different times for freezing to be tested"
    assert not together.capped.any()


def test_fit_leaves_the_initial_weights_alone():
    stack, objects, fitted, validated = problem()
    before = [tensor.clone() for tensor in stack.tensors]
    fit(stack, objects, fitted, validated, generators(4), FitOptions(max_updates=40))
    assert all(torch.equal(a, b) for a, b in zip(before, stack.tensors, strict=True))


def test_update_0_is_a_candidate():
    stack, objects, fitted, validated = problem()
    labels = (objects.labels + 1) % 3
    labels[fitted.flatten().unique()] = objects.labels[fitted.flatten().unique()]
    wrong = Objects(objects.values, labels)  # what is learned from the fitted objects is wrong elsewhere
    result = fit(stack, wrong, fitted, validated, generators(4), FitOptions(lr=0.1, patience=2))
    assert (result.best_update == 0).all()
    assert (result.updates == 2 * 20).all()
    torch.testing.assert_close(result.stack.weights[0], stack.weights[0])


def test_moments_of_units_that_never_fire_do_not_decay_into_slow_numbers(monkeypatch):
    stack, objects, fitted, validated = problem()
    stack = stack.of([tensor.float() for tensor in stack.tensors])
    training = _Training(stack, Objects(objects.values.float(), objects.labels), validated, FitOptions())
    source = batches(fitted, 64, generators(4))
    training.update(next(source))
    assert (training.descent.adam.state[training.stack.weights[0]]["exp_avg"] != 0).any()
    monkeypatch.setattr("sufficient.heads.fit.gradients", lambda *given: None)
    for tensor in training.stack.tensors:
        tensor.grad.zero_()
    for _ in range(1_500):
        training.update(next(source))
        for moments in training.descent.adam.state.values():
            mean = moments["exp_avg"]
            assert not ((mean != 0) & (mean.abs() < torch.finfo(torch.float32).tiny)).any()
    assert all((moments["exp_avg"] == 0).all() for moments in training.descent.adam.state.values())


def test_what_a_capture_runs_first_is_undone(monkeypatch):
    """On CUDA a step runs a few times before it is captured; here the same is done on the CPU."""

    def warmed_up(step, device, snapshot):
        undo = snapshot()
        for _ in range(3):
            step()
        undo()
        return step

    stack, objects, fitted, validated = problem()
    options = FitOptions(batch_size=32, patience=3)  # 100 objects: batches of 32 and of 4
    plain = fit(stack, objects, fitted, validated, generators(4), options)
    monkeypatch.setattr("sufficient.heads.descent.captured", warmed_up)
    captured = fit(stack, objects, fitted, validated, generators(4), options)
    assert torch.equal(captured.updates, plain.updates)
    for tensor, other in zip(captured.stack.tensors, plain.stack.tensors, strict=True):
        assert torch.equal(tensor, other)


def test_the_cap_ends_training_and_is_told():
    stack, objects, fitted, validated = problem(noise=1.0)
    seen = []
    options = FitOptions(max_updates=50)
    result = fit(stack, objects, fitted, validated, generators(4), options, lambda *now: seen.append(now))
    assert result.capped.all()
    assert (result.updates == 50).all()
    assert seen == [(20, 4), (40, 4), (50, 4)]


def test_an_epoch_sees_every_object_once_and_the_last_batch_is_smaller():
    fitted = torch.tensor([[3, 1, 4, 15, 9], [2, 6, 5, 35, 8]])
    source = batches(fitted, 2, generators(2))
    epoch = [next(source) for _ in range(3)]
    assert [batch.shape for batch in epoch] == [(2, 2), (2, 2), (2, 1)]
    together = torch.cat(epoch, dim=1)
    assert torch.equal(together.sort(dim=1).values, fitted.sort(dim=1).values)
    assert not torch.equal(torch.cat([next(source) for _ in range(3)], dim=1), together)


@pytest.mark.parametrize(
    ("size", "epoch", "check", "cap"),
    [(32, 1, 20, 20_000), (1_280, 20, 20, 20_000), (64_000, 1_000, 1_000, 200_000)],
)
def test_budget(size, epoch, check, cap):
    options = FitOptions()
    assert (options.updates_per_epoch(size), options.check_every(size), options.cap(size)) == (
        epoch,
        check,
        cap,
    )


def test_a_learner_scores_with_the_scaling_it_was_fitted_with():
    values, labels = blobs(200, seed=3)
    values[:, 0] *= 1_000
    heads = Heads.over(
        values,
        labels,
        architecture=Architecture(inputs=5, classes=3, hidden=8),
        options=FitOptions(lr=1e-2, max_updates=200),
        device=torch.device("cpu"),
        standardise=True,
    )
    fitted = torch.arange(100).repeat(2, 1).numpy()
    validated = torch.arange(100, 150).repeat(2, 1).numpy()
    networks, view = heads.fit(
        fitted, validated, initial=generators(2), order=generators(2, 7), watch=lambda *now: None
    )
    assert torch.allclose(view.score(networks.stack, validated).losses.mean(dim=1), networks.validation_loss)
    alone = view.score_one(networks.stack, 1, validated[1])
    torch.testing.assert_close(alone.losses[0], view.score(networks.stack, validated).losses[1])


def test_devices_that_are_not_there():
    assert choose_device("cpu").type == "cpu"
    with pytest.raises(UsageError, match="tpu"):
        choose_device("tpu")
    with pytest.raises(UsageError, match="cpu:1"):
        choose_device("cpu:1")
    if not torch.cuda.is_available():
        with pytest.raises(ResourceError, match="--device auto"):
            choose_device("cuda:0")


def test_matrices_are_multiplied_in_full_and_the_users_choice_comes_back():
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with full_float32(torch.device("cpu")):
            assert torch.get_float32_matmul_precision() == "highest"
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.gpu
def test_cuda_equals_the_cpu():
    stack, objects, fitted, validated = problem()
    options = FitOptions(max_updates=100)
    here = fit(stack, objects, fitted, validated, generators(4), options)
    device = torch.device("cuda")
    moved = Objects(objects.values.to(device), objects.labels.to(device))
    there = fit(stack.to(device), moved, fitted.to(device), validated.to(device), generators(4), options)
    torch.testing.assert_close(there.validation_loss.cpu(), here.validation_loss, atol=1e-8, rtol=0)
