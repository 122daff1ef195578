"""Small random checkpoints, made and saved through transformers."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers
from transformers import (
    BeitConfig,
    BeitImageProcessor,
    BeitModel,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    ConvNextImageProcessor,
    DeiTConfig,
    DeiTImageProcessor,
    DeiTModel,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    ResNetConfig,
    ResNetModel,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
    SwinConfig,
    SwinModel,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessor,
    ViTModel,
)

from sufficient.data import hub_client

TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "image_size": 32,
    "patch_size": 8,
}
DRAWN = {"initializer_range": 0.5}  # so that images differ in their outputs
TEXT = TINY | {"num_hidden_layers": 1, "vocab_size": 50, "max_position_embeddings": 8}
SQUARE = {"height": 32, "width": 32}
CROPPED = {"size": {"shortest_edge": 36}, "crop_size": SQUARE}


def vit():
    return ViTModel(ViTConfig(**TINY, **DRAWN)), ViTImageProcessor(size=SQUARE)


def headless_vit():
    """A classifier's checkpoint: like the paper's model it has no pooler."""
    return ViTForImageClassification(ViTConfig(**TINY, **DRAWN)), ViTImageProcessor(size=SQUARE)


def deit():
    processor = DeiTImageProcessor(size={"height": 36, "width": 36}, crop_size=SQUARE)
    return DeiTModel(DeiTConfig(**TINY, **DRAWN)), processor


def resnet():
    network = ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1]))
    return network, ConvNextImageProcessor(size={"shortest_edge": 32})


def dino():
    config = Dinov2WithRegistersConfig(**TINY, **DRAWN, num_register_tokens=3)
    return Dinov2WithRegistersModel(config), ViTImageProcessor(size=SQUARE)


def swin():
    config = SwinConfig(image_size=32, embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=4, **DRAWN)
    return SwinModel(config), ViTImageProcessor(size=SQUARE)


def clip():
    return CLIPModel(CLIPConfig(text_config=TEXT, vision_config=TINY)), CLIPImageProcessor(**CROPPED)


def mlcd():
    """Of CLIP's kind too: its last hidden state has not passed the final norm."""
    network = transformers.MLCDVisionModel(transformers.MLCDVisionConfig(**TINY))
    return network, CLIPImageProcessor(**CROPPED)


def aimv2():
    """Its pooling head has a `cls_token`, its sequence has none."""
    network = transformers.Aimv2VisionModel(transformers.Aimv2VisionConfig(**TINY))
    return network, CLIPImageProcessor(**CROPPED)


def siglip():
    network = SiglipModel(SiglipConfig(text_config=TEXT, vision_config=TINY))
    return network, SiglipImageProcessor(size=SQUARE)


def beit():
    return BeitModel(BeitConfig(**TINY, **DRAWN)), BeitImageProcessor(size=SQUARE, do_center_crop=False)


NEWER = {"MLCDVisionModel": mlcd, "Aimv2VisionModel": aimv2}  # than the oldest library that is supported
MAKERS = [make for name, make in NEWER.items() if hasattr(transformers, name)]
MAKERS += [vit, headless_vit, deit, resnet, dino, swin, clip, siglip, beit]
KINDS = {make.__name__: make for make in MAKERS}


def save(kind: str, folder: Path, *, seed: int = 1) -> str:
    """Return the folder, in which a small random checkpoint of this kind now stands."""
    with hub_client.quiet("transformers"), torch.random.fork_rng():
        torch.manual_seed(seed)
        network, processor = KINDS[kind]()
        network.save_pretrained(folder)
        processor.save_pretrained(folder)
    return str(folder)
