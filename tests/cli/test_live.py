"""A running study as people see it: live on a terminal, one line a stage elsewhere, nothing when quiet."""

import io
import re

import pytest

from sufficient.answer.answer import CurvePoint
from sufficient.cli.live import LiveStudy, bar, features_line, plot_text, stage_line
from sufficient.cli.output import Output

SIZES = (32, 64, 128, 256)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def point(k: int, constant: float = 0.43, *, learned: bool = True) -> CurvePoint:
    delta = constant / (k + 1)
    return CurvePoint(k, delta, 0.93 * delta, 1.09 * delta, constant, 0.1, 0.4, 0.871, 9.0, 8, 0, learned)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.setenv("LINES", "40")


def make(mode="human", *, terminal=False):
    clock, stdout, stderr = Clock(), io.StringIO(), Terminal() if terminal else io.StringIO()
    return LiveStudy(Output(mode, stdout=stdout, stderr=stderr), tol=1e-3, clock=clock), clock, stdout, stderr


def frames(stderr) -> list[str]:
    """What was drawn, frame by frame, without colours and cursor moves."""
    pieces = re.split(r"\x1b\[\d*A|\x1b\[2K", stderr.getvalue())
    return re.sub(r"\x1b\[[?\d;]*[a-zA-Z]", "", "\n".join(piece for piece in pieces if piece.strip())).split(
        "\r"
    )


def cost(size):
    return (size + 700) / 100  # seconds


def study(live, clock, stages=2) -> None:
    for position, size in enumerate(SIZES[:stages]):
        live.stage_started(size, position, SIZES)
        live.updates(20, 8)
        clock.now += cost(size)
        live.updates(40, 5)
        live.stage_done(point(size), cost(size))


def test_stage_line():
    assert stage_line(point(1024), 3.14) == (
        "k = 1,024  δ = 4.2e-4 [3.9e-4, 4.6e-4]  C = 0.43  learned  accuracy 0.871  3.1 s"
    )
    assert "not learned" in stage_line(point(64, learned=False), 1)
    dead = CurvePoint(32, None, None, None, None, None, None, None, None, 0, 8, False)
    assert stage_line(dead, 1) == "k = 32  δ = – […, …]  C = –  dead  accuracy –  1.0 s"


def test_without_a_terminal_there_is_one_line_a_stage_on_stderr():
    live, clock, stdout, stderr = make()
    with live:
        study(live, clock, 4)
    lines = stderr.getvalue().splitlines()
    assert lines == [stage_line(point(size), cost(size)) for size in SIZES]
    assert stdout.getvalue() == ""


def test_quiet_is_silent_even_on_a_terminal():
    live, clock, stdout, stderr = make("quiet", terminal=True)
    with live:
        live.data_progress(1, 10)
        study(live, clock)
    assert stdout.getvalue() + stderr.getvalue() == ""


def test_terminal_shows_stage_updates_curve_and_time_left():
    live, clock, stdout, stderr = make(terminal=True)
    with live:
        study(live, clock)
        live.output.line("warning: set by [red]x [RARE-CLASS]")
        live.stage_started(128, 2, SIZES)
        clock.now += 1
        live.updates(60, 3)
    shown = "\n".join(frames(stderr))
    assert "k = 64 of 256, size 2 of 4" in shown
    assert "k = 128 of 256, size 3 of 4, 60 updates, 3 replicates still train" in shown
    assert "─ tol 1e-3" in shown
    assert "●" in shown
    assert "accuracy 0.871" in shown
    assert "16 s elapsed, at most 17 s left" in shown  # 8.3 + 9.6 s, 1 s of it over
    assert "[red]x" in shown
    last = shown[shown.rindex("k = 128 of 256") :]
    assert "still train" not in last  # what stays on the screen is not in the making
    assert "left" not in last
    assert stdout.getvalue() == ""
    assert stderr.getvalue().rstrip().endswith("\x1b[?25h")  # the cursor is back


def test_the_cursor_is_back_after_an_error():
    live, _, _, stderr = make(terminal=True)
    with pytest.raises(KeyboardInterrupt), live:
        raise KeyboardInterrupt
    assert "\x1b[?25h" in stderr.getvalue()


def test_updates_are_drawn_ten_times_a_second_at_most():
    live, clock, _, stderr = make(terminal=True)
    with live:
        live.stage_started(32, 0, SIZES)
        drawn = len(stderr.getvalue())
        for done in range(1000):
            live.updates(done, 8)
        assert len(stderr.getvalue()) == drawn
        clock.now += 0.11
        live.updates(1000, 8)
        assert len(stderr.getvalue()) > drawn


