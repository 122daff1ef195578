"""The reproduction as data: what `report.json` and `sweep.csv` hold."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sufficient import __version__
from sufficient.landscape.difference import FLAT_SPREAD, ORDERS
from sufficient.paper.claims import PANELS, SweepClaims, judge_claims, live_networks
from sufficient.paper.plan import PAPER_SETS
from sufficient.paper.protocol import (
    BATCH_SIZE,
    EPOCHS,
    LEARNING_RATE,
    NETWORKS,
    OBJECTS,
    SMOOTHING,
    Mode,
)
from sufficient.paper.published import Count, PublishedComparison, compare, count, published_slopes
from sufficient.paper.store import Saved
from sufficient.report.export import plain
from sufficient.rounding import tolerance

SCHEMA_VERSION = 1
MODES: tuple[Mode, ...] = ("pixels", "pooler", "cls", "features")  # in the order of tables
COLUMNS = ("dataset", "mode", "h", "L", "layers", "seed", "C", "accuracy", "dead")

PROTOCOL: dict[str, Any] = {
    "objects": f"at most {OBJECTS:,}, exact copies kept: of the paper's sets the first of the training "
    "split, of other data those that the sweep's source names",
    "network": "fully connected, ReLU after every linear layer but the last, no biases",
    "depth": "L, as the figures label it, counts the maps from hidden layer to hidden layer: "
    "a network labelled L has L + 2 linear layers",
    "networks": [{"h": net.hidden, "L": net.label, "layers": net.layers} for net in NETWORKS],
    "training": f"Adam, learning rate {tolerance(LEARNING_RATE)}, batch {BATCH_SIZE}, {EPOCHS} epochs, "
    "torch's default Linear initialisation",
    "orders": ORDERS,
    "smoothing": SMOOTHING,
    "dead": f"max − min of the losses over all objects below {tolerance(FLAT_SPREAD)} nats",
}


@dataclass(frozen=True)
class NotRun:
    """A sweep that could not be run, and the way on."""

    what: str
    reason: str
    next: str


@dataclass(frozen=True)
class SweepReport:
    """A sweep with what follows from it."""

    saved: Saved
    reused: bool  # trained in an earlier sitting
    claims: SweepClaims
    comparisons: tuple[PublishedComparison, ...]  # against the published curves

    @classmethod
    def of(cls, saved: Saved, *, reused: bool) -> SweepReport:
        """Return the report of a sweep."""
        return cls(saved, reused, judge_claims(saved.sweep), compare(saved.sweep))

    @property
    def dead(self) -> int:
        """Trainings that died, of all seeds and networks."""
        return int(self.saved.sweep.dead.sum())

    @property
    def trainings(self) -> int:
        """Networks times seeds."""
        return int(self.saved.sweep.dead.size)


@dataclass(frozen=True)
class PaperReport:
    """Everything that a run of `sufficient paper` leaves."""

    sweeps: tuple[SweepReport, ...]
    not_run: tuple[NotRun, ...]
    environment: dict[str, Any]
    seconds: float  # of this sitting
    artifacts: dict[str, str]  # name → path below the run's directory

    @property
    def on_paper_inputs(self) -> tuple[SweepReport, ...]:
        """The sweeps on the very inputs of the paper: only these can be held against its curves."""
        return tuple(sweep for sweep in self.sweeps if sweep.saved.origin.paper_inputs)

    def count(self) -> Count:
        """Return how many published curves lie within our seeds' range, over the sweeps on like inputs."""
        return count(comparison for sweep in self.on_paper_inputs for comparison in sweep.comparisons)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values; numbers that are not finite become None."""
        strict: dict[str, Any] = plain(
            {
                "schema_version": SCHEMA_VERSION,
                "tool": {"name": "sufficient", "version": __version__},
                "command": "paper",
                "protocol": PROTOCOL,
                "sweeps": [_sweep_block(sweep) for sweep in self.sweeps],
                "published": asdict(self.count()),
                "not_run": [asdict(item) for item in self.not_run],
                "environment": self.environment,
                "artifacts": self.artifacts,
                "seconds": round(self.seconds, 3),
            }
        )
        return strict


def in_order(sweeps: Sequence[SweepReport]) -> tuple[SweepReport, ...]:
    """Return the sweeps as tables list them: the paper's data sets first, pixels before features."""

    def place(report: SweepReport) -> tuple[int, str, int]:
        sweep = report.saved.sweep
        known = PAPER_SETS.index(sweep.dataset) if sweep.dataset in PAPER_SETS else len(PAPER_SETS)
        return known, sweep.dataset, MODES.index(sweep.mode)

    return tuple(sorted(sweeps, key=place))


def sweep_csv(sweeps: Sequence[SweepReport]) -> str:
    """Return one row a training; C in nats, an empty cell where a loss was not finite."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for sweep in (report.saved.sweep for report in sweeps):
        for s, seed in enumerate(sweep.seeds):
            for n, net in enumerate(NETWORKS):
                constant = float(sweep.constant[s, n])
                writer.writerow(
                    [
                        *(sweep.dataset, sweep.mode, net.hidden, net.label, net.layers, seed),
                        constant if math.isfinite(constant) else "",
                        float(sweep.accuracy[s, n]),
                        str(bool(sweep.dead[s, n])).lower(),
                    ]
                )
    return text.getvalue()


def _sweep_block(report: SweepReport) -> dict[str, Any]:
    sweep, origin = report.saved.sweep, report.saved.origin
    published = published_slopes(sweep.dataset, sweep.mode)
    return {
        "name": sweep.name,
        "dataset": sweep.dataset,
        "mode": sweep.mode,
        "source": sweep.source,
        "spec": origin.spec,
        "inputs_of_the_paper": origin.paper_inputs,
        "fingerprint": origin.fingerprint,
        "objects": sweep.objects,
        "classes": sweep.classes,
        "seeds": sweep.seeds,
        "epochs": report.saved.epochs,
        "dead": {
            "trainings": report.dead,
            "of": report.trainings,
            "networks": [
                {"h": net.hidden, "L": net.label, "layers": net.layers, "dead": dead}
                for net, dead in zip(NETWORKS, sweep.dead.sum(axis=0).tolist(), strict=True)
                if dead
            ],
        },
        "not_finite": int((~live_networks(sweep)).sum()) - report.dead,
        "claims": [asdict(claim) for claim in report.claims.claims],
        "published_run": None if published is None else published._asdict(),
        "drawn": {
            panel: {
                "networks": [{"h": net.hidden, "L": net.label} for net in PANELS[panel]],
                **asdict(drawn),
            }
            for panel, drawn in report.claims.drawn.items()
        },
        "published": [
            {**asdict(item), "network": {"h": item.network.hidden, "L": item.network.label}}
            for item in report.comparisons
        ],
        "reused": report.reused,
        "seconds": round(sweep.seconds, 3),
    }
