from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import huggingface_hub.constants
import numpy as np
import pytest
import torch
import transformers.utils.hub
from safetensors.torch import load_file, save_file
from transformers import (
    AutoImageProcessor,
    AutoModel,
    ResNetConfig,
    ResNetModel,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessor,
    ViTModel,
)

from sufficient.data import hub_client
from sufficient.errors import DataError, ResourceError
from sufficient.features.pretrained import extract

CPU = torch.device("cpu")
BOTH_WAYS = r"local checkpoint folder.*--features-file NAME=FILE"


def tiny_config() -> ViTConfig:
    return ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=32,
        patch_size=8,
        initializer_range=0.5,  # so that images differ in their outputs
    )


def save(network, folder: Path) -> str:
    with hub_client.quiet("transformers"):
        network.save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def with_pooler(tmp_path_factory):
    torch.manual_seed(1)
    return save(ViTModel(tiny_config()), tmp_path_factory.mktemp("with"))


@pytest.fixture(scope="module")
def without_pooler(tmp_path_factory):
    torch.manual_seed(2)
    return save(ViTForImageClassification(tiny_config()), tmp_path_factory.mktemp("without"))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (7, 20, 24, 3), dtype=np.uint8)


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


def load_quietly(folder: str):
    with hub_client.quiet("transformers"):
        return AutoModel.from_pretrained(folder)


def one_at_a_time(folder: str, images) -> dict[str, np.ndarray]:
    processor, network = AutoImageProcessor.from_pretrained(folder), load_quietly(folder)
    with torch.no_grad():
        outputs = [network(**processor(image, return_tensors="pt")) for image in images]
    return {
        "cls": np.stack([output.last_hidden_state[0, 0].numpy() for output in outputs]),
        "pooler": np.stack([output.pooler_output[0].numpy() for output in outputs]),
    }


@pytest.mark.parametrize("pooling", ["cls", "pooler"])
def test_equal_to_a_plain_loop(with_pooler, images, pooling):
    found = extract(images, model=with_pooler, pooling=pooling, device=CPU, batch_size=3)
    assert (found.values.shape, found.values.dtype) == ((7, 32), np.float32)
    assert found.values.std(axis=0).mean() > 0.1
    np.testing.assert_allclose(found.values, one_at_a_time(with_pooler, images)[pooling], atol=1e-5)
    assert found.note.startswith(with_pooler)
    assert {"cls": "class token", "pooler": "pooler output"}[pooling] in found.note
    assert "random" not in found.note


def test_a_pooler_that_the_checkpoint_lacks_is_drawn_by_seed(without_pooler, images):
    first, again, other = (
        extract(images, model=without_pooler, pooling="pooler", seed=seed, device=CPU) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.values, again.values)
    assert np.abs(first.values - other.values).max() > 0.1
    assert "no pooler weights: they are random, drawn with seed 0" in first.note
    assert first.note.count(".") - without_pooler.count(".") == 1


def test_class_token_does_not_depend_on_the_seed(without_pooler, images):
    first, other = (extract(images, model=without_pooler, seed=seed, device=CPU) for seed in (0, 1))
    np.testing.assert_array_equal(first.values, other.values)
    assert "random" not in first.note


def test_leaves_no_trace(without_pooler, images, capfd):
    def settings():
        names = ("transformers", "huggingface_hub")
        return (
            [logging.getLogger(name).level for name in names],
            transformers.utils.logging.is_progress_bar_enabled(),
            huggingface_hub.utils.are_progress_bars_disabled(),
            os.environ.get(hub_client.NO_CONVERSION),
        )

    torch.manual_seed(5)
    before, state = settings(), torch.get_rng_state()
    extract(images, model=without_pooler, pooling="pooler", device=CPU)
    assert settings() == before
    assert torch.equal(torch.get_rng_state(), state)
    assert capfd.readouterr() == ("", "")


def test_half_precision_checkpoints_are_run_in_float32(with_pooler, images, tmp_path):
    model = save(load_quietly(with_pooler).half(), tmp_path)
    with hub_client.quiet("transformers"):
        processor, network = (
            AutoImageProcessor.from_pretrained(model),
            AutoModel.from_pretrained(model).float(),
        )
    with torch.no_grad():
        expected = network(**processor(list(images), return_tensors="pt")).last_hidden_state[:, 0].numpy()
    np.testing.assert_allclose(extract(images, model=model, device=CPU).values, expected, atol=1e-5)


def test_grey_images_are_repeated_to_three_channels(with_pooler, images):
    grey = images[..., :1]
    np.testing.assert_array_equal(
        extract(grey, model=with_pooler, device=CPU).values,
        extract(np.repeat(grey, 3, axis=3), model=with_pooler, device=CPU).values,
    )


@pytest.mark.parametrize("shape", [(3, 3, 1), (1, 3, 3), (3, 40, 3)])
def test_sizes_that_look_like_channels(with_pooler, shape):
    rows = np.random.default_rng(0).integers(0, 256, (2, *shape), dtype=np.uint8)
    rows.setflags(write=False)
    assert extract(rows, model=with_pooler, device=CPU).values.shape == (2, 32)


def test_progress_reaches_the_end(with_pooler, images):
    calls: list[tuple[int, int]] = []
    extract(images, model=with_pooler, device=CPU, batch_size=3, progress=lambda *now: calls.append(now))
    assert calls == [(3, 7), (6, 7), (7, 7)]


@pytest.mark.parametrize("model", ["google/vit-base-patch16-224", "./no/such/folder", "not a name"])
def test_a_model_that_is_not_to_be_had(model, images, offline, tmp_path, monkeypatch):
    use_cache(tmp_path, monkeypatch)
    with pytest.raises(DataError, match=rf"{model} cannot be loaded \(.*\); .*{BOTH_WAYS}\.$") as caught:
        extract(images, model=model, device=CPU)
    assert "\n" not in str(caught.value)


