"""How fast is the paper's sweep?

Claim    The 25 networks of one data set, trained at once, with their losses and curves, take at least 25×
         less time than the same one network at a time as the authors describe it.
On       MNIST pixels, first 10,000 objects, 10 epochs, 1 seed, one run; imports and drawing apart.
Against  A plain version of the authors' protocol, written for this: a DataLoader over the torchvision data
         set with its transform, Adam, the loss of one object at a time, 100 permutations and the moving
         average in Python loops. It is run on `--networks` of the 25 (each a whole) and scaled to all by its
         mean. Denormal numbers are flushed for it: without that its Adam alone may take 5 times as long.
Equality Before the clock: equal initial weights and order give equal losses after an epoch in float64.
Measured 2 cores (Xeon, AVX-512), torch 2.14.1: 214 s scaled from 5 networks, at once 5.1 s: 42×. No GPU run.
Run      python -m benchmarks.paper_speed --networks 5 [--root DIR]   (MNIST in torchvision's layout)
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import random
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader, Subset

from benchmarks.claims import Claim, conclude
from sufficient.data.sources import read
from sufficient.heads.ragged import unpacked
from sufficient.landscape.difference import ORDERS
from sufficient.paper.protocol import (
    BATCH_SIZE,
    EPOCHS,
    LEARNING_RATE,
    NETWORKS,
    OBJECTS,
    SMOOTHING,
    Network,
)
from sufficient.paper.sweep import DeviceInputs, initial, ragged, score, train, train_sweep
from sufficient.study.keys import torch_generator

RATIO = 25  # claimed
SAMPLED = (Network(16, 1), Network(64, 5), Network(16, 10), Network(4, 5), Network(32, 3))


def plain_network(network: Network) -> nn.Sequential:
    widths = [784, *[network.hidden] * (network.label + 1), 10]
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        layers += [nn.Linear(a, b, bias=False), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def as_the_authors_describe(images: Subset, network: Network) -> list[float]:
    """Return the smoothed curve of one network: train, one loss at a time, permutations, moving average."""
    model = plain_network(network)
    adam, criterion = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE), nn.CrossEntropyLoss()
    for _ in range(EPOCHS):
        for x, y in DataLoader(images, batch_size=BATCH_SIZE, shuffle=True):
            adam.zero_grad()
            criterion(model(x.flatten(1)), y).backward()
            adam.step()
    losses = []
    with torch.no_grad():
        for x, y in DataLoader(images, batch_size=1):
            losses.append(criterion(model(x.flatten(1)), y).item())
    mean = [0.0] * (len(losses) - 1)
    for _ in range(ORDERS):
        order = random.sample(losses, len(losses))
        total = order[0]
        for k in range(1, len(order)):
            mean[k - 1] += abs(order[k] - total / k) / (k + 1) / ORDERS
            total += order[k]
    smooth = [mean[0]]
    for value in mean[1:]:
        smooth.append(SMOOTHING * smooth[-1] + (1 - SMOOTHING) * value)
    return smooth


def check_equality(pixels: np.ndarray, labels: np.ndarray) -> float:
    """Return the largest difference of a loss between all at once and one at a time, an epoch in float64."""
    shape = ragged(SAMPLED, inputs=784, classes=10, seeds=1)
    start = initial(shape, (0,))
    before = unpacked(shape, start)
    inputs = DeviceInputs(torch.tensor(pixels), torch.tensor(labels), 255, torch.double)
    losses, _ = score(shape, train(shape, start, inputs, (0,), 1), inputs)
    x, worst = inputs.gather(torch.arange(len(labels))[None])[0], 0.0
    by_depth = sorted(SAMPLED, key=lambda network: -network.label)
    for c, network in enumerate(by_depth):
        model = plain_network(network).double()
        with torch.no_grad():
            for linear, W in zip(list(model)[::2], before[c][0], strict=True):
                linear.weight.copy_(W.T)
        adam, criterion = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE), nn.CrossEntropyLoss()
        order = torch.randperm(len(labels), generator=torch_generator("paper batches", 0))
        for rows in order.split(BATCH_SIZE):
            adam.zero_grad()
            criterion(model(x[rows]), inputs.labels[rows]).backward()
            adam.step()
        with torch.no_grad():
            expected = nn.functional.cross_entropy(model(x), inputs.labels, reduction="none").numpy()
        worst = max(worst, float(np.abs(losses[c, 0] - expected).max()))
    return worst


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default="../shared/data")
    parser.add_argument("--networks", type=int, default=3, choices=range(1, len(SAMPLED) + 1))
    given = parser.parse_args()
    torch.set_flush_denormal(True)  # before threads are made, so that it holds for all of them
    labelled = read("mnist", root=given.root)
    pixels, labels = labelled.values[:OBJECTS].reshape(OBJECTS, -1), labelled.labels[:OBJECTS].copy()
    worst = check_equality(pixels[:2_000], labels[:2_000])
    assert worst < 1e-5, f"losses differ by {worst:.1e}"
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for packed in (Path(given.root) / "MNIST" / "raw").glob("*.gz"):
            with gzip.open(packed) as source, open(raw / packed.stem, "wb") as target:
                shutil.copyfileobj(source, target)
        transform = torchvision.transforms.Compose(
            [torchvision.transforms.ToTensor(), torchvision.transforms.Normalize(0.5, 0.5)]
        )
        images = Subset(torchvision.datasets.MNIST(folder, train=True, transform=transform), range(OBJECTS))
        seconds = []
        for network in SAMPLED[: given.networks]:
            began = time.perf_counter()
            as_the_authors_describe(images, network)
            seconds.append(time.perf_counter() - began)
            print(f"one at a time: {network} {seconds[-1]:.1f} s", flush=True)
    plain = float(np.mean(seconds)) * len(NETWORKS)
    sweep = train_sweep(
        pixels, labels, dataset="mnist", mode="pixels", source="", classes=10, white=255, seeds=(0,),
        device=torch.device("cpu"),
    )  # fmt: skip
    print(
        f"25 networks: one at a time {plain:.0f} s, at once {sweep.seconds:.1f} s = "
        f"{plain / sweep.seconds:.0f}× (losses within {worst:.0e} in float64)"
    )
    ratio = plain / sweep.seconds
    conclude(Claim(f"at least {RATIO}× less time at once: {ratio:.0f}×", ratio >= RATIO))


if __name__ == "__main__":
    main()
