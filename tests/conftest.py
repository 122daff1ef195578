import multiprocessing
import os
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = (
    "1"  # before torch is imported: the tests' networks are too small for two threads
)

import pytest

DATA = Path(os.environ.get("SUFFICIENT_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def real_data():
    """The folder of real images; a test that needs it is skipped where it is not there."""
    if not DATA.is_dir():
        pytest.skip(f"no real images at {DATA}; set SUFFICIENT_TEST_DATA")
    return DATA


@pytest.fixture(autouse=True, scope="module")
def _no_process_is_left():
    """A process that outlives its test would keep the interpreter from its end, after all has passed."""
    yield
    left = multiprocessing.active_children()
    for process in left:
        process.kill()
    assert left == []
