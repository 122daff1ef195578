"""An `Estimate`: the answer, the record it follows from, and everything that can be made of the two."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sufficient import __version__
from sufficient.answer.answer import Answer, CurvePoint, Forecast, Outlook, Rate, SizeInterval, Verdict
from sufficient.answer.verdict import judge
from sufficient.errors import ResourceError
from sufficient.files import write_atomically
from sufficient.options import RunOptions
from sufficient.study.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sufficient.data.labelled import Skipped

RESULT = "result.json"
ENVIRONMENT = "environment.json"
SKIPPED = "skipped.csv"


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

    @property
    def verdict(self) -> Verdict:
        """One of "sufficient", "insufficient", "inconclusive"."""
        return self.answer.verdict

    @property
    def k_sufficient(self) -> int | None:
        """Objects from which on the tolerance is met; None unless sufficient."""
        return self.answer.k_sufficient

    @property
    def k_interval(self) -> SizeInterval | None:
        """Its 95 % interval; an open end is None."""
        return self.answer.k_interval

    @property
    def forecast(self) -> Forecast | None:
        """How many objects the tolerance is forecast to need; None when sufficient."""
        return self.answer.forecast

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

    def judged(self, *, tol: float, confirm: int | None = None) -> Estimate:
        """Return the estimate for another tolerance (nats), from the same record: nothing is trained."""
        options = replace(self.options, tol=tol, confirm=confirm or self.options.confirm)
        answer = judge(self.record, tol=options.tol, confirm=options.confirm)
        return replace(self, answer=answer, options=options)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw the curve on matplotlib axes (new ones unless given) and return them."""
        from sufficient.report.figures import CurveDisplay

        return CurveDisplay(self.answer).plot(axes)

    def lines(self) -> list[str]:
        """Return the answer in words, the headline first."""
        from sufficient.report.text import explain, headline

        return [
            headline(self.answer),
            "",
            *explain(
                self.answer,
                model=self.record.model["description"],
                features=f"{self.record.features['name']}: {self.record.features['reason']}",
                data=self.record.data,
            ),
        ]

    def __repr__(self) -> str:
        sizes = f"{len(self.curve)} sizes to {self.curve[-1].k:,}" if self.curve else "no size"
        tol = self.answer.tolerance
        return f"Estimate({self.verdict!r}, k_sufficient={self.k_sufficient}, tol={tol}, {sizes})"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values, in the form of the package's `result.schema.json`."""
        from sufficient.report.export import to_dict

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
        plain = replace(self, artifacts=artifacts)
        write_atomically(directory / RESULT, dumps(plain.to_dict()).encode())
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
