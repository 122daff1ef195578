"""Models that cannot be had or used, and devices that are absent or too small."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, ResNetConfig, ResNetModel

from sufficient.data import hub_client
from sufficient.data.catalogue import FileReader
from sufficient.data.labelled import UnusableError
from sufficient.data.sources import catalogue
from sufficient.features.transformers_backbone import TransformersBackbone
from sufficient.study.groups import plan_common
from sufficient.study.options import StudyOptions
from tests.data.pictures import save_classes
from tests.faults.account import LITTLE, failed, ran

WAYS_ON = ("--features pixels", "local checkpoint folder")
AUTO_WAYS_ON = (
    "the images are larger than 64 pixels (the largest seen ",
    "so google/vit-base-patch16-224 is needed, and ",
    "give --features FOLDER",
    "or --features pixels",
)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return save_classes(tmp_path_factory.mktemp("large") / "photos", each=20, height=70)


def copied(vit: str, folder: Path) -> Path:
    return Path(shutil.copytree(vit, folder / "model"))


def of_resnet(vit: str, folder: Path) -> Path:
    model = copied(vit, folder)
    torch.manual_seed(0)
    with hub_client.quiet("transformers"):
        ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1])).save_pretrained(
            folder / "resnet"
        )
    shutil.copy(folder / "resnet" / "model.safetensors", model / "model.safetensors")
    return model


def of_text(vit: str, folder: Path) -> Path:
    model = copied(vit, folder)
    config = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
                        vocab_size=20)  # fmt: skip
    with hub_client.quiet("transformers"):
        BertModel(config).save_pretrained(model)
    return model


def of_other_shape(vit: str, folder: Path) -> Path:
    model = copied(vit, folder)
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "hidden_size": 64}))
    return model


def pickled(vit: str, folder: Path) -> Path:
    model = copied(vit, folder)
    torch.save(load_file(model / "model.safetensors"), model / "pytorch_model.bin")
    (model / "model.safetensors").unlink()
    return model


def without(name: str) -> Callable[[str, Path], Path]:
    def make(vit: str, folder: Path) -> Path:
        model = copied(vit, folder)
        (model / name).unlink()
        return model

    return make


def cut(name: str) -> Callable[[str, Path], Path]:
    def make(vit: str, folder: Path) -> Path:
        model = copied(vit, folder)
        content = (model / name).read_bytes()
        (model / name).write_bytes(content[: len(content) // 2])
        return model

    return make


def not_finite(vit: str, folder: Path) -> Path:
    model = copied(vit, folder)
    weights = load_file(model / "model.safetensors")
    save_file({name: w * float("nan") for name, w in weights.items()}, model / "model.safetensors")
    return model


def with_code(vit: str, folder: Path) -> Path:
    model = copied(vit, folder)
    config = json.loads((model / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "code.C", "AutoModel": "code.M"}}
    (model / "config.json").write_text(json.dumps(config))
    (model / "code.py").write_text("open('/tmp/ran', 'w')")
    return model


def named(features: str) -> Callable[[str, Path], str]:
    return lambda vit, folder: features


def empty(vit: str, folder: Path) -> Path:
    (folder / "model").mkdir()
    return folder / "model"


OWN = """
import itertools, numpy
count = itertools.count()
def few(images): return [[0.0, 1.0]]
def broken(images): return 1 / 0
def wordy(images): return ["a"] * len(images)
def leaving(images): raise SystemExit(5)
def widening(images): return numpy.zeros((len(images), 4 + next(count)), "f4")
def constant(images): return numpy.ones((len(images), 4), "f4")
"""


@dataclass(frozen=True)
class Model:
    """A model that cannot be used, and the words of the sentence that says so."""

    name: str
    make: Callable[[str, Path], object]  # (a good checkpoint, an empty folder) → what --features names
    fails: tuple[str, ...]
    code: int = 3
    options: tuple[str, ...] = field(default=())


MODELS = [
    Model("of-another-architecture", of_resnet, ("lacks", *WAYS_ON)),
    Model("of-text", of_text, ("cannot be loaded", *WAYS_ON)),
    Model("of-other-shapes", of_other_shape, ("cannot be loaded", *WAYS_ON)),
    Model("pickle", pickled, ("holds only pickled weights, which can run code", "safetensors")),
    Model("weights-cut", cut("model.safetensors"), ("cannot be loaded", *WAYS_ON)),
    Model("config-cut", cut("config.json"), ("cannot be loaded", *WAYS_ON)),
    Model("no-config", without("config.json"), ("cannot be loaded", *WAYS_ON)),
    Model("no-weights", without("model.safetensors"), ("cannot be loaded", *WAYS_ON)),
    Model("no-preprocessing", without("preprocessor_config.json"), ("cannot be loaded", *WAYS_ON)),
    Model("empty-folder", empty, ("cannot be loaded", *WAYS_ON)),
    Model("not-finite", not_finite, ("not finite", "damaged")),
    Model("code-of-its-own", with_code, ("needs code that comes with it, which is not run", *WAYS_ON)),
    Model("hub-unreachable", named("google/vit-base-patch16-224"), ("hub cannot be reached", *WAYS_ON)),
    Model("pixels-misspelt", named("pixel"), ("--features pixel cannot be loaded", *WAYS_ON)),
    Model("revision-of-a-folder", copied, ("--revision v2", "leave --revision out"), 2, ("--revision", "v2")),
    Model("no-such-pooling", copied, ("--pooling loud",), 2, ("--pooling", "loud")),
    Model("no-such-torchvision", named("torchvision:resnet0"), ("torchvision:resnet0",)),
    Model(
        "torchvision-unreachable",
        named("torchvision:resnet18"),
        ("torchvision:resnet18", "--revision random"),
    ),
    Model("no-such-module", named("nowhere_at_all:f"), ("nowhere_at_all",)),
    Model("no-such-function", named("own_features:absent"), ("absent",)),
    Model("function-of-too-few-rows", named("own_features:few"), ("own_features:few",)),
    Model("function-that-fails", named("own_features:broken"), ("own_features:broken", "division by zero")),
    Model(
        "function-of-words",
        named("own_features:wordy"),
        ("own_features:wordy returned something of type list for",),
    ),
    Model("function-that-leaves", named("own_features:leaving"), ("failed on", "(SystemExit: 5)")),
    Model(
        "function-that-widens",
        named("own_features:widening"),
        ("rows of 5 numbers where earlier ones had 4",),
    ),
    Model(
        "revision-of-a-function",
        named("own_features:constant"),
        ("--revision v2", "the function own_features:constant, which has none"),
        2,
        ("--revision", "v2"),
    ),
    Model("no-such-folder", named("./nowhere"), ("the folder ./nowhere does not exist", *WAYS_ON)),
    Model("torchvision-of-no-name", named("torchvision:"), ("torchvision:resnet18",)),
]


@pytest.mark.usefixtures("undrawn", "no_hub")
@pytest.mark.parametrize("model", MODELS, ids=[model.name for model in MODELS])
def test_models_that_cannot_be_used(model, estimated, vit, tmp_path, monkeypatch):
    (tmp_path / "own_features.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_features", raising=False)
    made = model.make(vit, tmp_path)
    failed(estimated("--features", made, *model.options), model.code, *model.fails)
    assert not Path("/tmp/ran").exists()


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("way", [[], ["--all-features"]], ids=["growing", "all"])
def test_features_that_are_the_same_for_every_image_are_told(way, estimated, tmp_path, monkeypatch):
    (tmp_path / "own_features.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_features", raising=False)
    done = estimated("--features", "own_features:constant", *way)
    assert done.code == 0, done.err
    (told,) = [each for each in done.result["warnings"] if each["code"] == "CONSTANT-FEATURES"]
    assert told["message"].endswith("4 features (0, 1, 2, 3).")


@pytest.fixture
def no_hub(monkeypatch, tmp_path):
    """A hub that no connection is made to, whatever the machine's network, and no local cache."""
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.mark.usefixtures("undrawn", "no_hub")
def test_auto_never_falls_back_to_pixels_in_silence(estimated, large):
    failed(estimated("--data", large), 3, "hub cannot be reached", *AUTO_WAYS_ON)


