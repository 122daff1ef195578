"""Forecasts on runs made elsewhere: `forecast_runs`, and what it returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sufficient.answer.criteria import Criterion, criteria_of
from sufficient.answer.external_runs import RunsAnswer, answer_of, points
from sufficient.data.columns import ColumnTable, Table, frame_table, is_frame, unique_names
from sufficient.data.runs import Runs, read_runs
from sufficient.data.table_files import open_table
from sufficient.errors import DataError, UsageError
from sufficient.files import make_folder, write_atomically
from sufficient.notice import Notice

FORECAST = "forecast.json"


@dataclass(frozen=True)
class RunsForecast:
    """What runs made elsewhere say of each target, in the order asked."""

    spec: str  # of the runs
    test_size: int | None
    answers: tuple[RunsAnswer, ...]
    notices: tuple[Notice, ...]  # of how the runs were read

    def lines(self) -> list[str]:
        """Return the forecasts in words."""
        from sufficient.report.runs_text import explain_runs

        return explain_runs(self.answers, self.notices)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def to_dict(self) -> dict[str, Any]:
        """Return the forecasts as plain JSON values, in the form of the package's `forecast.schema.json`."""
        from sufficient.report.runs_export import runs_dict

        return runs_dict(self.answers, self.notices, spec=self.spec, test_size=self.test_size)

    def save(self, directory: str | Path) -> list[Path]:
        """Write forecast.json and a figure for each target below `directory`; return the paths.

        Raises UsageError where it is a file, ResourceError when the disk says no.
        """
        from sufficient.report.export import dumps
        from sufficient.report.runs_figure import draw_runs

        directory = Path(directory)
        make_folder(directory)
        write_atomically(directory / FORECAST, dumps(self.to_dict()).encode())
        return [directory / FORECAST, *draw_runs(self.answers, directory)]


def forecast_runs(
    runs: Any,
    targets: str | Criterion | Iterable[str | Criterion],
    *,
    n: str | None = None,
    metric: str | None = None,
    replicate: str | None = None,
    test_size: int | None = None,
) -> RunsForecast:
    """Return how many objects each target needs, from runs made elsewhere at several sizes.

    `runs`: a table (.csv, .tsv, .jsonl, .parquet), a DataFrame, or a mapping of columns such as
    {"train_sizes": sizes, "test_scores": scores}, scores (sizes,) or (sizes, folds) as scikit-learn's
    `learning_curve` returns them. `targets` such as "accuracy=0.95". `n`, `metric`, `replicate` name columns
    where `sufficient.data.run_columns` finds none or several. `test_size`: different unseen objects that each
    size was scored on, so that their noise counts.
    Raises UsageError for columns that are ambiguous and targets that cannot be meant, DataError for runs that
    cannot be read. Too few sizes, or a curve that no law describes, is a notice of the forecast.
    """
    asked = criteria_of(targets=[targets] if isinstance(targets, str | Criterion) else targets)
    if not asked:
        raise UsageError("no target was given: ask for one, such as --target accuracy=0.95.")
    if test_size is not None and test_size < 1:
        raise UsageError(f"--test-size {test_size} is no number of objects; give at least 1.")
    spec, table = _table(runs)
    answers, notices = [], list[Notice]()
    for each in asked:
        read = read_runs(table, _kind(each), spec=spec, n=n, metric=metric, replicate=replicate)
        falling = [1 - v for v in read.values] if read.kind == "accuracy" else list(read.values)
        curve = points(read.sizes, falling, kind=read.kind, test_size=test_size, paired=read.paired)
        answers.append(answer_of(curve, each, columns=read.columns))
        notices += [*read.notices, *_noise(read, test_size)]
    return RunsForecast(spec, test_size, tuple(answers), tuple(dict.fromkeys(notices)))


def _kind(asked: Criterion) -> Any:
    return asked.kind  # `criteria_of` lets only accuracy, error and loss through


def _noise(read: Runs, test_size: int | None) -> list[Notice]:
    """Return what is not known of the noise."""
    found = []
    if all(len(values) == 1 for values in read.values):
        found.append(
            Notice(
                "ONE-REPLICATE",
                "Every size was run once, so how much a run varies was taken from the scatter about a smooth "
                "curve: repeat some sizes with other seeds for an interval that can be trusted more.",
            )
        )
    if test_size is None and read.kind != "loss":
        found.append(
            Notice(
                "TEST-SIZE-UNKNOWN",
                "How many unseen objects the runs were scored on is not known, so the noise of having only "
                "so many is left out and intervals are too narrow: give --test-size.",
            )
        )
    return found


def _table(runs: Any) -> tuple[str, Table]:
    """Return how the runs are called, and their table."""
    if isinstance(runs, str | Path):
        path = Path(runs)
        if path.is_dir():
            raise DataError(
                f"{runs} is a directory; give a table of runs, or `sufficient report` for a run of this tool."
            )
        return str(runs), open_table(path, spec=str(runs), any_delimiter=True)
    if is_frame(runs):
        return "the table", frame_table(runs, spec="the table")
    if isinstance(runs, Mapping):
        return "the runs", _columns(runs)
    raise UsageError(
        f"runs are a file, a DataFrame or a mapping of columns, not {type(runs).__name__}: give one of these."
    )


def _columns(runs: Mapping[str, Any]) -> ColumnTable:
    """Return a table of columns; one of shape (sizes, folds) becomes a column for each fold."""
    columns: dict[str, Sequence[Any]] = {}
    for name, given in runs.items():
        cells = np.asarray(given)
        if cells.ndim == 2:
            columns |= {f"{name}_{fold}": cells[:, fold].tolist() for fold in range(cells.shape[1])}
        else:
            columns[name] = cells.ravel().tolist()
    lengths = {name: len(cells) for name, cells in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
        raise DataError(
            f"the runs have columns of different lengths ({shown}); give one value for each size."
        )
    return ColumnTable("the runs", unique_names("the runs", list(columns)), columns.__getitem__)
