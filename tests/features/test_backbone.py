from __future__ import annotations

import json
import multiprocessing
import shutil
import socket
import time
from pathlib import Path

import huggingface_hub.constants
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoImageProcessor, AutoModel, CLIPVisionModel, SiglipVisionModel

from sufficient.data import hub_client
from sufficient.errors import DataError, UsageError
from sufficient.features import preprocessing
from sufficient.features.backbone import backbone
from tests.features.checkpoints import KINDS, save

CPU = torch.device("cpu")
TWO_WAYS = r"--features pixels.*local checkpoint folder"
DEFAULT = {
    "vit": "cls",
    "headless_vit": "cls",
    "deit": "cls",
    "resnet": "pooler",
    "dino": "cls",
    "swin": "pooler",
    "clip": "cls",
    "mlcd": "cls",
    "aimv2": "pooler",
    "siglip": "pooler",
    "beit": "pooler",
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {kind: save(kind, tmp_path_factory.mktemp(kind)) for kind in KINDS}


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    sizes = [(20, 24), (32, 32), (75, 50), (33, 100), (50, 75)]
    return [Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in sizes]


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


def rows_of(features, images, dtype=torch.float32, **options) -> np.ndarray:
    made = backbone(features, **options)
    return made.rows([made.prepare(image) for image in images], CPU, dtype).numpy()


def network_of(kind: str, folder: str):
    own = {"clip": CLIPVisionModel, "siglip": SiglipVisionModel}.get(kind, AutoModel)
    with hub_client.quiet("transformers"):
        return own.from_pretrained(folder).eval()


def one_at_a_time(kind: str, folder: str, images) -> list:
    """Return what the network gives for each image in a plain loop."""
    processor, network = AutoImageProcessor.from_pretrained(folder), network_of(kind, folder)
    with torch.no_grad():
        return [network(**processor(image, return_tensors="pt")) for image in images]


def expected(kind: str, pooling: str, output, network) -> torch.Tensor:
    """Return the row that the model's own documentation names, written out for each kind by hand."""
    hidden = output.last_hidden_state
    if pooling == "pooler":
        return output.pooler_output.reshape(-1)
    if kind in ("clip", "mlcd"):
        hidden = network.post_layernorm(hidden)
    if pooling == "cls":
        return hidden[0, 0]
    first_patch = {"vit": 1, "headless_vit": 1, "deit": 2, "dino": 4, "clip": 1, "mlcd": 1}.get(kind, 0)
    return hidden[0].mean((1, 2)) if kind == "resnet" else hidden[0, first_patch:].mean(0)


HAS = {
    "vit": ("cls", "mean", "pooler"),
    "headless_vit": ("cls", "mean"),
    "deit": ("cls", "mean", "pooler"),
    "resnet": ("mean", "pooler"),
    "dino": ("cls", "mean", "pooler"),
    "swin": ("mean", "pooler"),
    "clip": ("cls", "mean", "pooler"),
    "mlcd": ("cls", "mean", "pooler"),
    "aimv2": ("mean", "pooler"),
    "siglip": ("mean", "pooler"),
    "beit": ("pooler",),
}


@pytest.mark.parametrize(("kind", "pooling"), [(kind, pooling) for kind in KINDS for pooling in HAS[kind]])
def test_equal_to_a_plain_loop(folders, images, kind, pooling):
    found = rows_of(folders[kind], images, pooling=pooling)
    outputs, network = one_at_a_time(kind, folders[kind], images), network_of(kind, folders[kind])
    with torch.no_grad():
        rows = torch.stack([expected(kind, pooling, output, network) for output in outputs]).numpy()
    assert found.dtype == np.float32
    assert rows.std(axis=0).mean() > 1e-3  # images differ
    np.testing.assert_allclose(found, rows, rtol=1e-5, atol=1e-6 * max(1, np.abs(rows).max()))


@pytest.mark.parametrize("kind", KINDS)
def test_the_pooling_by_default(folders, images, kind):
    made = backbone(folders[kind])
    assert made.identity["pooling"] == DEFAULT[kind]
    np.testing.assert_array_equal(
        rows_of(folders[kind], images), rows_of(folders[kind], images, pooling=DEFAULT[kind])
    )
    assert made.notices == ()
    assert made.note.endswith(".")


@pytest.mark.parametrize("kind", sorted(KINDS.keys() & {"clip", "mlcd"}))
def test_the_class_token_is_taken_after_the_final_norm(folders, images, kind):
    made = backbone(folders[kind])
    network = network_of(kind, folders[kind])
    with torch.no_grad():
        raw = torch.stack([out.last_hidden_state[0, 0] for out in one_at_a_time(kind, folders[kind], images)])
        normed = network.post_layernorm(raw).numpy()
    np.testing.assert_allclose(rows_of(folders[kind], images), normed, atol=1e-5)
    np.testing.assert_allclose(rows_of(folders[kind], images, pooling="pooler"), normed, atol=1e-5)
    assert np.abs(normed - raw.numpy()).max() > 0.1
    assert made.note.endswith("class token of the last hidden state after its final norm, post_layernorm.")


@pytest.mark.parametrize(
    ("kind", "pooling", "says"),
    [
        ("swin", "cls", "a SwinModel, which has no class token.*use --pooling pooler"),
        ("siglip", "cls", "a SiglipVisionModel, which has no class token"),
        ("beit", "mean", "a BeitModel, which has no tokens of patches"),
    ],
)
def test_a_pooling_that_a_model_lacks(folders, kind, pooling, says):
    with pytest.raises(DataError, match=says):
        backbone(folders[kind], pooling=pooling)


def test_an_untrained_pooler_is_said_and_drawn_by_the_seed(folders, images):
    folder = folders["headless_vit"]
    first, again, other = (rows_of(folder, images, pooling="pooler", seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1
    made = backbone(folder, pooling="pooler", seed=3)
    assert [notice.code for notice in made.notices] == ["POOLER-UNTRAINED"]
    assert "random, drawn with seed 3" in made.notices[0].message
    assert made.identity != backbone(folder, pooling="pooler", seed=4).identity
    assert backbone(folder, seed=3).identity == backbone(folder, seed=4).identity


@pytest.mark.parametrize("kind", KINDS)
def test_preprocessing_equals_the_processors(folders, images, kind):
    processor = AutoImageProcessor.from_pretrained(folders[kind])
    made = preprocessing.of_processor(processor)
    for image in images:
        whole = processor(image, return_tensors="pt")["pixel_values"][0]
        prepared = made.prepare(image)
        assert prepared.dtype == np.uint8  # a fourth of what crosses to another process
        torch.testing.assert_close(made.finish(torch.from_numpy(prepared[None]))[0], whole, rtol=0, atol=1e-6)


def test_a_processor_with_steps_of_its_own_is_run_whole(folders, images):
    class Inverting:
        do_resize, do_center_crop, do_rescale, do_normalize, rescale_factor = False, False, True, False, 1.0

        def __call__(self, image, **options):
            return {"pixel_values": np.float32(255 - image.transpose(2, 0, 1))[None]}

    made = preprocessing.of_processor(Inverting())
    assert made.scaling is None
    prepared = made.prepare(images[0])
    np.testing.assert_array_equal(prepared, 255 - np.asarray(images[0]).transpose(2, 0, 1).astype(np.float32))
    assert torch.equal(made.finish(torch.from_numpy(prepared)), torch.from_numpy(prepared))


@pytest.mark.parametrize(("kind", "side"), [("vit", 32), ("deit", 36), ("resnet", 36), ("clip", 36)])
def test_the_side_that_images_are_resized_to(folders, kind, side):
    assert backbone(folders[kind]).draft == side


def test_no_side_where_nothing_is_resized(folders, tmp_path):
    folder = copy(folders["vit"], tmp_path)
    change(folder, "preprocessor_config.json", do_resize=False)
    with pytest.raises(DataError, match=r"cannot be run on images of \(3, 48, 64\)"):
        backbone(str(folder))
    folder = copy(folders["resnet"], tmp_path / "resnet")
    change(folder, "preprocessor_config.json", do_resize=False)
    assert backbone(str(folder)).draft is None


def test_images_of_several_shapes_keep_their_order(folders, images, tmp_path):
    folder = copy(folders["resnet"], tmp_path)
    change(folder, "preprocessor_config.json", do_resize=False)
    mixed = [images[i] for i in (0, 2, 0, 4, 2)]
    alone = np.concatenate([rows_of(str(folder), [image]) for image in mixed])
    np.testing.assert_allclose(rows_of(str(folder), mixed), alone, rtol=1e-5, atol=1e-6)


def test_lower_precision_is_near_and_leaves_no_trace(folders, images):
    made = backbone(folders["vit"])
    prepared = [made.prepare(image) for image in images]
    before = made.rows(prepared, CPU, torch.float32)
    rough = made.rows(prepared, CPU, torch.bfloat16)
    assert rough.dtype == torch.float32
    assert 0 < (rough - before).abs().mean() < 0.05
    assert torch.equal(made.rows(prepared, CPU, torch.float32), before)


def prepare_in_a_worker(index: int) -> np.ndarray:
    return SHARED[0].prepare(SHARED[1][index])


SHARED: list = []


def test_prepares_in_a_forked_worker(folders, images):
    SHARED[:] = [made := backbone(folders["deit"]), images]
    with multiprocessing.get_context("fork").Pool(1) as pool:
        for image, prepared in zip(images, pool.map(prepare_in_a_worker, range(len(images))), strict=True):
            np.testing.assert_array_equal(prepared, made.prepare(image))


def copy(folder: str, to: Path) -> Path:
    return Path(shutil.copytree(folder, to, dirs_exist_ok=True))


def change(folder: Path, name: str, **values) -> None:
    content = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(content | values))


def test_identity_is_of_the_contents(folders, tmp_path):
    first = backbone(folders["vit"]).identity
    folder = copy(folders["vit"], tmp_path)
    assert backbone(str(folder)).identity == first
    change(folder, "preprocessor_config.json", image_mean=[0.4, 0.5, 0.5])
    assert differing(backbone(str(folder)).identity, first) == {"preprocessing"}
    change(folder, "config.json", layer_norm_eps=1e-5)
    assert differing(backbone(str(folder)).identity, first) == {"preprocessing", "config"}
    weights = load_file(folder / "model.safetensors")
    weights["layernorm.bias"] += 1
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert differing(backbone(str(folder)).identity, first) == {"preprocessing", "config", "weights"}
    assert differing(backbone(folders["vit"], pooling="mean").identity, first) == {"pooling"}


def differing(a: dict[str, str], b: dict[str, str]) -> set[str]:
    assert a.keys() == b.keys()
    return {name for name in a if a[name] != b[name]}


def in_a_hub_cache(folder: str, cache: Path, monkeypatch, commits: dict[str, str]) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    entry = cache / "models--someone--tiny"
    (entry / "refs").mkdir(parents=True)
    for reference, commit in commits.items():
        copy(folder, entry / "snapshots" / commit)
        (entry / "refs" / reference).write_text(commit)


def test_a_revision_of_the_hub_is_known_by_its_commit(folders, tmp_path, monkeypatch, offline):
    commits = {"main": "0" * 40, "older": "1" * 40}
    in_a_hub_cache(folders["vit"], tmp_path, monkeypatch, commits)
    newest, older, exact = (
        backbone("someone/tiny", revision=revision).identity for revision in (None, "older", "1" * 40)
    )
    assert (newest["model"], newest["commit"]) == ("someone/tiny", "0" * 40)
    assert older["commit"] == "1" * 40
    assert older == exact
    with pytest.raises(DataError, match=rf"someone/tiny at revision newer cannot be loaded .*{TWO_WAYS}"):
        backbone("someone/tiny", revision="newer")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "'' cannot be loaded (the name is empty)"),
        ("./nowhere", "(the folder ./nowhere does not exist)"),
        ("a/b/c", "(the folder a/b/c does not exist)"),
        ("own:", "(of module:function one half is missing)"),
        (":own", "(of module:function one half is missing)"),
        (__file__, "is a file, and a checkpoint is a folder"),
    ],
)
def test_a_name_that_can_be_no_checkpoint_is_said_to_be_none(name, says):
    with pytest.raises(DataError, match=TWO_WAYS) as caught:
        backbone(name)
    assert says in str(caught.value)


