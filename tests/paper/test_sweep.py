import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from sufficient.heads.ragged import unpacked
from sufficient.landscape.difference import FLAT_SPREAD, ORDERS, permuted_differences
from sufficient.paper import sweep
from sufficient.paper.protocol import (
    BATCH_SIZE,
    EPOCHS,
    LEARNING_RATE,
    NETWORKS,
    OBJECTS,
    SMOOTHING,
    Network,
)
from sufficient.paper.sweep import DeviceInputs, initial, ragged, score, smoothed, train, train_sweep
from sufficient.study.keys import numpy_generator
from tests.oracles import blobs

FEW = (Network(4, 1), Network(8, 1), Network(4, 3), Network(6, 5))


def plain_epochs(matrices, x, y, order, epochs, lr=1e-3, batch=64):
    """One network by torch's modules and autograd, in the batches of `order`."""
    network = nn.Sequential()
    for W in matrices:
        linear = nn.Linear(*W.shape, bias=False, dtype=W.dtype)
        with torch.no_grad():
            linear.weight.copy_(W.T)
        network.extend([linear, nn.ReLU()])
    network = network[:-1]
    adam = torch.optim.Adam(network.parameters(), lr=lr)
    for _ in range(epochs):
        for rows in torch.randperm(len(y), generator=order).split(batch):
            adam.zero_grad()
            nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()
            adam.step()
    return network


def test_all_at_once_equals_one_at_a_time():
    values, labels = blobs(300, inputs=12, classes=4, noise=2.0)
    x, y = torch.from_numpy(values).double(), torch.from_numpy(labels)
    shape = ragged(FEW, inputs=12, classes=4, seeds=2)
    start = initial(shape, (3, 4))
    before = unpacked(shape, start.of([tensor.double() for tensor in start.tensors]))
    inputs = DeviceInputs(x, y, None, torch.double)
    stack = train(shape, start, inputs, (3, 4), 2)
    losses, right = score(shape, stack, inputs)
    moved = 0.0
    for c, (s, seed) in itertools.product(range(len(FEW)), enumerate((3, 4))):
        order = sweep._generator("batches", seed)
        network = plain_epochs(before[c][s], x, y, order, 2)
        logits = network(x).detach()
        expected = nn.functional.cross_entropy(logits, y, reduction="none").numpy()
        np.testing.assert_allclose(losses[c, s], expected, atol=1e-5)
        np.testing.assert_array_equal(right[c, s], (logits.argmax(1) == y).numpy())
        moved = max(moved, (network[0].weight.detach().T - before[c][s][0]).abs().max().item())
    assert moved > 1e-3, "nothing was trained"


def test_initial_weights_are_those_of_torch_linear_and_depend_on_seed_width_and_depth():
    shape = ragged(FEW, inputs=400, classes=4, seeds=2)
    networks = unpacked(shape, initial(shape, (0, 1)))
    for matrices in networks[0]:
        for W in matrices:
            limit = W.shape[0] ** -0.5
            assert W.abs().max() <= limit
        assert matrices[0].std() == pytest.approx(400**-0.5 / 3**0.5, rel=0.05)
    draws = [W[0][0, :4] for network in networks for W in network]
    for one, other in itertools.combinations(draws, 2):
        assert not torch.equal(one, other), "seed, width and depth must each change what is drawn"
    again = ragged((FEW[0],), inputs=400, classes=4, seeds=1)
    alone = unpacked(again, initial(again, (1,)))[0][0]
    here = next(
        n
        for n, width, maps in zip(networks, shape.widths, shape.maps, strict=True)
        if (width, maps) == (4, 1)
    )
    assert all(torch.equal(a, b) for a, b in zip(alone, here[1], strict=True))


def test_pixels_are_bytes_until_used():
    pixels = np.arange(0, 200, dtype=np.uint8).reshape(50, 4)
    inputs = DeviceInputs(torch.from_numpy(pixels), torch.zeros(50, dtype=torch.int64), 255)
    rows = inputs.gather(torch.tensor([[3, 49], [0, 1]]))
    expected = (pixels[[[3, 49], [0, 1]]] / 255 - 0.5) / 0.5
    np.testing.assert_allclose(rows.numpy(), expected, atol=1e-6)


