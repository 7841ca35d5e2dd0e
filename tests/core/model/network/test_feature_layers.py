"""Other architectures: where their features are taken, and that they train, export and assess."""

import math
import shutil

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from core.errors import ConfigError
from core.model.network import backbone as backbones
from core.model.network.backbone import Files
from core.model.network.runtime import open_network
from core.service.assessment.paths import assess_paths
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.training.train import TrainSpec, train
from core.types import Targets

# A convolutional network, a hybrid of both kinds, a vision transformer, and a self-supervised one
# with class and register tokens: side of the input, and where features are taken.
FAMILIES = {
    "resnet18": (96, ["layer2", "layer3"], [12, 6]),
    "mobilevit_xxs": (96, ["stages.2", "stages.3"], [12, 6]),
    "deit_tiny_patch16_224": (96, ["blocks.6", "blocks.9"], [6, 6]),
    "vit_small_patch14_reg4_dinov2": (98, ["blocks.6", "blocks.9"], [7, 7]),
}
PICTURES = 32


@pytest.fixture
def stored(tmp_path):
    """Random weights of an architecture, as a safetensors file."""

    def store(name):
        torch.manual_seed(0)
        weights = tmp_path / "weights.safetensors"
        save_file(timm.create_model(name).state_dict(), weights)
        return weights

    return store


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_a_network_of_every_family_trains_exports_and_assesses(
    name, stored, tiny_product, tmp_path
):
    size, modules, sides = FAMILIES[name]
    for label in ("good", "scratched"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for picture in tiny_product.pictures("train", label)[:PICTURES]:
            shutil.copy(picture, tmp_path / "data" / label)
    settings = tiny_product.settings_at(tmp_path / "home")
    weights = stored(name)
    spec = TrainSpec(
        "parts", tmp_path / "data", tmp_path / "out", backbone=name, weights=weights, size=size
    )
    bundle = open_bundle(train(spec, settings), settings)
    assert [tap.module for tap in bundle.backbone.taps] == modules
    certify_bundle(bundle, Targets())
    pictures = tiny_product.pictures("test")[:3]
    found = list(assess_paths(bundle, pictures, settings=settings))
    pixels = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
    plain = open_network(
        bundle.backbone, runtime="torch", cache=settings.cache, files=Files(own=weights)
    )
    for one in found:
        assert math.isclose(one.prediction.probabilities.sum(), 1.0)
        assert len(one.evidence.features) == sum(tap.width for tap in bundle.backbone.taps)
    assert [m.shape[1:] for m in plain.maps(pixels)] == [(side, side) for side in sides]
    np.testing.assert_allclose(
        bundle.network.extract(pixels).pooled, plain.extract(pixels).pooled, rtol=2e-3, atol=1e-4
    )


def test_class_and_register_tokens_are_no_place(stored):
    weights = stored("vit_small_patch14_reg4_dinov2")
    backbone = backbones.describe("vit_small_patch14_reg4_dinov2", weights, 56)
    network = backbones.load(backbone, Files(own=weights))
    observed = {}
    network.blocks[6].register_forward_hook(lambda _m, _a, out: observed.update(tokens=out))
    pixels = np.random.default_rng(0).integers(0, 256, (56, 56, 3)).astype(np.uint8)
    plain = open_network(backbone, runtime="torch", cache=weights, files=Files(own=weights))
    scaled = (pixels / 255.0 - np.array(backbone.mean)) / np.array(backbone.std)
    with torch.inference_mode():
        network(torch.from_numpy(scaled.transpose(2, 0, 1)[None].astype(np.float32)))
    assert observed["tokens"].shape == (1, 1 + 4 + 16, 384)
    places = observed["tokens"][0, 5:].numpy().T.reshape(384, 4, 4)
    np.testing.assert_allclose(plain.maps(pixels)[0], places, rtol=1e-4, atol=1e-4)


def test_maps_with_channels_last_are_turned(stored):
    name = "swin_tiny_patch4_window7_224"
    weights = stored(name)
    backbone = backbones.describe(name, weights)
    assert [(tap.module, tap.channels) for tap in backbone.taps] == [
        ("layers.1", 192),
        ("layers.2", 384),
    ]
    network = open_network(backbone, runtime="torch", cache=weights, files=Files(own=weights))
    maps = network.maps(np.zeros((224, 224, 3), np.uint8))
    assert [m.shape for m in maps] == [(192, 28, 28), (384, 14, 14)]


def test_a_size_that_an_architecture_does_not_take_is_refused(stored):
    with pytest.raises(ConfigError, match="pictures of 224 pixels a side alone, got 160"):
        backbones.describe("efficientformer_l1", stored("efficientformer_l1"), 160)
    with pytest.raises(ConfigError, match="does not take pictures of 100 pixels"):
        backbones.describe("deit_tiny_patch16_224", stored("deit_tiny_patch16_224"), 100)