@pytest.mark.usefixtures("undrawn")
def test_offline_is_said(estimated, large, monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    failed(estimated("--data", large), 3, "HF_HUB_OFFLINE is set", *AUTO_WAYS_ON)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("most", [5, 1, 0], ids=["halved", "one-at-a-time", "not-even-one"])
def test_out_of_memory(most, estimated, vit, monkeypatch, tmp_path):
    rows, log = TransformersBackbone.rows, tmp_path / "batches"

    def limited(self, prepared, device, dtype):
        with log.open("a") as file:  # whatever process it is in
            file.write(f"{os.getpid()} {len(prepared)}\n")
        if len(prepared) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return rows(self, prepared, device, dtype)

    whole_batches = estimated("--features", vit)
    monkeypatch.setenv("SUFFICIENT_CACHE", os.environ["SUFFICIENT_CACHE"] + "-other")
    monkeypatch.setattr(TransformersBackbone, "rows", limited)
    done = estimated("--features", vit)
    if most:
        assert done.code == 0, done.err
        assert [point["k"] for point in done.result["curve"]] == [
            p["k"] for p in whole_batches.result["curve"]
        ]
        assert done.result["data"] == whole_batches.result["data"]
    else:
        failed(done, 4, "does not fit into the memory of cpu, even with one image at a time")
    tried: dict[str, list[int]] = {}
    for process, size in map(str.split, log.read_text().splitlines()):
        tried.setdefault(process, []).append(int(size))
    for sizes in tried.values():
        too_large = [size for size in sizes if size > most]
        assert all(later <= max(earlier / 2, 1) for earlier, later in pairwise(too_large)), "halved, for good"


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("features", ["pixels", "model"])
@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_a_device_that_is_asked_for_and_absent(device, features, estimated, vit, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    given = vit if features == "model" else features
    failed(estimated("--features", given, "--device", device), 4, f"--device {device}", "--device auto")


@pytest.mark.usefixtures("undrawn")
def test_auto_says_which_device_it_fell_back_to(estimated, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    done = estimated("--device", "auto")
    assert done.result["environment"]["device"] == "cpu"


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("readable", [0, 1])
def test_a_class_that_cannot_be_read_is_named_or_left_out(readable, estimated, vit, folder):
    (folder / "bad").mkdir()
    for number in range(4):
        (folder / "bad" / f"{number}.png").write_bytes(b"nothing" * (number + 1))
    if readable:
        (folder / "bad" / "4.png").write_bytes(single_picture())
    done = estimated("--data", folder, "--features", vit, "--all-features")
    assert done.code == 0, done.err
    assert done.result["model"]["outputs"] == 2
    assert "CLASS-TOO-SMALL" in done.codes if readable else True
    expected = {"not-an-image": 4} | ({"class-too-small": 1} if readable else {})
    assert done.result["data"]["skipped"] == expected
    if not readable:
        grown = estimated("--data", folder, "--features", vit)
        assert (grown.code, grown.result["model"]["outputs"]) == (0, 2), "in the growing way too"
        assert "EMPTY-CLASS-FOLDER" in grown.codes
        assert grown.result["data"]["skipped"] == expected


def single_picture() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (9, 9), 3).save(content, "png")
    return content.getvalue()


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("way", [[], ["--all-features"]], ids=["growing", "all"])
@pytest.mark.parametrize("share", ["held-out", "fit"])
def test_a_read_error_that_passes_before_a_resume_is_no_shift_in_silence(
    way, share, photographs, vit, tmp_path, capsys, monkeypatch
):
    images = catalogue(str(photographs))
    study = StudyOptions(replicates=2, start=8)
    order, fit, validation, _ = plan_common(images.labels, None, study, growing=True)
    bad = int(order[0 if share == "fit" else fit + validation])
    read = FileReader.read

    def flaky(self, index, *, draft=None):
        if index == bad:
            raise UnusableError("unreadable", "Input/output error")
        return read(self, index, draft=draft)

    line = ["estimate", "--data", photographs, "--features", vit, *LITTLE, "--out", tmp_path / "run", *way]
    monkeypatch.setattr(FileReader, "read", flaky)
    assert ran(line, capsys).code == 0
    again = ran([*line, "--resume", "--json"], capsys)
    assert again.code == 0, again.err  # as it was
    monkeypatch.setattr(FileReader, "read", read)
    said = ("is not what it was when the run began", "1 unreadable, now none", "new --out")
    failed(ran([*line, "--resume"], capsys), 2, *said)
