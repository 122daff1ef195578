"""The only module that prints. The result goes to stdout, talk to stderr.

Names of files and classes appear as they are: no markup is read in them, and control characters are
escaped, so that no name can colour or move the terminal.
"""

from __future__ import annotations

import os
import re
import sys
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TextIO

from sufficient.answer.answer import Verdict
from sufficient.errors import SufficientError

if TYPE_CHECKING:
    from rich.console import Console

Mode = Literal["human", "json", "quiet"]

VERDICT_STYLE: dict[Verdict, str] = {
    "sufficient": "bold green",
    "insufficient": "bold yellow",
    "inconclusive": "bold magenta",
}
SHOW_CURSOR = b"\x1b[?25h"
HANGING = re.compile(r"^(\S.*?)?\s{2,}")  # a label and the space up to its text


def literal(text: str) -> str:
    """Return the text with control, format and line characters as visible escapes."""
    return "".join(
        _escaped(c) if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else c for c in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


class Output:
    """Where a command says what it has to say. `mode` is human, json (result as JSON) or quiet (one word)."""

    def __init__(self, mode: Mode = "human", *, stdout: TextIO | None = None, stderr: TextIO | None = None):
        self.mode = mode
        self._stdout = sys.stdout if stdout is None else stdout
        self._stderr = sys.stderr if stderr is None else stderr
        self._consoles: dict[int, Console] = {}

    @property
    def talks(self) -> bool:
        """Whether progress and notices are wanted at all."""
        return self.mode != "quiet"

    @property
    def live(self) -> bool:
        """Whether stderr is a terminal that can redraw, and talk is wanted."""
        return self.talks and _is_terminal(self._stderr)

    @property
    def console(self) -> Console:
        """Rich's console on stderr, for the live display; made when first used."""
        return self._console(self._stderr)

    def line(self, text: str, *, style: str = "") -> None:
        """Say one line on stderr, unless quiet."""
        if self.talks:
            self._write(self._stderr, text, style)

    def error(self, error: SufficientError) -> None:
        """Say on stderr, in every mode, why the command ends: one sentence with cause and next step."""
        self._write(self._stderr, f"error: {' '.join(str(error).split())}", "bold red")

    def traceback(self, error: BaseException) -> None:
        """Write on stderr, as it is and in every mode, where an error came from."""
        from traceback import format_exception

        self._raw(self._stderr, "".join(format_exception(error)))

    def show_cursor(self) -> None:
        """Give a terminal its cursor back, also from within a signal handler: a drawing hides it."""
        if self._stderr.isatty():
            os.write(self._stderr.fileno(), SHOW_CURSOR)  # past the buffer, which may be in use

    def result(self, lines: Sequence[str], verdict: Verdict | None = None) -> None:
        """Print the result on stdout: all lines, or the verdict word alone when quiet; not with json.

        The first line takes the verdict's colour on a terminal.
        """
        if self.mode == "quiet" and verdict is not None:
            self._write(self._stdout, verdict)
        elif self.mode == "human":
            for position, text in enumerate(lines):
                first = position == 0 and verdict is not None
                self._write(self._stdout, text, VERDICT_STYLE[verdict] if first and verdict else "")

    def document(self, text: str) -> None:
        """Print a whole document on stdout, as it is: a page or Markdown that is piped into a file."""
        self._raw(self._stdout, text)

    def json(self, result: Mapping[str, Any]) -> None:
        """Print one strict JSON object on stdout in json mode, nothing in the others."""
        if self.mode == "json":
            from sufficient.report.export import dumps

            self._raw(self._stdout, dumps(result))

    def _write(self, stream: TextIO, text: str, style: str = "") -> None:
        text = literal(text)
        if not _is_terminal(stream):
            self._raw(stream, text + "\n")
            return
        from rich.text import Text

        console = self._console(stream)
        for part in wrapped(text, console.width):
            console.print(Text(part, style=style), soft_wrap=True)

    def _raw(self, stream: TextIO, text: str) -> None:
        """Write; what the stream's encoding cannot hold is escaped, a reader that left is no error."""
        encoding = getattr(stream, "encoding", None) or "utf-8"
        try:
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except BrokenPipeError:
            if stream is sys.stdout:  # so that the interpreter's own flush at exit stays silent
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

    def _console(self, stream: TextIO) -> Console:
        if id(stream) not in self._consoles:
            from rich.console import Console

            self._consoles[id(stream)] = Console(file=stream, highlight=False, markup=False, emoji=False)
        return self._consoles[id(stream)]


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM", "") not in {"dumb", "unknown"}


def wrapped(text: str, width: int) -> list[str]:
    """Return the line broken at words, its later parts indented to where the text after the label begins."""
    label = HANGING.match(text)
    indent = " " * (label.end() if label and label.end() < width // 2 else 0)
    parts = textwrap.wrap(
        text,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
        drop_whitespace=True,
    )
    return parts or [""]
