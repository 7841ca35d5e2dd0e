"""Where torch runs, and that nothing of a network stays behind on another device."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import ConfigError
from core.model.network import backbone as backbones
from core.model.network.backbone import Files, describe, with_two_scales
from core.model.network.graph import FeatureGraph, MapGraph
from core.model.network.runtime import open_network, split_runtime, unsupported_reason
from core.model.network.torch_network import TorchNetwork, choose_device, keep_float32

pytestmark = pytest.mark.slow


def test_cuda_is_taken_where_there_is_one_unless_another_device_is_named():
    assert choose_device("", has_cuda=True) == "cuda"
    assert choose_device("", has_cuda=False) == "cpu"
    assert choose_device("cpu", has_cuda=True) == "cpu"
    assert choose_device("cuda", has_cuda=True) == "cuda"
    with pytest.raises(ConfigError, match="expected a CUDA device, torch finds none"):
        choose_device("cuda", has_cuda=False)


def test_a_runtime_names_a_device_of_torch_alone():
    assert split_runtime("onnx") == ("onnx", "")
    assert split_runtime("torch:cpu") == ("torch", "cpu")
    for wrong in ("onnx:cuda", "torch:", "torch:tpu", "cuda", ""):
        with pytest.raises(ConfigError, match="No runtime is called"):
            split_runtime(wrong)
    assert "f32 alone" in unsupported_reason("int8", "torch:cuda")
    assert unsupported_reason("f32", "torch:cpu") == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_is_refused_where_there_is_none(tmp_path):
    with pytest.raises(ConfigError, match="torch finds none"):
        open_network(describe(size=64), runtime="torch:cuda", cache=tmp_path)


def test_a_network_on_the_cpu_says_so_and_gives_float32(tmp_path):
    network = open_network(describe(size=64), runtime="torch:cpu", cache=tmp_path)
    assert network.device == "cpu/torch/f32"
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert network.extract(pixels).pooled.dtype == np.float32
    assert {one.dtype for one in network.maps(pixels)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("graph", [FeatureGraph, MapGraph])
def test_everything_of_a_network_moves_to_its_device(graph):
    """On the device without memory an operation fails that any tensor of the CPU takes part in."""
    plain = replace(
        describe(size=64), patches=True, asymmetry=True, foreground=True, views=("identity", "flip")
    )
    for backbone in (plain, with_two_scales(plain)):
        moved = graph(backbone, backbones.load(backbone)).eval().to("meta")
        with torch.inference_mode():
            outputs = moved(torch.zeros(1, 64, 64, 3, dtype=torch.uint8, device="meta"))
        assert {one.device.type for one in outputs} == {"meta"}


def test_cuda_computes_in_ieee_float32_by_the_same_kernels_every_time(monkeypatch):
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.conv.fp32_precision, matmul.fp32_precision
    monkeypatch.setattr(cudnn, "benchmark", True)
    monkeypatch.setattr(cudnn, "deterministic", False)
    try:
        keep_float32()
        assert (cudnn.conv.fp32_precision, matmul.fp32_precision) == ("ieee", "ieee")
        assert (cudnn.benchmark, cudnn.deterministic) == (False, True)
    finally:
        cudnn.conv.fp32_precision, matmul.fp32_precision = before


def test_the_weights_are_moved_once(monkeypatch):
    moves = []
    whole = torch.nn.Module.to
    monkeypatch.setattr(
        torch.nn.Module, "to", lambda self, *a, **k: moves.append(a) or whole(self, *a, **k)
    )
    network = TorchNetwork(describe(size=64), Files())
    opened = len(moves)
    for _ in range(3):
        network.extract(np.zeros((64, 64, 3), np.uint8))
    assert opened > 0
    assert len(moves) == opened
