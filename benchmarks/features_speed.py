"""How fast is the pass that makes pretrained features, beside what its parts take?

Claim    (a) 32-pixel JPEGs: at least 0.9 of the model alone on images prepared already, same threads.
         (b) photographs of 1,500 × 1,000: at least 0.9 of cores / (t_decode + t_model), each measured on one
         core. (c) On the CPU not slower than transformers' `pipeline("image-feature-extraction")` called with
         one image at a time, which is what the paper's authors used; on a GPU at least 3× as fast.
On       A ViT-Ti/16-sized model (hidden 192, 12 layers, 3 heads, 224 pixels), random weights, made here;
         `cifar10_folder`'s JPEGs; 300 photographs made here. The pass lists, reads, prepares, computes and
         writes its cache, into an empty directory each time.
Equality before the clock: the pass against one image at a time through the processor and the network by
         hand, and against the pipeline, within 1e-4 of the rows' largest value.
Measured 2 cores (Xeon, AVX-512), by the clock, idle otherwise: rows 0 apart. (a) pass 99 images a second,
         model alone 89, ratio 1.13 (its two threads wait for each other, our processes do not). (b) pass
         72 a second, decoding 6.3 ms and the model 20.0 ms on one core, ratio 0.95. (c) pass 89 a second,
         pipeline 59, ratio 1.52. Not run on a GPU.
Run      python -m benchmarks.features_speed [--root DIR]   (about 3 minutes on 2 cores)
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("GOMP_SPINCOUNT", "30000")  # before torch is imported, as the command line does

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import AutoImageProcessor, AutoModel, ViTConfig, ViTImageProcessor, ViTModel, pipeline

from benchmarks.claims import Claim, conclude
from sufficient.data.labelled import ImageSet
from sufficient.data.sources import catalogue
from sufficient.device import choose_device
from sufficient.features.backbone import Backbone, backbone
from sufficient.features.making import Maker, first_batch
from sufficient.machine import usable_cpus

SMALL, PHOTOGRAPHS, CALLS = 1_000, 300, 150  # images of (a), (b), (c)
ROUNDS = 3  # of each side, in turn; the median counts
CLOSE = 1e-4  # of the largest value
PART, CALLED = 0.9, {"cpu": 1.0, "cuda": 3.0}  # claimed of (a) and (b), and of (c)


def saved_model(folder: Path) -> Path:
    """Return the folder of a small vision transformer with random weights."""
    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=192, num_hidden_layers=12, num_attention_heads=3, intermediate_size=768, image_size=224
    )
    ViTModel(config, add_pooling_layer=False).save_pretrained(folder)
    ViTImageProcessor(size={"height": 224, "width": 224}).save_pretrained(folder)
    return folder


def photographs(folder: Path) -> Path:
    """Return a folder of JPEGs of 1,500 × 1,000 pixels: smooth shapes under noise, as large as a camera's."""
    random = np.random.default_rng(0)
    for number in range(PHOTOGRAPHS):
        coarse = random.integers(0, 256, (20, 30, 3), dtype=np.uint8)
        pixels = np.asarray(Image.fromarray(coarse).resize((1500, 1000), Image.Resampling.BICUBIC), np.int16)
        pixels = pixels + random.integers(-12, 13, pixels.shape, dtype=np.int16)
        target = folder / "ab"[number % 2]
        target.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        image.save(target / f"{number:03d}.jpg", quality=90)
    return folder


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def the_pass(images: ImageSet, network: Backbone, device: torch.device, count: int) -> NDArray[np.float32]:
    """Return the rows of the first `count` objects, as `estimate` makes them with nothing cached."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["SUFFICIENT_CACHE"] = cache
        return Maker(images, network, device=device).make(np.arange(count)).rows


def model_alone(prepared: list[Any], network: Backbone, device: torch.device) -> None:
    """Run the model on prepared images, as many at a time as the pass does."""
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    size = first_batch(device)
    for start in range(0, len(prepared), size):
        network.rows(prepared[start : start + size], device, dtype)


def by_hand(images: ImageSet, folder: Path, count: int) -> NDArray[np.float32]:
    """Return the rows of a plain loop: one image, the processor, the network, the class token."""
    processor, network = AutoImageProcessor.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    rows = []
    for index in range(count):
        with torch.inference_mode():
            inputs = processor(images.reader.read(index).image, return_tensors="pt")
            rows.append(network(**inputs).last_hidden_state[0, 0].numpy())
    return np.stack(rows)


def require_equal(ours: NDArray[np.float32], theirs: NDArray[np.float32], tolerance: float) -> float:
    """Return the largest difference as a part of the largest value; it must be within the tolerance."""
    apart = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    assert apart < tolerance, f"rows differ by {apart:.1e} of the largest value"
    return apart


def small_jpegs(images: ImageSet, network: Backbone, device: torch.device) -> Claim:
    """Return (a), measured."""
    prepared = [network.prepare(images.reader.read(index).image) for index in range(SMALL)]
    model_alone(prepared[:64], network, device)
    pairs = [
        (
            seconds(lambda: model_alone(prepared, network, device)),
            seconds(lambda: the_pass(images, network, device, SMALL)),
        )
        for _ in range(ROUNDS)
    ]
    alone, ours = (median(side) for side in zip(*pairs, strict=True))
    ratio = median(alone / ours for alone, ours in pairs)
    said = f"(a) 32 px: pass {SMALL / ours:.0f}/s, model alone {SMALL / alone:.0f}/s, ratio {ratio:.2f}"
    return Claim(f"{said}, at least {PART}", ratio >= PART)


def large_jpegs(images: ImageSet, network: Backbone, device: torch.device) -> Claim:
    """Return (b), measured."""
    every, threads, cores = range(PHOTOGRAPHS), torch.get_num_threads(), usable_cpus()
    sample, ratios, said = range(0, PHOTOGRAPHS, 5), [], ""
    for _ in range(ROUNDS):
        torch.set_num_threads(1)
        prepared: list[Any] = []
        decode = seconds(
            lambda into=prepared: into.extend(  # type: ignore[misc]  # mypy infers no default
                network.prepare(images.reader.read(index, draft=network.draft).image) for index in sample
            )
        )
        model = seconds(lambda ready=prepared: model_alone(ready, network, device))  # type: ignore[misc]  # ditto
        torch.set_num_threads(threads)
        ours = len(every) / seconds(lambda: the_pass(images, network, device, PHOTOGRAPHS))
        bound = cores * len(sample) / (decode + model)
        ratios.append(ours / bound)
        said = (
            f"(b) 1,500 × 1,000: pass {ours:.0f}/s, {cores} cores / ({1e3 * decode / len(sample):.1f} + "
            f"{1e3 * model / len(sample):.1f} ms) = {bound:.0f}/s"
        )
    return Claim(f"{said}, ratio {median(ratios):.2f}, at least {PART}", median(ratios) >= PART)


def one_image_a_call(images: ImageSet, network: Backbone, folder: Path, device: torch.device) -> Claim:
    """Return (c), measured."""
    extractor = pipeline("image-feature-extraction", model=str(folder), device=device)
    files = [images.reader.read(index).image for index in range(CALLS)]

    def called() -> NDArray[np.float32]:
        return np.stack([np.asarray(extractor(image)[0][0], np.float32) for image in files])

    tolerance = CLOSE if device.type == "cpu" else 0.05  # bfloat16
    apart = require_equal(the_pass(images, network, device, CALLS), called(), tolerance)
    pairs = [
        (seconds(called), seconds(lambda: the_pass(images, network, device, CALLS))) for _ in range(ROUNDS)
    ]
    theirs, ours = (median(side) for side in zip(*pairs, strict=True))
    ratio = median(theirs / ours for theirs, ours in pairs)
    least = CALLED.get(device.type, 1.0)
    return Claim(
        f"(c) one image a call: pass {CALLS / ours:.0f}/s, pipeline {CALLS / theirs:.0f}/s, "
        f"ratio {ratio:.2f} (rows {apart:.0e} apart), at least {least:g}",
        ratio >= least,
    )


def main() -> None:
    """Check equality, then print images a second, the ratios and whether the claims held."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path, default=Path("../shared/data"))
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    device = choose_device(given.device)
    with tempfile.TemporaryDirectory() as scratch:
        folder = saved_model(Path(scratch) / "model")
        network = backbone(str(folder), pooling=None, revision=None, seed=0)
        small = catalogue(str(given.root / "cifar10_folder"))
        large = catalogue(str(photographs(Path(scratch) / "photographs")))
        plain = by_hand(small, folder, 64)
        apart = require_equal(the_pass(small, network, torch.device("cpu"), 64), plain, CLOSE)
        print(f"{device}, {torch.get_num_threads()} threads; rows {apart:.0e} apart from a plain loop's")
        conclude(
            small_jpegs(small, network, device),
            large_jpegs(large, network, device),
            one_image_a_call(small, network, folder, device),
        )


if __name__ == "__main__":
    main()
