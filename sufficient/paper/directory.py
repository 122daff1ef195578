"""The directory of one run: who may write to it, and the files that follow from its sweeps.

- `config.toml`: what was asked for, last
- `sweeps/NAME.safetensors`: one sweep, the unit of resume
- `report.html`, `report.md`, `report.json`, `sweep.csv`, `figures/`, `environment.json`: what follows
"""

from __future__ import annotations

import contextlib
import json
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from sufficient.files import write_atomically
from sufficient.paper.plan import PaperOptions
from sufficient.paper.report import PaperReport, sweep_csv
from sufficient.run_directory import CONFIG, Kind, entered

SWEEPS, FIGURES = "sweeps", "figures"
CSV, JSON, MARKDOWN, PAGE = "sweep.csv", "report.json", "report.md", "report.html"
ENVIRONMENT = "environment.json"


def _is_paper_run(directory: Path) -> bool:
    try:
        config = tomllib.loads((directory / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return config.get("command") == "paper"


PAPER = Kind("run of `sufficient paper`", _is_paper_run, folders=(SWEEPS, FIGURES))


@contextlib.contextmanager
def opened(
    directory: Path, options: PaperOptions, *, resume: bool, differing: Callable[[], Sequence[str]]
) -> Iterator[None]:
    """Hold the directory for one run, alone, with its options written; raises as `entered` does.

    Where `differing` finds anything, the options of the sitting before stay as they are.
    """
    with entered(directory, PAPER, resume=resume, differing=differing):
        write_atomically(directory / CONFIG, _toml(options).encode())
        yield


def write_report(report: PaperReport, directory: Path) -> PaperReport:
    """Write what follows from the sweeps, `report.json` last; return the report with its artifacts."""
    from sufficient.paper.figures import draw_panels
    from sufficient.paper.markdown import markdown
    from sufficient.paper.page import page
    from sufficient.report.export import dumps

    figures = [
        path
        for saved in (sweep.saved for sweep in report.sweeps)
        for path in draw_panels(saved.sweep, directory / FIGURES, paper_inputs=saved.origin.paper_inputs)
    ]
    artifacts = {
        "config": CONFIG,
        "sweeps": SWEEPS,
        "report": JSON,
        "text": MARKDOWN,
        "page": PAGE,
        "table": CSV,
        "environment": ENVIRONMENT,
    } | {path.name: path.relative_to(directory).as_posix() for path in figures}
    written = replace(report, artifacts=artifacts)
    write_atomically(directory / CSV, sweep_csv(report.sweeps).encode())
    write_atomically(directory / ENVIRONMENT, dumps(report.environment).encode())
    write_atomically(directory / MARKDOWN, markdown(written, figures=FIGURES).encode())
    write_atomically(directory / PAGE, page(written).encode())
    write_atomically(directory / JSON, dumps(written.to_dict()).encode())
    return written


def _toml(options: PaperOptions) -> str:
    lines = ["# what this run was asked for, last", 'command = "paper"']
    for name, value in asdict(options).items():
        lines.append(f"# {name}: not set" if value is None else f"{name} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"