def test_a_folder_has_no_revisions(folders):
    with pytest.raises(UsageError, match=r"--revision v2 names a version on the hub.*leave --revision out"):
        backbone(folders["vit"], revision="v2")


def test_offline_asks_no_network(tmp_path, monkeypatch, offline):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(DataError, match=rf"in the local cache, and HF_HUB_OFFLINE is set\); .*{TWO_WAYS}"):
        backbone("google/vit-base-patch16-224")


def refuse(*args, **options):
    raise AssertionError("the network was asked")


def test_a_hub_that_does_not_answer_is_given_up_soon(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    began = time.monotonic()
    with pytest.raises(DataError, match=rf"the hub cannot be reached\); .*{TWO_WAYS}") as caught:
        backbone("google/vit-base-patch16-224")
    assert time.monotonic() - began < 5
    assert "\n" not in str(caught.value)


def unreachable(*args, **options):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def drop_class_token(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["embeddings.cls_token"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def pickled(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def with_code_of_its_own(folder: Path) -> None:
    change(
        folder, "config.json", model_type="own", auto_map={"AutoConfig": "own.Own", "AutoModel": "own.Net"}
    )
    (folder / "own.py").write_text("raise SystemExit('its code was run')")


def replaced_weights(folder: Path) -> None:
    save("resnet", folder / "other")
    shutil.copy(folder / "other" / "model.safetensors", folder / "model.safetensors")


def test_a_pickle_is_not_read_and_the_way_to_safetensors_is_said(folders, tmp_path):
    folder = copy(folders["vit"], tmp_path)
    pickled(folder)
    said = rf"^{folder} holds only pickled weights.*AutoModel\.from_pretrained\('{folder}'\)\.save_pretrained"
    with pytest.raises(DataError, match=said):
        backbone(str(folder))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (with_code_of_its_own, "needs code that comes with it, which is not run"),
        (drop_class_token, r"lacks 1 weight, embeddings\.cls_token first"),
        (
            replaced_weights,
            r"of another architecture than the ViTModel of its config\.json: .* lacks \d+ weights",
        ),
        (lambda folder: change(folder, "config.json", hidden_size=16), "cannot be loaded"),
        (lambda folder: change(folder, "config.json", hidden_size="many"), "cannot be loaded"),
        (lambda folder: change(folder, "config.json", model_type="bert"), "cannot be loaded"),
        (lambda folder: (folder / "config.json").write_text("[1]"), "cannot be loaded"),
        (lambda folder: (folder / "preprocessor_config.json").write_text("[1]"), "cannot be loaded"),
        (
            lambda folder: (folder / "preprocessor_config.json").unlink(),
            r"it has no preprocessor_config\.json",
        ),
    ],
)
def test_a_checkpoint_that_cannot_be_used(folders, tmp_path, damage, says):
    folder = copy(folders["vit"], tmp_path)
    damage(folder)
    with pytest.raises(DataError, match=rf"{says}.*{TWO_WAYS}") as caught:
        backbone(str(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.gpu
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 0.1)])
@pytest.mark.parametrize("kind", KINDS)
def test_cuda_equals_the_cpu(folders, images, kind, dtype, tolerance):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    made = backbone(folders[kind])
    prepared = [made.prepare(image) for image in images]
    expected = made.rows(prepared, CPU, torch.float32)
    found = made.rows(prepared, torch.device("cuda"), dtype)
    assert found.device == CPU
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance * float(expected.abs().max()))
