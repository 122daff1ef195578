"""Many tolerances at once are the same answers as one at a time."""

import numpy as np
import pytest

from sufficient.answer.verdict import judge, judge_each
from sufficient.errors import UsageError
from tests.report.estimates import RECORDS


@pytest.mark.parametrize("confirm", [1, 3])
@pytest.mark.parametrize("name", RECORDS)
def test_equal_to_judge_in_every_field(name, confirm):
    record = RECORDS[name]()
    tolerances = np.geomspace(1e-6, 0.5, 23).tolist()
    answers = judge_each(record, tolerances, confirm=confirm)
    assert len(answers) == len(tolerances)
    for tol, answer in zip(tolerances, answers, strict=True):
        assert answer == judge(record, tol=tol, confirm=confirm)
    if name in ("falling", "hollow"):
        assert len({answer.verdict for answer in answers}) > 1


def test_nothing_asked_nothing_answered_and_no_tolerance_of_zero():
    assert judge_each(RECORDS["falling"](), [], confirm=2) == ()
    for wrong in ([0.0], [1e-3, -1.0]):
        with pytest.raises(UsageError, match="above 0"):
            judge_each(RECORDS["falling"](), wrong, confirm=2)
