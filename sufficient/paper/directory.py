"""The directory of one run: who may write to it, and the files that follow from its sweeps.

- `config.toml`: what was asked for, last
- `sweeps/NAME.safetensors`: one sweep, the unit of resume
- `sweep.csv`, `report.json`, `report.md`, `figures/`, `environment.json`: what follows from the sweeps
"""

from __future__ import annotations

import contextlib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from sufficient.errors import ResourceError, UsageError
from sufficient.files import write_atomically
from sufficient.paper.plan import PaperOptions
from sufficient.paper.report import PaperReport, sweep_csv
from sufficient.run_directory import CONFIG, UNFINISHED, held

SWEEPS, FIGURES = "sweeps", "figures"
CSV, JSON, MARKDOWN, ENVIRONMENT = "sweep.csv", "report.json", "report.md", "environment.json"


@contextlib.contextmanager
def opened(directory: Path, options: PaperOptions, *, resume: bool) -> Iterator[None]:
    """Hold the directory for one run, alone.

    Raises UsageError where it holds something else, ResourceError where another process writes to it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"--out {directory} is a file, or lies below one; give a directory.") from error
    except OSError as error:
        raise ResourceError(f"cannot make --out {directory}: {error.strerror}; choose another.") from error
    with held(directory):
        if any(not UNFINISHED.fullmatch(path.name) for path in directory.iterdir()):
            if not resume:
                raise UsageError(
                    f"--out {directory} is not empty; go on with --resume or give a new directory."
                )
            if not _is_paper_run(directory / CONFIG):
                raise UsageError(
                    f"--out {directory} holds files but no run of `sufficient paper`; give a new directory."
                )
        for folder in (directory, directory / SWEEPS, directory / FIGURES):
            for path in folder.glob(".*.part"):
                if UNFINISHED.fullmatch(path.name):
                    path.unlink()  # half a file of a killed run
        write_atomically(directory / CONFIG, _toml(options).encode())
        yield


def write_report(report: PaperReport, directory: Path) -> PaperReport:
    """Write what follows from the sweeps, `report.json` last; return the report with its artifacts."""
    from sufficient.paper.figures import draw_panels
    from sufficient.paper.markdown import markdown
    from sufficient.report.export import dumps

    figures = [
        path
        for saved in (sweep.saved for sweep in report.sweeps)
        for path in draw_panels(saved.sweep, directory / FIGURES, like_inputs=saved.origin.of_the_paper)
    ]
    artifacts = {
        "config": CONFIG,
        "sweeps": SWEEPS,
        "report": JSON,
        "text": MARKDOWN,
        "table": CSV,
        "environment": ENVIRONMENT,
    } | {path.name: path.relative_to(directory).as_posix() for path in figures}
    written = replace(report, artifacts=artifacts)
    write_atomically(directory / CSV, sweep_csv(report.sweeps).encode())
    write_atomically(directory / ENVIRONMENT, dumps(report.environment).encode())
    write_atomically(directory / MARKDOWN, markdown(written, figures=FIGURES).encode())
    write_atomically(directory / JSON, dumps(written.to_dict()).encode())
    return written


def _is_paper_run(config: Path) -> bool:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8")).get("command") == "paper"
    except (OSError, ValueError):
        return False


def _toml(options: PaperOptions) -> str:
    lines = ["# what this run was asked for, last", 'command = "paper"']
    for name, value in asdict(options).items():
        lines.append(f"# {name}: not set" if value is None else f"{name} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"
