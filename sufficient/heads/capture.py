"""One training step as one launch: a CUDA graph where there is CUDA, the plain function elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import torch

WARM_UPS = 3  # runs on a side stream before the capture, so that libraries have allocated what they need


def captured(
    step: Callable[[], None], device: torch.device, snapshot: Callable[[], Callable[[], None]]
) -> Callable[[], None]:
    """Return a function that repeats `step`, which reads and writes only tensors that stay where they are.

    On CUDA the step runs a few times for the capture; what `snapshot()` returns is called after that and
    must restore what these runs changed. On other devices `step` itself is returned and nothing is run.
    """
    if device.type != "cuda":
        return step
    undo = snapshot()
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch leaves it without types
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):  # this also makes `device` the current one
        for _ in range(WARM_UPS):
            step()
    torch.cuda.current_stream(device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.device(device), torch.cuda.graph(graph, stream=stream):
        step()
    undo()
    replay: Callable[[], None] = graph.replay
    return replay
