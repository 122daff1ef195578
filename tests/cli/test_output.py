"""What goes where: the result to stdout, talk to stderr, names as they are."""

import io
import json
import os
import subprocess
import sys

import pytest

from sufficient.cli.output import Output, literal
from sufficient.errors import DataError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Ascii(io.StringIO):
    encoding = "ascii"


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")


def output(mode="human", *, terminal=False):
    kind = Terminal if terminal else io.StringIO
    return Output(mode, stdout=kind(), stderr=kind())


def read(out: Output) -> tuple[str, str]:
    return out._stdout.getvalue(), out._stderr.getvalue()


def speak(out: Output) -> None:
    out.line("reading")
    out.line("warning: set by cat [RARE-CLASS]")
    out.result(["Sufficient.", "more"], "sufficient")
    out.json({"verdict": "sufficient"})
    out.error(DataError("no such path: x;\n give one that exists"))


def test_human_result_on_stdout_talk_on_stderr():
    out = output()
    speak(out)
    stdout, stderr = read(out)
    assert stdout == "Sufficient.\nmore\n"
    assert stderr == (
        "reading\nwarning: set by cat [RARE-CLASS]\nerror: no such path: x; give one that exists\n"
    )


def test_quiet_prints_the_verdict_word_alone_and_still_its_errors():
    out = output("quiet")
    speak(out)
    assert read(out) == ("sufficient\n", "error: no such path: x; give one that exists\n")


def test_json_prints_one_object_and_talks_on_stderr():
    out = output("json")
    speak(out)
    stdout, stderr = read(out)
    assert json.loads(stdout) == {"verdict": "sufficient"}
    assert stderr.startswith("reading\nwarning:")


def test_json_refuses_nan():
    with pytest.raises(ValueError, match="not JSON compliant"):
        output("json").json({"seconds": float("nan")})


@pytest.mark.parametrize("terminal", [False, True])
def test_names_appear_as_they_are(terminal):
    out = output(terminal=terminal)
    out.line("warning: class [red]x[/red] :cat: in [/] \\[bold] [RARE-CLASS]")
    out.error(DataError("no such path: [red]x"))
    out.result(["class [blue]y"], "insufficient")
    stdout, stderr = read(out)
    assert "class [red]x[/red] :cat: in [/] \\[bold]" in stderr
    assert "no such path: [red]x" in stderr
    assert "class [blue]y" in stdout


@pytest.mark.parametrize("terminal", [False, True])
def test_names_cannot_drive_the_terminal(terminal):
    out = output(terminal=terminal)
    out.error(DataError("bad name \x1b[31mred\x07 \u202ereversed"))
    out.line("two\nlines")
    stderr = read(out)[1]
    assert "\\x1b[31mred\\x07 \\u202ereversed" in stderr
    assert "\x1b[31mred" not in stderr
    assert "\x07" not in stderr
    assert "two\\nlines" in stderr


def test_literal_leaves_words_of_any_script_alone():
    assert literal("δ = 4.2e-4, кот, 猫, [x]") == "δ = 4.2e-4, кот, 猫, [x]"
    assert literal("a\tb\x00\x9b\u2028") == "a\\tb\\x00\\x9b\\u2028"


@pytest.mark.parametrize(
    ("verdict", "code"), [("sufficient", "32"), ("insufficient", "33"), ("inconclusive", "35")]
)
def test_the_verdict_has_its_colour_on_a_terminal(verdict, code):
    out = output(terminal=True)
    out.result(["headline", "detail"], verdict)
    first, second = read(out)[0].splitlines()
    assert first == f"\x1b[1;{code}mheadline\x1b[0m"
    assert second == "detail"


def test_no_color_is_honoured(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    out = output(terminal=True)
    out.result(["headline"], "sufficient")
    out.error(DataError("no"))
    assert not any(f"{code}m" in text for text in read(out) for code in (31, 32))


def test_a_dumb_terminal_gets_plain_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    out = output(terminal=True)
    out.result(["headline"], "sufficient")
    assert read(out)[0] == "headline\n"
    assert not out.live


def test_live_only_on_a_terminal_that_wants_talk():
    assert output(terminal=True).live
    assert output("json", terminal=True).live
    assert not output("quiet", terminal=True).live
    assert not output().live


def test_a_traceback_is_written_in_every_mode():
    out = output("quiet")
    try:
        raise DataError("no such path")
    except DataError as error:
        out.traceback(error)
    stdout, stderr = read(out)
    assert stdout == ""
    assert stderr.startswith("Traceback (most recent call last):\n")
    assert stderr.endswith("DataError: no such path\n")


def test_long_lines_hang_below_their_text():
    out = output(terminal=True)
    out.result(["reason      " + "word " * 30])
    lines = read(out)[0].splitlines()
    assert len(lines) > 1
    assert all(len(line) <= 80 for line in lines)
    assert all(line.startswith(" " * 12 + "word") for line in lines[1:])


def test_what_the_encoding_cannot_hold_is_escaped():
    out = Output(stdout=Ascii(), stderr=io.StringIO())
    out.result(["δ \udcff"])
    assert read(out)[0] == "\\u03b4 \\udcff\n"


def test_a_reader_that_left_is_no_error():
    code = (
        "from sufficient.cli.output import Output\n"
        "o = Output()\n"
        "for _ in range(20000): o.result(['x' * 100])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": "."}
    )  # fmt: skip
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), errors) == (0, b"")


def test_import_is_light():
    code = (
        "import sys, sufficient.cli.output, sufficient.cli.live\n"
        "print([name for name in ('torch', 'matplotlib', 'rich', 'numpy') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"
