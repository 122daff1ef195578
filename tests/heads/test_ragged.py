import itertools

import pytest
import torch

from sufficient.heads.descent import Descent
from sufficient.heads.ragged import Ragged, forward, gradients, packed, unpacked

WIDTHS, MAPS = (3, 6, 4, 6, 2), (3, 3, 1, 0, 0)  # among them networks without any hidden map
SHAPE = Ragged(widths=WIDTHS, maps=MAPS, seeds=2, inputs=5, classes=4)


def plain_networks():
    random = torch.Generator().manual_seed(0)

    def draw(width, maps):
        sizes = [5, *[width] * (maps + 1), 4]
        return [torch.randn(a, b, generator=random, dtype=torch.double) for a, b in itertools.pairwise(sizes)]

    return [[draw(width, maps) for _ in range(2)] for width, maps in zip(WIDTHS, MAPS, strict=True)]


def logits(matrices, x):
    for W in matrices[:-1]:
        x = (x @ W).relu()
    return x @ matrices[-1]


@pytest.fixture
def batch():
    random = torch.Generator().manual_seed(1)
    return torch.randn(2, 7, 5, generator=random, dtype=torch.double), torch.randint(
        4, (2, 7), generator=random
    )


def test_packed_and_unpacked():
    plain = plain_networks()
    back = unpacked(SHAPE, packed(SHAPE, plain))
    for c, s in itertools.product(range(5), range(2)):
        assert len(back[c][s]) == MAPS[c] + 2
        assert all(torch.equal(a, b) for a, b in zip(back[c][s], plain[c][s], strict=True))


def test_forward_equals_each_network_alone(batch):
    plain = plain_networks()
    z = forward(SHAPE, packed(SHAPE, plain), batch[0], SHAPE.columns)[-1].view(5, 2, 7, 4)
    for c, s in itertools.product(range(5), range(2)):
        torch.testing.assert_close(z[c, s], logits(plain[c][s], batch[0][s]))


def test_gradients_equal_autograd_and_are_0_where_padded(batch):
    x, labels = batch
    plain = plain_networks()
    stack = packed(SHAPE, plain)
    into = stack.of([torch.full_like(tensor, 7.0) for tensor in stack.tensors])
    gradients(SHAPE, stack, x, labels, SHAPE.columns, into)
    found = unpacked(SHAPE, into)
    for c, s in itertools.product(range(5), range(2)):
        matrices = [W.clone().requires_grad_() for W in plain[c][s]]
        torch.nn.functional.cross_entropy(logits(matrices, x[s]), labels[s]).backward()
        for W, gradient in zip(matrices, found[c][s], strict=True):
            torch.testing.assert_close(gradient, W.grad)
    everything = sum(int((tensor != 0).sum()) for tensor in into.tensors)
    inside = sum(int((W != 0).sum()) for seeds in found for matrices in seeds for W in matrices)
    assert everything == inside, "a padded weight has a gradient"


def test_padding_stays_0_under_adam(batch):
    x, labels = batch
    stack = packed(SHAPE, plain_networks())
    padded = [tensor == 0 for tensor in stack.tensors]
    into = stack.of([torch.zeros_like(tensor) for tensor in stack.tensors])

    def write_gradients(indices):
        gradients(SHAPE, stack, x, labels, SHAPE.columns, into)

    descent = Descent(stack.tensors, into.tensors, write_gradients, lr=0.1)
    for _ in range(120):  # past the first sweep of the moments
        descent.step(torch.zeros(1, dtype=torch.int64))
    assert sum(int(mask.sum()) for mask in padded) > 0
    for tensor, mask in zip(stack.tensors, padded, strict=True):
        assert (tensor[mask] == 0).all()


def test_depth_must_fall():
    with pytest.raises(ValueError, match="falling depth"):
        Ragged(widths=(2, 2), maps=(1, 3), seeds=1, inputs=3, classes=2)
