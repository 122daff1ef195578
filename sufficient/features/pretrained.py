"""Features of images held in memory by a transformers checkpoint: the paper's second mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sufficient.data.labelled import PAPER_MODEL
from sufficient.errors import DataError
from sufficient.features.backbone import Pooling
from sufficient.features.checkpoint import NotLoadedError, load
from sufficient.features.compute import Halving
from sufficient.features.transformers_backbone import TransformersBackbone
from sufficient.progress import CountProgress

if TYPE_CHECKING:
    from sufficient.data.images import Pixels

ELSEWHERE = "features made elsewhere with --features-file NAME=FILE."  # which `sufficient paper` takes


@dataclass(frozen=True)
class Extracted:
    """The features of N images and what they are."""

    values: NDArray[np.float32]  # (N, d)
    note: str  # one sentence: what the values are


def extract(
    images: Pixels,
    *,
    device: torch.device,
    model: str = PAPER_MODEL,
    pooling: Pooling = "cls",
    seed: int = 0,
    batch_size: int = 64,  # ViT-base: the widest output, 64·197·3072 float32, is 155 MB
    progress: CountProgress | None = None,
) -> Extracted:
    """Return one float32 row for each image (N, H, W, C), values 0 to 255, C = 1 repeated to 3.

    `pooler` is the paper's choice; where the checkpoint has no pooler weights they are drawn with `seed`, and
    the note says so. A batch that does not fit into memory is halved. Raises DataError for a model that
    cannot be had or has no such output, ResourceError when the model and one image alone do not fit into
    memory.
    """
    try:
        backbone = TransformersBackbone(load(model, revision=None, seed=seed), pooling=pooling, seed=seed)
    except NotLoadedError as error:
        raise DataError(f"{str(error).removesuffix('.')}, or {ELSEWHERE}") from error
    values = _rows(backbone, images, device=device, batch_size=batch_size, progress=progress)
    return Extracted(values, backbone.note)


def _rows(
    backbone: TransformersBackbone,
    images: Pixels,
    *,
    device: torch.device,
    batch_size: int,
    progress: CountProgress | None,
) -> NDArray[np.float32]:
    def compute(batch: Pixels) -> Tensor:
        colour = np.repeat(batch, 3, axis=3) if batch.shape[3] == 1 else batch
        prepared = [backbone.prepare(Image.fromarray(np.ascontiguousarray(image))) for image in colour]
        return backbone.rows(prepared, device, torch.float32)

    done, total = 0, len(images)
    values: NDArray[np.float32] | None = None
    for rows in Halving(backbone.name, device, batch_size).rows(images, compute):
        if values is None:
            values = np.empty((total, rows.shape[1]), np.float32)
        values[done : done + len(rows)] = rows
        done += len(rows)
        if progress is not None:
            progress(done, total)
    if values is None:
        raise DataError(f"--features {backbone.name} was given no images, so there is nothing to extract.")
    return values