def use_cache(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(transformers.utils.hub, "TRANSFORMERS_CACHE", str(folder), raising=False)


def test_a_cached_hub_model_asks_no_network(with_pooler, images, tmp_path, monkeypatch):
    use_cache(tmp_path, monkeypatch)
    commit = "0" * 40
    entry = tmp_path / "models--someone--tiny"
    shutil.copytree(with_pooler, entry / "snapshots" / commit)
    (entry / "refs").mkdir()
    (entry / "refs" / "main").write_text(commit)

    def refuse(*args, **kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    found = extract(images, model="someone/tiny", device=CPU)
    np.testing.assert_array_equal(found.values, extract(images, model=with_pooler, device=CPU).values)


def test_a_pickle_is_refused(with_pooler, images, tmp_path):
    folder = tmp_path / "pickle"
    shutil.copytree(with_pooler, folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(DataError, match=r"holds only pickled weights, which can run code.*save_pretrained"):
        extract(images, model=str(folder), device=CPU)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (
            lambda folder: (folder / "model.safetensors").write_bytes(b"damaged, all of it"),
            "cannot be loaded",
        ),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be loaded"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), "it has no preprocessor_config"),
        (lambda folder: drop_weight(folder), "lacks 1 weight, embeddings.cls_token first"),
        (lambda folder: change(folder, "config.json", hidden_size=16), "cannot be loaded"),
        (
            lambda folder: change(folder, "preprocessor_config.json", size={"height": 16, "width": 16}),
            r"cannot be run on images of \(3, 16, 16\)",
        ),
        (lambda folder: change(folder, "config.json", mask_ratio=0.75), "hides parts of each image"),
    ],
)
def test_a_damaged_checkpoint(with_pooler, images, tmp_path, damage, says):
    folder = tmp_path / "damaged"
    shutil.copytree(with_pooler, folder)
    damage(folder)
    with pytest.raises(DataError, match=rf"{says}.*{BOTH_WAYS}"):
        extract(images, model=str(folder), device=CPU)


def drop_weight(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["embeddings.cls_token"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def change(folder: Path, name: str, **values) -> None:
    content = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(content | values))


def test_values_that_are_not_finite(with_pooler, images, tmp_path):
    network = load_quietly(with_pooler)
    torch.nn.init.constant_(network.layernorm.weight, torch.nan)
    with pytest.raises(DataError, match="not finite"):
        extract(images, model=save(network, tmp_path), device=CPU)


def test_a_model_without_such_an_output_says_what_it_has(images, tmp_path):
    network = ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1]))
    with pytest.raises(
        DataError,
        match=r"ResNetModel.*no class token.*last_hidden_state \(N, 16, 4, 4\), pooler_output "
        r"\(N, 16, 1, 1\); use --pooling pooler",
    ):
        extract(images, model=save(network, tmp_path), pooling="cls", device=CPU)


class Memory:
    """Has room for so many images in a forward pass."""

    def __init__(self, room: int, error: Exception, monkeypatch) -> None:
        self.sizes: list[int] = []
        plain = ViTModel.forward

        def forward(network, pixel_values, **options):
            self.sizes.append(len(pixel_values))
            if len(pixel_values) > room:
                raise error
            return plain(network, pixel_values, **options)

        monkeypatch.setattr(ViTModel, "forward", forward)


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory."),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    RuntimeError("MPS backend out of memory"),
    MemoryError(),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: type(error).__name__)
def test_a_batch_that_does_not_fit_is_halved(with_pooler, images, monkeypatch, error):
    expected = extract(images, model=with_pooler, device=CPU).values
    memory = Memory(2, error, monkeypatch)
    calls: list[tuple[int, int]] = []
    found = extract(images, model=with_pooler, device=CPU, progress=lambda *now: calls.append(now))
    assert memory.sizes == [1, 7, 3, 1, 1, 1, 1, 1, 1, 1]  # the first: tried when loaded
    assert calls[-1] == (7, 7)
    np.testing.assert_allclose(found.values, expected, atol=1e-5)


def test_one_image_that_does_not_fit_is_the_machines_no(with_pooler, images, monkeypatch):
    Memory(0, OUT_OF_MEMORY[0], monkeypatch)
    with pytest.raises(
        ResourceError, match=r"even with one image at a time; free memory or take a smaller model\.$"
    ):
        extract(images, model=with_pooler, device=CPU)


def test_a_checkpoint_that_does_not_fit_is_the_machines_no(with_pooler, images, monkeypatch):
    def load(*args, **kwargs):
        raise OUT_OF_MEMORY[1]

    monkeypatch.setattr(AutoModel, "from_pretrained", load)
    with pytest.raises(ResourceError, match="does not fit into the memory of cpu"):
        extract(images, model=with_pooler, device=CPU)


def test_other_errors_are_not_taken_for_a_lack_of_memory(with_pooler, images, monkeypatch):
    memory = Memory(2, RuntimeError("a bug"), monkeypatch)
    with pytest.raises(RuntimeError, match="a bug"):
        extract(images, model=with_pooler, device=CPU)
    assert memory.sizes == [1, 7]


def test_the_module_loads_no_transformers():
    code = "import sys, sufficient.features.pretrained; print('transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.gpu
def test_cuda_equals_the_cpu(with_pooler, images):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    np.testing.assert_allclose(
        extract(images, model=with_pooler, device=torch.device("cuda")).values,
        extract(images, model=with_pooler, device=CPU).values,
        atol=1e-4,
    )
