"""Made-up sweeps with known slopes, and a stand-in for their training."""

from __future__ import annotations

import numpy as np

from sufficient.paper.protocol import NETWORKS, Network, Sweep
from sufficient.paper.store import Origin, Saved
from sufficient.paper.sweep import curve_grid, smoothed

H = np.array([network.hidden for network in NETWORKS], dtype=float)
LAYERS = np.array([network.layers for network in NETWORKS], dtype=float)


def made_up(
    *,
    alpha=-0.3,
    beta=0.4,
    seeds=5,
    noise=0.05,
    dead=(),  # pairs (seed, Network)
    dataset="mnist",
    mode="pixels",
    objects=10_000,
    scale=0.6,
    random=0,
) -> Sweep:
    generator = np.random.default_rng(random)
    constant = scale * H**alpha * LAYERS**beta * np.exp(noise * generator.standard_normal((seeds, 25)))
    gone = np.zeros((seeds, 25), dtype=bool)
    for seed, network in dead:
        gone[seed, NETWORKS.index(network)] = True
    constant[gone] = 0
    grid = curve_grid(objects)
    curve = smoothed(1 / (np.arange(1, objects) + 1.0))[grid - 1]
    return Sweep(
        dataset=dataset,
        mode=mode,
        source=f"the first {objects:,} made-up objects",
        objects=objects,
        classes=10,
        seeds=tuple(range(seeds)),
        grid=grid,
        constant=constant,
        drawn=constant[..., None] * curve,
        accuracy=np.where(gone, 0.1, generator.uniform(0.5, 0.9, (seeds, 25))),
        largest_loss=np.where(gone, 2.3, 20 * constant),
        dead=gone,
        seconds=1.5,
    )


def saved(sweep: Sweep, *, paper_inputs=True) -> Saved:
    return Saved(sweep, Origin(sweep.dataset, paper_inputs, "f" * 64))


class Trainer:
    """A stand-in for `train_sweep` that counts its calls."""

    def __init__(self):
        self.calls = []

    def __call__(
        self, values, labels, *, dataset, mode, source, classes, white, seeds, device, progress
    ) -> Sweep:
        self.calls.append((f"{dataset}-{mode}", values, labels, white, source, classes))
        progress(1, 2)
        progress(2, 2)
        sweep = made_up(dataset=dataset, mode=mode, seeds=len(seeds), objects=len(labels))
        return Sweep(**{**vars(sweep), "source": source, "classes": classes, "seeds": tuple(seeds)})


NARROW = Network(4, 5)
