import pytest
import torch

from sufficient.heads.objects import Objects
from sufficient.heads.score import distance, gradient_norm, score
from sufficient.heads.stack import Architecture, Stack, forward, gradients, initial_stack
from tests.oracles import module_of


def generators(count, first=0):
    return [torch.Generator().manual_seed(first + i) for i in range(count)]


def double(stack):
    return stack.of([tensor.double() for tensor in stack.tensors])


@pytest.fixture(
    params=[(False, 1), (False, 3), (True, 3), (True, 2)], ids=["linear", "deep", "bias", "shallow"]
)
def stack(request):
    bias, layers = request.param
    architecture = Architecture(inputs=7, classes=4, hidden=6, layers=layers, bias=bias)
    return double(initial_stack(architecture, generators(3)))


@pytest.fixture
def objects():
    generator = torch.Generator().manual_seed(9)
    values = torch.randn(40, 7, generator=generator, dtype=torch.float64)
    return Objects(values, torch.randint(4, (40,), generator=generator))


INDEX = torch.tensor([[0, 5, 9, 3], [1, 1, 2, 30], [39, 4, 7, 8]])


def test_forward_equals_one_network_at_a_time(stack, objects):
    logits = forward(stack, objects.gather(INDEX))[-1]
    for model in range(3):
        torch.testing.assert_close(logits[model], module_of(stack, model)(objects.values[INDEX[model]]))


def test_gradients_equal_autograd(stack, objects):
    into = stack.of([torch.full_like(tensor, 7.0) for tensor in stack.tensors])
    gradients(stack, objects.gather(INDEX), objects.labels[INDEX], into)
    for model in range(3):
        network = module_of(stack, model)
        loss = torch.nn.functional.cross_entropy(
            network(objects.values[INDEX[model]]), objects.labels[INDEX[model]]
        )
        loss.backward()
        linears = list(network)[::2]
        for p, linear in enumerate(linears):
            torch.testing.assert_close(into.weights[p][model], linear.weight.grad.T)
            if into.biases:
                torch.testing.assert_close(into.biases[p][model, 0], linear.bias.grad)


def test_initial_weights_have_the_range_of_torch_linear_and_follow_their_key():
    architecture = Architecture(inputs=100, classes=10, hidden=50, layers=3, bias=True)
    first = initial_stack(architecture, generators(2))
    for p, inputs in enumerate((100, 50, 50)):
        limit = inputs**-0.5
        assert first.weights[p].abs().max() <= limit
        assert first.weights[p].std() == pytest.approx(limit / 3**0.5, rel=0.05)
        assert first.biases[p].abs().max() <= limit
    again = initial_stack(architecture, generators(1, first=1))
    assert torch.equal(again.weights[0][0], first.weights[0][1])


def test_parameters_are_counted_as_torch_counts_them():
    for bias in (False, True):
        architecture = Architecture(inputs=784, classes=10, hidden=64, layers=3, bias=bias)
        network = module_of(initial_stack(architecture, generators(1)), 0)
        assert architecture.parameters == sum(tensor.numel() for tensor in network.parameters())


def test_scores_equal_one_network_at_a_time_whatever_the_chunks(stack, objects, monkeypatch):
    whole = score(stack, objects, INDEX)
    monkeypatch.setattr("sufficient.heads.objects.CHUNK_BYTES", 3 * 7 * 8)  # one object a chunk
    pieces = score(stack, objects, INDEX)
    torch.testing.assert_close(whole.losses, pieces.losses)
    for model in range(3):
        logits = module_of(stack, model)(objects.values[INDEX[model]])
        expected = torch.nn.functional.cross_entropy(logits, objects.labels[INDEX[model]], reduction="none")
        torch.testing.assert_close(whole.losses[model], expected.detach())
        assert torch.equal(whole.predicted[model], logits.argmax(dim=1))


def test_gradient_norm_is_that_of_the_mean_loss(stack, objects, monkeypatch):
    monkeypatch.setattr("sufficient.heads.objects.CHUNK_BYTES", 3 * 3 * 7 * 8)  # chunks of 3 and 1
    norms = gradient_norm(stack, objects, INDEX)
    for model in range(3):
        network = module_of(stack, model)
        torch.nn.functional.cross_entropy(
            network(objects.values[INDEX[model]]), objects.labels[INDEX[model]]
        ).backward()
        flat = torch.cat([tensor.grad.flatten() for tensor in network.parameters()])
        assert norms[model].item() == pytest.approx(flat.norm().item(), rel=1e-12)


def test_distance_is_euclidean_over_all_parameters(stack):
    other = stack.of([tensor + 0.5 for tensor in stack.tensors])
    count = sum(tensor[0].numel() for tensor in stack.tensors)
    torch.testing.assert_close(
        distance(stack, other), torch.full((3,), 0.5 * count**0.5, dtype=torch.float64)
    )


def test_rows_are_copies():
    stack = Stack((torch.zeros(2, 3, 4),))
    stack.rows(slice(0, 1)).weights[0].add_(1)
    assert stack.weights[0].sum() == 0


def test_standardised_columns_use_only_the_fitted_objects_of_each_model(objects):
    fitted = torch.tensor([[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]])
    view = objects.standardised(fitted)
    seen = view.gather(fitted)
    torch.testing.assert_close(seen.mean(dim=1), torch.zeros(3, 7, dtype=torch.float64))
    torch.testing.assert_close(seen.std(dim=1, correction=0), torch.ones(3, 7, dtype=torch.float64))
    raw = objects.values[5] - objects.values[fitted[1]].mean(dim=0)
    expected = raw / objects.values[fitted[1]].std(dim=0, correction=0)
    torch.testing.assert_close(view.gather(torch.full((3, 1), 5))[1, 0], expected)


def test_standardising_leaves_constant_columns_finite():
    values = torch.ones(6, 2)
    values[:, 1] = torch.arange(6.0)
    view = Objects(values, torch.zeros(6, dtype=torch.int64)).standardised(torch.tensor([[0, 1, 2]]))
    assert torch.isfinite(view.gather(torch.tensor([[3, 4, 5]]))).all()
