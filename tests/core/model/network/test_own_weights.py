"""Networks of one's own: other architectures from a local file, and files that do not fit."""

import numpy as np
import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file

from core.errors import BundleError, ConfigError
from core.model.network import backbone as backbones
from core.model.network.backbone import Files
from core.model.network.runtime import open_network
from tests.core.model.network.reference_logits import picture

pytestmark = pytest.mark.slow


OTHERS = {
    "vit_tiny_patch16_224": lambda: timm.create_model("vit_tiny_patch16_224"),
    "resnet18": lambda: timm.create_model("resnet18"),
    "torchvision:mobilenet_v3_small": torchvision.models.mobilenet_v3_small,
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_architectures_run_from_a_local_safetensors_file(name, network_home, tmp_path):
    torch.manual_seed(0)
    weights = tmp_path / "weights.safetensors"
    save_file(OTHERS[name]().state_dict(), weights)
    backbone = backbones.describe(name, weights)
    onnx, by_torch = (
        open_network(
            backbone, runtime=runtime, cache=network_home / "cache", files=Files(own=weights)
        )
        for runtime in ("onnx", "torch")
    )
    one, other = picture("coffee"), picture("chelsea")
    features = onnx.extract(one).pooled
    np.testing.assert_allclose(features, by_torch.extract(one).pooled, rtol=1e-3, atol=1e-5)
    assert not np.allclose(features, onnx.extract(other).pooled, rtol=1e-3)


def test_weights_of_another_architecture_are_refused(tmp_path):
    weights = tmp_path / "weights.safetensors"
    save_file({"lonely": torch.zeros(1)}, weights)
    with pytest.raises(BundleError, match=r"does not fit resnet18"):
        backbones.load(backbones.describe("resnet18", weights), Files(own=weights))


def test_a_swapped_weight_file_is_refused(tmp_path):
    weights = tmp_path / "weights.safetensors"
    save_file(timm.create_model("resnet18").state_dict(), weights)
    described = backbones.describe("resnet18", weights)
    save_file(timm.create_model("resnet18").state_dict(), weights)
    with pytest.raises(BundleError, match="not the ones named"):
        backbones.load(described, Files(own=weights))


def test_a_weight_file_that_is_none_is_named(tmp_path):
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"no tensors at all")
    backbone = backbones.describe("resnet18", weights)
    with pytest.raises(BundleError, match=r"weights\.safetensors do not read as safetensors"):
        backbones.load(backbone, Files(own=weights))


def test_other_architectures_need_weights_and_unknown_ones_are_named(tmp_path):
    with pytest.raises(ConfigError, match="needs weights"):
        backbones.describe("resnet18")
    (tmp_path / "w.safetensors").write_bytes(b"")
    with pytest.raises(ConfigError, match="No architecture is called"):
        backbones.describe("no_such_net", tmp_path / "w.safetensors")
    with pytest.raises(ConfigError, match="No runtime is called 'tpu'"):
        open_network(backbones.describe(), runtime="tpu", cache=tmp_path)
