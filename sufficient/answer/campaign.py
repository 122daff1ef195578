"""The cheapest way to collect over several rounds when the need D is known only as a distribution.

After each round one learns whether the target is reached (D ≤ collected); if not, D's distribution is cut to
D > collected. So a policy is a ladder of totals q_1 ≤ … ≤ q_T, climbed until the target is reached:

    E[cost] = Σ_t P(D > q_{t−1}) (c (q_t − q_{t−1}) + f·[q_t > q_{t−1}]) + E[cost of missing; D > q_T]

(c money per object, f money per round; the first purchase is always paid). Mahmood, Lucas, Alvarez, Fidler
and Law, "Optimizing Data Collection for Machine Learning" (NeurIPS 2022), with their gradient descent
replaced by dynamic programming, which is exact on a distribution of finitely many counts: between two of them
the lower one costs less and reaches the target as often. That the re-run estimate also sharpens D is left
out: a plan made anew each round is expected to cost no more than is said here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sufficient.answer.demand import Demand
from sufficient.study.record import Floats


@dataclass(frozen=True)
class Prices:
    """Money for what is collected. All at least 0, `each` above."""

    each: float  # per object
    round: float = 0.0  # per round in which something is collected


@dataclass(frozen=True)
class Policy:
    """What to collect in each round while the target is not reached, and what comes of it."""

    quantities: tuple[int, ...]  # (rounds,) objects
    reached: tuple[float, ...]  # (rounds,) probability that the target is reached by the end of the round
    expected_objects: float
    expected_spend: float  # money, for objects and rounds
    largest_spend: float  # money, if every round is needed
    expected_cost: float  # money: expected_spend and the expected cost of missing the target

    @property
    def now(self) -> int:
        """Objects to collect in this round."""
        return self.quantities[0]

    @property
    def total(self) -> int:
        """Objects collected if every round is needed."""
        return sum(self.quantities)

    @property
    def success(self) -> float:
        """Probability that the target is reached by the end of the last round."""
        return self.reached[-1]


@dataclass(frozen=True)
class Solution:
    """The cheapest ladder, and the cheapest continuation after each possible first purchase."""

    ladder: tuple[int, ...]  # (rounds,) indices of `objects`
    cost: Floats  # (atoms,) expected cost where this much is bought first; ∞ where it cannot be
    end: NDArray[np.int64]  # (atoms,) index of the total at the last round, after that first purchase


def cost_of_missing(
    need: Demand,
    *,
    penalty: float = 0.0,  # money, once, where the target is missed
    shortage: float = 0.0,  # money per object then still missing
) -> Floats:  # (atoms,)
    """Return E[cost of missing the target; D > q] at each count q, in money.

    penalty · P(D > q) + shortage · E[(min(D, largest count) − q)⁺]: what is never reached, or beyond the
    horizon, counts as the largest count, which is the horizon then, where there is one.
    """
    short = need.missing[:-1] * np.diff(need.objects)
    return penalty * need.missing + shortage * np.append(np.cumsum(short[::-1])[::-1], 0.0)


def solve(
    need: Demand,
    prices: Prices,
    ending: Floats,  # (atoms,) E[cost; D > q] when the last round ends at q; ∞ where it must not end
    *,
    rounds: int,
    budget: float | None = None,  # money, over all rounds
) -> Solution | None:
    """Return the cheapest solution that never spends more than the budget; None where there is none.

    With a price per round the budget leaves fewer objects the more rounds are used: each number is tried.
    """
    rounds = max(1, min(rounds, len(need.objects) - 1))
    tried = range(1, rounds + 1) if budget is not None and prices.round > 0 else (rounds,)
    best: Solution | None = None
    for used in tried:
        allowed = np.where(within(need, prices, budget, rounds=used), ending, np.inf)
        found = _programme(need, prices, allowed, used)
        best = found if best is None else _cheaper(best, found)
    return best if best is not None and np.isfinite(best.cost).any() else None


def within(
    need: Demand, prices: Prices, budget: float | None, *, rounds: int
) -> NDArray[np.bool_]:  # (atoms,)
    """Return which totals the budget allows in that many purchases; nothing is always allowed."""
    if budget is None:
        return np.ones(len(need.objects), dtype=bool)
    money = prices.each * need.objects + prices.round * rounds
    allowed: NDArray[np.bool_] = (money <= budget * (1 + 1e-12)) | (need.objects == 0)
    return allowed


def follow(
    need: Demand,
    prices: Prices,
    ladder: tuple[int, ...],  # (purchases,) indices of `objects`, not falling
    *,
    rounds: int,
    missing_cost: Floats,  # (atoms,) as from `cost_of_missing`
) -> Policy:
    """Return what a ladder of totals buys and costs; empty rounds teach nothing and come last."""
    steps = [0, *sorted({i for i in ladder if i > 0})]
    rest = rounds - (len(steps) - 1)
    paid = _paid(need)
    bought = np.diff(need.objects[steps])
    money = prices.each * bought + prices.round
    spend = float(paid[steps[:-1]] @ money)
    reached = [1 - float(need.missing[i]) for i in steps[1:]]
    last = 1 - float(need.missing[steps[-1]])
    return Policy(
        quantities=(*(int(q) for q in bought), *[0] * rest),
        reached=(*reached, *[last] * rest),
        expected_objects=float(paid[steps[:-1]] @ bought),
        expected_spend=spend,
        largest_spend=float(money.sum()),
        expected_cost=spend + float(missing_cost[steps[-1]]),
    )


def medians(need: Demand, prices: Prices, *, rounds: int, budget: float | None = None) -> tuple[int, ...]:
    """Return the ladder of "buy what the point estimate says": each round the median of what is still needed.

    Within the budget; it ends where that median is beyond the horizon, or never.
    """
    reached, missing, ladder, at = 1 - need.missing, 1.0, [], 0
    for used in range(1, rounds + 1):
        enough = np.flatnonzero(reached >= 1 - missing / 2 - 1e-12)
        allowed = int(np.flatnonzero(within(need, prices, budget, rounds=used))[-1])
        if not len(enough) or allowed <= at:
            break
        at = min(int(enough[0]), allowed)
        if at == 0:  # it says that nothing is needed, and buying nothing teaches nothing
            break
        missing = float(need.missing[at])
        ladder.append(at)
    return tuple(ladder)


def _programme(need: Demand, prices: Prices, ending: Floats, rounds: int) -> Solution:
    """Return the cheapest ladder by backward induction; W_t(i) = min_{j ≥ i} cost(i → j) + W_{t+1}(j)."""
    atoms = np.arange(len(need.objects))
    value, end = ending, atoms
    choices: list[NDArray[np.int64]] = []
    move = _moves(need, prices)
    for _ in range(rounds - 1):
        through = move + value
        choice = through.argmin(axis=1)
        value, end = through[atoms, choice], end[choice]
        choices.append(choice)
    cost = move[0] + value
    ladder = [int(cost.argmin())]
    for choice in reversed(choices):
        ladder.append(int(choice[ladder[-1]]))
    return Solution(tuple(ladder), cost, end)


def _moves(need: Demand, prices: Prices) -> Floats:  # (atoms, atoms)
    """Return the expected money to go from total i to total j; ∞ for j < i, 0 for j = i."""
    more = need.objects[None, :] - need.objects[:, None]
    money = prices.each * more + prices.round * (more > 0)
    return np.where(more < 0, np.inf, _paid(need)[:, None] * money)


def _paid(need: Demand) -> Floats:  # (atoms,)
    """Return the probability that what follows each total is bought: 1 at 0, as nothing was learned yet."""
    paid = need.missing.copy()
    paid[0] = 1.0
    return paid


def _cheaper(one: Solution, other: Solution) -> Solution:
    ladder = one.ladder if one.cost.min() <= other.cost.min() else other.ladder
    first = one.cost <= other.cost
    return Solution(ladder, np.minimum(one.cost, other.cost), np.where(first, one.end, other.end))
