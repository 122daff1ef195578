"""What forecasts are compared with: single laws fitted to the same points, and DataEval's `Sufficiency`.

last1     the last value stays: δ = C_last/(k + 1); an accuracy is what it is
constant  Lemma 1 with one constant for the curve: δ = C/(k + 1), C the mean over the sizes
pow2      b k^−c fitted to δ or to the error; pow3: a + b k^−c, a ≥ 0. Least squares of relative residuals:
          the best way we know to fit one law to values that span decades
DataEval  c k^−m + c0 with 0 ≤ c0 ≤ 1, plain least squares by basin hopping: DataEval's own code, run in
          its own environment on `1 − δ` or the accuracy at each size; a point, no interval
"""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EXPONENTS = np.linspace(0.005, 3.0, 600)

DATAEVAL = """
import json, sys
import numpy as np
from importlib.metadata import version
from dataeval.performance import SufficiencyOutput
np.random.seed(0)
found = []
for case in json.load(sys.stdin):
    measures = {"value": np.array([case["values"]])}
    fit = SufficiencyOutput(np.array(case["sizes"]), measures)
    inverse = fit.inv_project({"value": np.array(case["targets"])})
    needed = dict(zip(inverse["target"].to_list(), inverse["value"].to_list()))
    found.append([needed[target] for target in case["targets"]])
print(json.dumps({"version": version("dataeval"), "needed": found}))
"""


def single_laws(k: Floats, values: Floats, limits: Sequence[float], *, rate: bool) -> dict[str, list[float]]:
    """Return the sizes at which each law is down to the limits; `rate`: the values are δ, so C has a meaning.

    At least the largest size, as the tool says; infinite where the law never gets there.
    """
    found = {name: [_needed(fit, limit) for limit in limits] for name, fit in _powers(k, values).items()}
    if rate:
        constants = values * (k + 1)
        found["last1"] = [float(constants[-1]) / limit - 1 for limit in limits]
        found["constant"] = [float(constants.mean()) / limit - 1 for limit in limits]
    else:
        found["last1"] = [float(k[-1]) if values[-1] <= limit else math.inf for limit in limits]
    return {name: [max(size, float(k[-1])) for size in sizes] for name, sizes in found.items()}


def _powers(k: Floats, values: Floats) -> dict[str, tuple[float, float, float]]:
    """Return (a, b, c) of pow2 and pow3: for every exponent the best a ≥ 0 and b, then the best exponent."""
    one, shape = 1 / values, (k / k[-1]) ** -EXPONENTS[:, None] / values  # relative: every value becomes 1
    bb, bo, oo = (shape**2).sum(axis=1), shape @ one, one @ one
    by, oy = shape.sum(axis=1), one.sum()
    slope = (by * oo - bo * oy) / (bb * oo - bo**2)
    floor = (oy - bo * slope) / oo
    slope, floor = np.where(floor < 0, by / bb, slope), np.maximum(floor, 0.0)
    fits = {"pow2": (np.zeros_like(floor), by / bb), "pow3": (floor, slope)}
    found = {}
    for name, (a, b) in fits.items():
        best = ((1 - a[:, None] * one - b[:, None] * shape) ** 2).sum(axis=1).argmin()
        c = float(EXPONENTS[best])
        found[name] = (float(a[best]), float(b[best]) * float(k[-1]) ** c, c)
    return found


def _needed(fit: tuple[float, float, float], limit: float) -> float:
    a, b, c = fit
    return ((limit - a) / b) ** (-1 / c) if limit > a and b > 0 else math.inf


def dataeval(python: Path, cases: Sequence[Mapping[str, Sequence[float]]]) -> tuple[str, list[list[float]]]:
    """Return DataEval's version, and the sizes at which its fit says the targets are reached.

    A case has "sizes", "values" (larger is better) and "targets". Raises RuntimeError with what it printed.
    """
    ran = subprocess.run(
        [str(python), "-W", "ignore", "-c", DATAEVAL],
        input=json.dumps([{name: list(row) for name, row in case.items()} for case in cases]),
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(f"DataEval failed under {python}: {ran.stderr.strip()[-500:]}")
    answer = json.loads(ran.stdout.splitlines()[-1])
    rows = zip(cases, answer["needed"], strict=True)
    return answer["version"], [
        [math.inf if size < 0 else max(float(size), float(case["sizes"][-1])) for size in sizes]
        for case, sizes in rows
    ]
