"""An `Estimate`: the answer, the record it follows from, and everything that can be made of the two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sufficient import __version__
from sufficient.answer.answer import (
    Answer,
    ClassAnswer,
    CriterionAnswer,
    CurvePoint,
    Outlook,
    Rate,
    SizeInterval,
    Verdict,
)
from sufficient.answer.criteria import Criterion, criterion
from sufficient.answer.measures import Measures
from sufficient.answer.verdict import answered, judge
from sufficient.errors import ResourceError
from sufficient.files import write_atomically
from sufficient.options import RunOptions
from sufficient.study.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sufficient.answer.plan import Plan
    from sufficient.data.labelled import Skipped
    from sufficient.notice import Notice

RESULT = "result.json"
ENVIRONMENT = "environment.json"
SKIPPED = "skipped.csv"
PLAN = "plan.json"
PAGE = "report.html"


@dataclass(frozen=True, repr=False)
class Estimate:
    """Is the data set large enough for this model, and if not, how many more objects does it need?"""

    answer: Answer
    record: Record
    options: RunOptions
    environment: dict[str, Any]
    skipped: tuple[Skipped, ...] = ()
    seconds: float = 0.0  # of the last sitting
    resumed: bool = False
    command: str = "estimate"
    artifacts: dict[str, str] = field(default_factory=dict)  # name → path below the run's directory
    planned: dict[str, Any] | None = None  # what `sufficient plan` left in the run

    @property
    def verdict(self) -> Verdict:
        """One of "sufficient", "insufficient", "inconclusive"."""
        return self.answer.verdict

    @property
    def k_sufficient(self) -> int | None:
        """Objects from which on all that is asked is met; None unless sufficient."""
        return self.answer.k_sufficient

    @property
    def k_interval(self) -> SizeInterval | None:
        """Its 95 % interval; an open end is None."""
        return self.answer.k_interval

    @property
    def curve(self) -> tuple[CurvePoint, ...]:
        """One point a sample size."""
        return self.answer.curve

    @property
    def rate(self) -> Rate | None:
        """Observed exponent of the difference in k, beside Lemma 1's −1."""
        return self.answer.rate

    @property
    def outlook(self) -> Outlook | None:
        """Accuracy and loss on unseen objects, now and at twice the largest size run."""
        return self.answer.outlook

    @property
    def per_class(self) -> tuple[ClassAnswer, ...]:
        """Each class at the largest size that learned, the largest share of the error first."""
        return self.answer.per_class

    def judged(
        self,
        *,
        tol: float | None = None,
        rel_tol: float | None = None,
        targets: str | Sequence[str] = (),
        min_gain: float | None = None,
        confirm: int | None = None,
    ) -> Estimate:
        """Return the estimate for what is asked here and nothing else: nothing is trained.

        `tol` in nats, `targets` such as "accuracy=0.95", as in `sufficient.estimate`.
        """
        options = replace(
            self.options,
            tol=tol,
            rel_tol=rel_tol,
            targets=tuple([targets] if isinstance(targets, str) else targets),
            min_gain=min_gain,
            confirm=self.options.confirm if confirm is None else confirm,
        )
        answer = judge(self.record, tol=options.tol, criteria=options.criteria, confirm=options.confirm)
        return replace(self, answer=answer, options=options)

    def with_warnings(self, notices: Iterable[Notice]) -> Estimate:
        """Return the estimate with more to say of its answer."""
        return replace(self, answer=replace(self.answer, warnings=(*self.answer.warnings, *notices)))

    def forecast(
        self, targets: str | Criterion | Iterable[str | Criterion] | None = None
    ) -> tuple[CriterionAnswer, ...]:
        """Return what each target needs, its verdict beside it; without any, what this estimate was asked.

        A target is a text such as "accuracy=0.95", "loss=0.2", "rel-tol=1e-3", "tol=1e-4" or "min-gain=0.01",
        or a `Criterion`. Nothing is trained. Raises UsageError for what cannot be meant.
        """
        if targets is None:
            return self.answer.asked
        given = (targets,) if isinstance(targets, str | Criterion) else targets
        measures = Measures(self.record)
        return tuple(answered(measures, criterion(each), confirm=self.options.confirm) for each in given)

    def plan(
        self,
        *,
        cost: float | Mapping[str, float],
        budget: float | None = None,
        rounds: int = 1,
        round_cost: float = 0.0,
        success: float | None = None,
        penalty: float | None = None,
        shortage: float | None = None,
        targets: str | Criterion | Iterable[str | Criterion] | None = None,
    ) -> Plan:
        """Return how many objects to collect in this round and each later one, at the least expected cost.

        `cost`: money for one object, or for one of each class. Weighed against it is one of `success` (wanted
        probability of reaching the target by the last round, from now on; 0.9 unless another is given),
        `penalty` (money, where it is missed) and `shortage` (money for each object then missing).
        `targets` as in `forecast`; without any, what this estimate was asked. Nothing is trained.
        Raises UsageError for what cannot be meant, a least gain alone among it, and DataError where there is
        no forecast to plan with.
        """
        from sufficient.answer.plan import SUCCESS, Goal
        from sufficient.answer.planning import plan_collection

        if success is penalty is shortage is None:
            success = SUCCESS
        given = (targets,) if isinstance(targets, str | Criterion) else targets
        own = [each.criterion for each in self.answer.asked]
        return plan_collection(
            Measures(self.record),
            own if given is None else [criterion(each) for each in given],
            Goal(success, penalty, shortage),
            cost=cost,
            round_cost=round_cost,
            rounds=rounds,
            budget=budget,
            confirm=self.options.confirm,
        )

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw the curve on matplotlib axes (new ones unless given) and return them."""
        from sufficient.report.curve import CurveDisplay

        return CurveDisplay(self.answer.of_tolerance).plot(axes).ax_

    def lines(self) -> list[str]:
        """Return the answer in words, the headline first."""
        from sufficient.report.lines import labelled
        from sufficient.report.text import explain, headline

        return [headline(self.answer), "", *labelled(explain(self.answer, self.record))]

    def __repr__(self) -> str:
        sizes = f"{len(self.curve)} sizes to {self.curve[-1].k:,}" if self.curve else "no size"
        asked = ", ".join(str(each.criterion) for each in self.answer.asked)
        return f"Estimate({self.verdict!r}, k_sufficient={self.k_sufficient}, {asked}, {sizes})"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        from sufficient.report.notebook import notebook_html

        return notebook_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values, in the form of the package's `result.schema.json`."""
        from sufficient.report.export import to_dict
        from sufficient.report.plan_export import of_result

        return to_dict(
            self.answer,
            command=self.command,
            tool_version=__version__,
            data=self.record.data,
            features=self.record.features,
            model=self.record.model,
            environment=self.environment,
            artifacts=self.artifacts,
            resumed=self.resumed,
            seconds=round(self.seconds, 3),
            plan=of_result(self.planned),
        )

    def save(self, directory: str | Path) -> Estimate:
        """Write the run below `directory`, as `sufficient estimate --out` does; return it with its artifacts.

        Raises ResourceError when the disk says no, UsageError when the directory is not empty.
        """
        from sufficient.run_directory import RECORD, begin, opened
        from sufficient.study.store import write_record

        directory = Path(directory)
        with opened(directory, self.options, resume=False):
            begin(directory, self.options)
            write_record(directory / RECORD, self.record)
            return self.write_answer(directory)

    def write_answer(self, directory: Path) -> Estimate:
        """Write what follows from the record beside it, and return self with its artifacts.

        The small files come first, so that a disk too full for figures still holds the result.
        """
        from sufficient.report.export import curve_csv, dumps, skipped_csv
        from sufficient.report.figures import draw_all
        from sufficient.report.page import page
        from sufficient.run_directory import FIGURES

        write_atomically(directory / "curve.csv", curve_csv(self.answer).encode())
        write_atomically(directory / SKIPPED, skipped_csv(self.skipped).encode())
        write_atomically(directory / ENVIRONMENT, dumps(self.environment).encode())
        artifacts = {
            "config": "config.toml",
            "record": "record",
            "result": RESULT,
            "curve": "curve.csv",
            "skipped": SKIPPED,
            "environment": ENVIRONMENT,
        }
        if self.planned is not None:
            artifacts["plan"] = PLAN
        plain = replace(self, artifacts=artifacts)
        write_atomically(directory / RESULT, dumps(plain.to_dict()).encode())
        write_atomically(directory / PAGE, page(self).encode())
        artifacts["report"] = PAGE
        figures = draw_all(self.answer, self.record, directory / FIGURES, title=self._title())
        artifacts |= {path.name: path.relative_to(directory).as_posix() for path in figures}
        drawn = replace(self, artifacts=artifacts)
        write_atomically(directory / RESULT, dumps(drawn.to_dict()).encode())
        return drawn

    def _title(self) -> str:
        parts = [self.record.data["spec"], self.record.features["name"], self.record.model["description"]]
        return " · ".join(parts)


class NotWrittenError(ResourceError):
    """The answer is there, but its files could not all be written: `estimate` holds it."""

    def __init__(self, error: ResourceError, estimate: Estimate) -> None:
        super().__init__(str(error))
        self.estimate = estimate
