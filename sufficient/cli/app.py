"""The command line: which commands there are, and how an error becomes one sentence and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Annotated

import typer

from sufficient import __version__
from sufficient.cli import bounds, cache, check, compare, env, estimate, forecast, paper, plan, report, watch
from sufficient.cli.output import Output
from sufficient.cli.stopping import stop_line
from sufficient.device import out_of_memory
from sufficient.errors import ResourceError, SufficientError

INTERRUPTED, TERMINATED = 130, 143  # 128 + signal number, as shells report it
BUG = 1
SAME_STOP = 0.1  # seconds in which one stop comes twice: `timeout` sends it to the process and to its group

app = typer.Typer(
    help="Is my labelled data set large enough for this model, and if not, how many more do I need?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="First try: sufficient estimate --data digits --tol 1e-3",
)
app.command("estimate")(estimate.estimate)
app.command("check")(check.check)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.command("plan")(plan.plan)
app.command("forecast")(forecast.forecast)
app.command("bounds")(bounds.bounds)
app.command("paper")(paper.paper)
app.command("watch")(watch.watch)
app.command("env")(env.env)
app.add_typer(cache.cache, name="cache")


class _Terminated(BaseException):
    """SIGTERM, made an exception so that files are closed and locks are given back."""


def _version(wanted: bool) -> None:
    if wanted:
        Output().result([f"sufficient {__version__}"])
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line and leave with its exit code."""
    # Threads that wait for one another spin this often before they sleep. OpenMP's own 300,000 makes two
    # studies on one machine wait for each other: measured, 60 s for a study of 7 s, and 33 s with this.
    os.environ.setdefault("GOMP_SPINCOUNT", "30000")
    _handled_by(_stop)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Return the exit code of a command line; known errors are said in one sentence."""
    try:
        code = app(arguments, standalone_mode=False) or 0
        return _stopped(code) if code == INTERRUPTED else int(code)
    except SufficientError as error:
        return _failed(error)
    except (KeyboardInterrupt, typer.Abort):
        return _stopped(INTERRUPTED)
    except _Terminated:
        return _stopped(TERMINATED)
    except Exception as error:
        return _other(error)


def _other(error: Exception) -> int:
    """Return the exit code of what is not ours: usage errors, an exhausted machine, or a bug."""
    show = getattr(error, "show", None)
    if callable(show):  # click's usage errors draw themselves
        show()
        return int(getattr(error, "exit_code", 2))
    if out_of_memory(error) and isinstance(error, ImportError | OSError):
        return _failed(
            ResourceError(
                f"the libraries do not fit into memory ({error}); raise the limit (`ulimit -v`), end other "
                "programs or take a larger machine. A run with --out goes on with --resume."
            )
        )
    if out_of_memory(error):
        return _failed(
            ResourceError(
                f"out of memory ({error}); try a smaller --size, --hidden or --replicates, or --device cpu. "
                "A run with --out goes on with --resume."
            )
        )
    if isinstance(error, OSError):
        return _failed(ResourceError(f"the system refused: {error}; free what it names and run again."))
    output = Output()
    output.traceback(error)
    output.line("this is a bug in sufficient: please report it with the lines above and `sufficient env`.")
    return BUG


def _failed(error: SufficientError) -> int:
    if isinstance(error, ResourceError):
        from sufficient.result import NotWrittenError

        if isinstance(error, NotWrittenError):  # the verdict is worth having all the same
            Output().result([error.estimate.verdict])
    if os.environ.get("SUFFICIENT_DEBUG") == "1":
        Output().traceback(error)
    Output().error(error)
    return error.exit_code


def _stopped(code: int) -> int:
    Output().line(stop_line())
    return code


def _handled_by(handler: Callable[..., None] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    """End the run in order, by an exception; a second signal ends it at once, even inside a library's code.

    Nothing is lost by that: files are written beside their target, and what is half written is swept away
    by the next run.
    """
    _handled_by(lambda *given: None)
    time.sleep(SAME_STOP)
    _handled_by(signal.SIG_DFL)
    Output().show_cursor()
    raise KeyboardInterrupt if number == signal.SIGINT else _Terminated