def test_time_left_is_unknown_before_the_first_stage_and_zero_after_the_last():
    live, clock, _, _ = make()
    live.stage_started(32, 0, SIZES)
    assert live._time_left() is None
    study(live, clock, 1)
    assert live._time_left() == pytest.approx(cost(64) + cost(128) + cost(256))
    study(live, clock, 4)
    assert live._time_left() == 0


def test_reading_is_shown_on_a_terminal_and_said_now_and_then_elsewhere():
    live, clock, _, stderr = make(terminal=True)
    with live:
        clock.now += 1
        live.data_progress(500, 1000)
        assert "reading 500 of 1,000 objects" in stderr.getvalue()
        live.data_progress(1000, 1000)
    live, clock, _, stderr = make()
    with live:
        for done in range(1, 101):
            clock.now += 0.3
            live.data_progress(done, 100)
    lines = stderr.getvalue().splitlines()
    assert 2 <= len(lines) <= 4
    assert lines[-1] == "read 100 of 100 objects"


def test_fast_reading_is_not_worth_a_line():
    live, clock, _, stderr = make()
    with live:
        for done in range(1, 101):
            clock.now += 0.001
            live.data_progress(done, 100)
    assert stderr.getvalue() == ""


def test_plot_puts_points_above_and_below_tol():
    points = [point(32, learned=False), point(181), point(1024)]
    plot = plot_text(points, 1e-3, largest=[1024], width=41, height=9)
    tol = next(i for i, line in enumerate(plot) if "tol 1e-3" in line)
    rows = {mark: [i for i, line in enumerate(plot) if mark in line] for mark in "●○"}
    assert rows["○"] == [0]
    assert rows["●"][0] < tol < rows["●"][1] == 8
    columns = [line.index(mark) for line in plot for mark in "●○" if mark in line]
    assert columns == [10, 30, 50]  # halfway on the log axis between 32 and 1,024: 181
    assert plot[0].lstrip().startswith("0.013 │")
    assert plot[-1].split() == ["k", "=", "32", "1,024"]


def test_plot_of_nothing_is_nothing_and_of_one_point_is_a_plot():
    assert plot_text([], 1e-3) == []
    assert sum("●" in line for line in plot_text([point(32)], 1e-3)) == 1


def test_plot_fits_a_terminal_of_80_columns():
    assert max(map(len, plot_text([point(32), point(7000)], 2.5e-4))) <= 80


def test_bar():
    assert bar(0.5, 8) == "━━━━╌╌╌╌"
    assert bar(2, 4) == "━━━━"


def test_features_are_a_line_in_the_display_and_now_and_then_a_line_elsewhere():
    assert features_line(1_234, 8_000, 41.2) == "features 1,234 of 8,000 · 41 images/s · 2 min 44 s left"
    assert features_line(8, 8, 2.34) == "features 8 of 8 · 2.3 images/s"
    assert features_line(8, 64, 0.0) == "features 8 of 64"
    live, clock, _, stderr = make(terminal=True)
    with live:
        live.features_progress(1_234, 8_000, 41.2)
        clock.now += 1
        live.features_progress(2_468, 8_000, 41.2)
        clock.now += 1
        live.features_progress(8_000, 8_000, 41.2)
    shown = frames(stderr)
    assert any("features 1,234 of 8,000 · 41 images/s · 2 min 44 s left" in frame for frame in shown)
    assert "features" not in shown[-1]
    live, clock, _, stderr = make()
    with live:
        for done in range(0, 100, 10):
            clock.now += 3
            live.features_progress(done, 100, 3.3)
    assert stderr.getvalue().splitlines() == [
        "features 30 of 100 · 3.3 images/s · 21 s left",
        "features 70 of 100 · 3.3 images/s · 9.1 s left",
    ]


def test_a_model_that_is_loaded_is_named_until_its_features_come():
    live, _, _, stderr = make(terminal=True)
    with live:
        live.model_loading("google/vit")
        live.features_progress(8, 64, 0.0)
        live.stage_started(32, 0, SIZES)
    shown = frames(stderr)
    assert any("loading google/vit" in frame for frame in shown)
    assert "loading" not in shown[-1]
    live, _, _, stderr = make()
    with live:
        live.model_loading("google/vit")
    assert stderr.getvalue().splitlines() == ["loading google/vit"]


def test_at_60_columns_a_line_still_says_whether_the_networks_learned():
    line = stage_line(point(16_384), 3.1)
    assert "  learned" in line[:60]
