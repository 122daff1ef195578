"""How fast a pass goes: over the last seconds, and not before that can be told."""

from __future__ import annotations

from collections import deque

LEAST_SECONDS = 2.0  # before that, batches that were begun together tell nothing
WINDOW_SECONDS = 10.0  # the pace of now: images differ in size, and the machine has other work


class Pace:
    """Images a second, from the first batch on: what comes before it is the start of processes."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()  # (seconds, images done by then)

    def __call__(self, done: int, now: float) -> float:
        """Return the images a second by now, with `done` of them made; 0 until that can be told."""
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - WINDOW_SECONDS:
            self._seen.popleft()
        then, before = self._seen[0]
        return (done - before) / (now - then) if now - then >= LEAST_SECONDS else 0.0