@pytest.fixture(scope="module")
def found():
    random = np.random.default_rng(0)
    values, labels = random.integers(0, 256, (320, 6)).astype(np.uint8), random.integers(0, 3, 320)
    calls = []
    result = train_sweep(
        values, labels, dataset="toy", mode="pixels", source="made up", classes=3, white=255, seeds=(0, 1),
        device=torch.device("cpu"), progress=lambda done, total: calls.append((done, total)),
    )  # fmt: skip
    return result, values, labels, calls


def test_a_sweep_keeps_every_network_in_the_order_of_the_protocol(found):
    result, values, labels, calls = found
    assert result.constant.shape == result.accuracy.shape == result.dead.shape == (2, 25)
    assert result.drawn.shape == (2, 25, len(result.grid))
    assert calls[-1] == (50, 50)  # 10 epochs of 5 updates
    network = NETWORKS[7]
    shape = ragged((network,), inputs=6, classes=3, seeds=2)
    inputs = DeviceInputs(torch.from_numpy(values), torch.from_numpy(labels), 255)
    losses, right = score(shape, train(shape, initial(shape, (0, 1)), inputs, (0, 1), 10), inputs)
    np.testing.assert_allclose(result.accuracy[:, 7], right[0].mean(axis=1), atol=0.01)
    deviation = np.abs(losses[0] - losses[0].mean(axis=1, keepdims=True)).mean(axis=1)
    np.testing.assert_allclose(result.constant[:, 7], deviation, rtol=1e-3)
    np.testing.assert_allclose(result.largest_loss[:, 7], losses[0].max(axis=1), rtol=1e-3)
    curves = smoothed(permuted_differences(losses[0], 100, random=numpy_generator("paper orders")))
    np.testing.assert_allclose(result.drawn[:, 7], curves[:, result.grid - 1], rtol=0.02)


def test_the_drawn_curve_ends_at_the_closed_form_but_for_the_moving_average(found):
    result = found[0]
    live = ~result.dead
    last = result.grid[-1]
    assert last == 310
    assert ((result.drawn[..., -1] * last)[live] > 1.05 * result.constant[live]).all(), (
        "the average overstates"
    )


def test_smoothing_is_the_moving_average_of_the_figures():
    curve = np.random.default_rng(0).random(500)
    expected = [curve[0]]
    for value in curve[1:]:
        expected.append(0.99 * expected[-1] + 0.01 * value)
    np.testing.assert_allclose(smoothed(curve[None])[0], expected)


def test_the_protocol_is_the_papers():
    assert (OBJECTS, EPOCHS, BATCH_SIZE, LEARNING_RATE, ORDERS, SMOOTHING) == (
        10_000,
        10,
        64,
        1e-3,
        100,
        0.99,
    )
    assert FLAT_SPREAD == 1e-6
    assert sorted((n.hidden, n.layers) for n in NETWORKS) == sorted(
        itertools.product((4, 8, 16, 32, 64), (3, 5, 7, 9, 12))
    )


@pytest.mark.gpu
def test_cuda_equals_the_cpu():
    values = np.random.default_rng(0).integers(0, 256, (200, 12)).astype(np.uint8)
    labels = np.arange(200) % 4
    shape = ragged(FEW, inputs=12, classes=4, seeds=2)
    found = []
    for name in ("cpu", "cuda"):
        start = initial(shape, (0, 1))
        start = start.of([tensor.to(name) for tensor in start.tensors])
        inputs = DeviceInputs(
            torch.tensor(values, device=name), torch.tensor(labels, device=name), 255, torch.double
        )
        found.append(score(shape, train(shape, start, inputs, (0, 1), 2), inputs)[0])
    np.testing.assert_allclose(found[1], found[0], atol=1e-8)


def test_dead_networks_are_marked():
    labels = np.arange(128) % 3
    result = train_sweep(
        np.zeros((128, 4), np.float32), labels, dataset="toy", mode="features", source="", classes=3,
        white=None, seeds=(0,), device=torch.device("cpu"),
    )  # fmt: skip
    assert result.dead.all()
    assert replace(result, mode="cls").name == "toy-cls"
