from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import BundleError, ConfigError
from core.model.network import backbone as backbones
from core.model.network.backbone import Files
from core.model.network.runtime import open_network
from core.model.network.tail import arrays_of, cut_index, fresh_tail, load_tails, save_tails

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(3)
PICTURE = RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def tails():
    """Two tails of three classes whose heads differ."""
    made = [fresh_tail(backbones.describe(), Files(), 3) for _ in range(2)]
    for seed, tail in enumerate(made):
        torch.manual_seed(seed)
        torch.nn.init.normal_(tail.head.weight, std=0.1)
        torch.nn.init.normal_(tail.head.bias)
    return made


@pytest.fixture(scope="module")
def tailed(tails, tmp_path_factory):
    path = tmp_path_factory.mktemp("tails") / "tail.safetensors"
    sha256 = save_tails([arrays_of(tail) for tail in tails], path)
    return replace(backbones.describe(), tail=sha256), Files(tail=path)


@pytest.mark.parametrize("name", [backbones.LITE0, backbones.LITE2])
def test_an_untaught_tail_pools_what_the_whole_network_shows_at_the_same_places(name):
    backbone = backbones.describe(name)
    network = backbones.load(backbone)
    observed = {}
    for name in ("blocks.4", "blocks.5.0.bn2", "blocks.5.0", "blocks.5", "blocks.6"):
        network.get_submodule(name).register_forward_hook(
            lambda _m, _a, out, name=name: observed.update({name: out.numpy()[0]})
        )
    with torch.inference_mode():
        network(torch.from_numpy(PICTURE[None].astype(np.float32)).permute(0, 3, 1, 2) / 127.5 - 1)
    expected = np.concatenate(
        [
            observed["blocks.4"].mean((1, 2)),
            observed["blocks.4"].std((1, 2)),
            observed["blocks.5.0.bn2"].std((1, 2)),
            observed["blocks.5.0"].mean((1, 2)),
            observed["blocks.5"].mean((1, 2)),
            observed["blocks.5"].std((1, 2)),
            observed["blocks.6"].mean((1, 2)),
        ]
    )
    tail = fresh_tail(backbone, Files(), 2)
    with torch.inference_mode():
        pooled = tail.features(torch.from_numpy(observed["blocks.4"][None])).numpy()[0]
    assert np.allclose(pooled, expected, atol=5e-3)


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_a_network_gives_the_mean_score_of_its_tails_over_its_views(
    runtime, tails, tailed, tmp_path
):
    backbone, files = tailed
    backbone = replace(backbone, size=64, views=("identity", "rotate180"))
    network = open_network(backbone, runtime=runtime, cache=tmp_path, files=files)
    cut = cut_index(backbone)
    views = [PICTURE, np.ascontiguousarray(PICTURE[::-1, ::-1])]
    plain = open_network(replace(backbones.describe(), size=64), runtime="torch", cache=tmp_path)
    maps = torch.from_numpy(np.stack([plain.maps(view)[cut] for view in views]))
    with torch.inference_mode():
        scores = [tail(maps).numpy() for tail in tails]
    result = network.extract(PICTURE)
    assert np.allclose(result.tail, np.mean(scores, axis=(0, 1)), atol=1e-4)
    assert np.allclose(
        result.pooled, np.mean([plain.extract(view).pooled for view in views], axis=0), atol=1e-4
    )


def test_learning_leaves_the_statistics_of_the_batch_alone():
    tail = fresh_tail(backbones.describe(), Files(), 2).train()
    before = arrays_of(tail)
    maps = torch.from_numpy(5 + RNG.normal(size=(4, 112, 6, 6)).astype(np.float32))
    tail(maps)
    after = arrays_of(tail)
    assert all(np.array_equal(after[name], before[name]) for name in before)
    assert tail.dropout.training


def test_tails_come_back_as_they_were_written(tails, tailed):
    for tail, again in zip(tails, load_tails(*tailed), strict=True):
        mine, read = arrays_of(tail), arrays_of(again)
        assert mine.keys() == read.keys()
        assert all(np.array_equal(mine[name], read[name]) for name in mine)


def test_altered_tails_are_refused(tailed, tmp_path):
    backbone, files = tailed
    other = tmp_path / "tail.safetensors"
    data = bytearray(files.tail.read_bytes())
    data[-1] ^= 1
    other.write_bytes(data)
    with pytest.raises(BundleError, match="not the ones named"):
        load_tails(backbone, Files(tail=other))
    with pytest.raises(BundleError, match="not the ones named"):
        load_tails(backbone, Files())


def test_tails_of_another_width_are_refused(tails, tmp_path):
    weights = arrays_of(tails[0])
    path = tmp_path / "tail.safetensors"
    sha256 = save_tails([{**weights, "narrow.0.weight": weights["narrow.0.weight"][:5]}], path)
    with pytest.raises(BundleError, match="does not fit"):
        load_tails(replace(backbones.describe(), tail=sha256), Files(tail=path))


def test_an_architecture_without_known_stages_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"resnet18 cannot be fine-tuned.*tf_efficientnet_lite0"):
        fresh_tail(replace(backbones.describe(), name="resnet18"), Files(), 2)
