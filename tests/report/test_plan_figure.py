"""A plan in words and as a figure: what is drawn, read from the axes' artists."""

from __future__ import annotations

import numpy as np
import pytest

from sufficient.answer.demand import demand
from sufficient.answer.plan import Goal, plan
from sufficient.errors import ResourceError
from sufficient.report.plan_figure import PlanDisplay, draw_plan
from sufficient.report.plan_text import explain_plan

LOGNORMAL = np.exp(8 + 0.6 * np.random.default_rng(0).standard_normal(1000))


def of(goal, *, never=0, **options):
    needed = np.append(LOGNORMAL, np.full(never, np.inf))
    return plan(demand(needed, horizon=20_000), goal, cost=0.5, **options)


PLANS = {
    "wanted": lambda: of(Goal(success=0.9), rounds=3),
    "penalty": lambda: of(Goal(penalty=20_000), rounds=3, round_cost=100, budget=2000),
    "only round": lambda: of(Goal(shortage=3.0)),
    "nothing pays": lambda: of(Goal(penalty=1)),
    "no point estimate": lambda: of(Goal(success=0.3), never=1500, rounds=2),
    "out of reach": lambda: of(Goal(success=0.9), never=1500, rounds=2),
    "no money": lambda: of(Goal(success=0.9), budget=0.0),
}


def names(axes) -> list[str]:
    return [item.get_text() for item in axes.get_legend().get_texts()]


def line(axes, label):
    (found,) = [item for item in axes.lines if item.get_label() == label]
    return found


def test_lines_of_a_wanted_success():
    made = plan(demand(np.arange(100.0, 10_001.0, 100.0)), Goal(success=0.75), cost=2.0, rounds=3)
    assert made.best.quantities == (2500, 2500, 2500)  # a uniform need: equal steps
    assert explain_plan(made) == [
        "plan        collect 2,500 now (of up to 7,500 over 3 rounds) · expected cost 11,250 · success 75 %",
        "            later, only while the target is not reached: 2,500, then 2,500",
        "            spend 11,250 expected, 15,000 at most, 5,630 objects expected",
        "needed      about 5,000 more [500, 9,500] (90 %)",
        "instead     buying the point estimate: collect 5,000 now (of up to 8,800 over 3 rounds) · expected "
        "cost 13,150 · success 88 %",
        "asked       2 per object · 3 rounds left · success 75 %",
    ]


def test_lines_name_prices_budget_and_notices():
    lines = explain_plan(PLANS["penalty"]())
    assert "asked       0.50 per object · 100 per round · 3 rounds left · budget 2,000" in "\n".join(lines)
    assert "a miss costs 20,000" in "\n".join(lines)
    assert "expected cost with misses" in lines[0]
    assert [text.split("[")[-1] for text in lines if text.startswith("warning")] == ["BUDGET-BINDS]"]
    assert "in the only round" in explain_plan(PLANS["only round"]())[0]
    assert explain_plan(PLANS["nothing pays"]())[0].startswith("plan        collect nothing · ")
    assert not [line for line in explain_plan(PLANS["no point estimate"]()) if line.startswith("instead")]


def test_curve_and_choices_are_the_plans():
    made = PLANS["wanted"]()
    cost, chance = PlanDisplay(made).plot()
    drawn = dict(zip(*line(cost, "expected cost").get_data(), strict=True))
    numbers = {first.objects: first.expected_cost for first in made.curve}
    assert len(drawn) > 50
    assert all(numbers[k] == value for k, value in drawn.items())
    assert min(drawn.values()) == pytest.approx(made.best.expected_cost)
    marks = [item for item in cost.lines if item.get_marker() == "o"]
    assert [tuple(item.get_xydata()[0]) for item in marks] == [
        (policy.now, policy.expected_cost) for policy in (made.best, made.naive)
    ]
    assert names(cost)[0] == "cheapest with success 90 %"
    assert [name.split(":")[0] for name in names(cost)[1:]] == ["plan", "point estimate"]
    assert [name.split("success ")[1] for name in names(cost)] == ["90 %", "90 %", "88 %"]
    assert cost.get_title(loc="left").startswith("Collect ")
    reached = dict(zip(*line(chance, "by the end of this round").get_data(), strict=True))
    assert reached[made.best.now] == pytest.approx(made.best.reached[0])
    last = dict(zip(*line(chance, "by the last round").get_data(), strict=True))
    assert last[made.best.now] == pytest.approx(made.best.success)
    assert set(line(chance, "asked").get_ydata()) == {0.9}
    assert chance.get_xlabel() == "objects collected in this round"


def test_one_round_has_one_chance_and_a_price_no_asked_line():
    _, chance = PlanDisplay(PLANS["only round"]()).plot()
    labels = [item.get_label() for item in chance.lines]
    assert "by the last round" not in labels
    assert "asked" not in labels


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_draws_with_its_names_above_the_curve(name):
    axes = PlanDisplay(PLANS[name]()).plot()[0]
    axes.figure.canvas.draw()
    frame, box = axes.get_window_extent(), axes.get_legend().get_window_extent()
    assert box.y0 >= frame.y1
    assert box.x1 < axes.figure.bbox.x1
    assert box.y1 <= axes._left_title.get_window_extent().y0
    assert axes.get_xlim()[0] < 0 < axes.get_xlim()[1]


def test_what_is_out_of_reach_marks_the_most_there_is():
    made = PLANS["out of reach"]()
    cost, _ = PlanDisplay(made).plot()
    assert cost.get_title(loc="left") == "No plan reaches 90 %"
    assert [name.split(":")[0] for name in names(cost)] == ["cheapest with success 40 %", "the most"]
    (mark,) = [item for item in cost.lines if item.get_marker() == "o"]
    most = made.ladder[-1]
    assert tuple(mark.get_xydata()[0]) == (most.now, most.expected_cost)


def test_figure_is_written_alike_twice(tmp_path):
    made = PLANS["wanted"]()
    first, second = draw_plan(made, tmp_path / "a"), draw_plan(made, tmp_path / "b")
    assert [path.name for path in first] == ["plan.svg", "plan.png"]
    assert [a.read_bytes() for a in first] == [b.read_bytes() for b in second]
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="cannot make the folder"):
        draw_plan(made, tmp_path / "file" / "below")
