"""The packaged weights in timm's architecture, against the logits of their own package."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from core.model.network import backbone as backbones
from core.model.network.backbone import LITE2, with_marks, with_two_scales
from core.model.network.graph import MapGraph
from core.model.network.runtime import open_network
from tests.core.model.network.reference_logits import REFERENCE, REFERENCE_LITE2, picture

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lite0():
    return backbones.load(backbones.describe())


@pytest.mark.parametrize("name", REFERENCE)
def test_mapped_weights_give_the_logits_of_their_own_package(lite0, name):
    pixels = torch.from_numpy(picture(name)).permute(2, 0, 1)[None].float() / 127.5 - 1.0
    with torch.inference_mode():
        logits = lite0(pixels)[0].numpy()
    top, every_fiftieth = REFERENCE[name]
    assert np.argsort(-logits)[:5].tolist() == top
    np.testing.assert_allclose(logits[::50], every_fiftieth, atol=2e-4)


@pytest.mark.parametrize("name", REFERENCE_LITE2)
def test_the_second_packaged_network_gives_the_logits_of_its_own_package(name):
    backbone = backbones.describe(LITE2)
    assert backbone.size == 260
    pixels = torch.from_numpy(picture(name, 260)).permute(2, 0, 1)[None].float() / 127.5 - 1.0
    with torch.inference_mode():
        logits = backbones.load(backbone)(pixels)[0].numpy()
    top, every_hundredth = REFERENCE_LITE2[name]
    assert np.argsort(-logits)[:5].tolist() == top
    np.testing.assert_allclose(logits[::100], every_hundredth, atol=2e-4)


def test_the_second_packaged_network_runs_at_its_own_size_and_another(cache):
    for size, side in ((0, 33), (192, 24)):
        backbone = backbones.describe(LITE2, size=size)
        network = open_network(backbone, runtime="onnx", cache=cache)
        pixels = picture("coffee", backbone.size)
        assert [m.shape for m in network.maps(pixels)][:2] == [
            (48, side, side),
            (120, (side + 1) // 2, (side + 1) // 2),
        ]
        means = network.maps(pixels)[1].mean(axis=(1, 2))
        np.testing.assert_allclose(
            network.extract(pixels).pooled[96:216], means, rtol=1e-3, atol=1e-4
        )


@pytest.fixture(scope="session")
def cache(network_home):
    return network_home / "cache"


def pooled_by_hand(network, backbone, pixels):
    """The taps' statistics in float64, the network run block by block without any hook."""
    scaled = torch.from_numpy(pixels).permute(2, 0, 1)[None].double() / 127.5 - 1.0
    maps = {}
    with torch.inference_mode():
        x = network.double().bn1(network.conv_stem(scaled))
        for place, stage in enumerate(network.blocks[:5]):
            x = maps[f"blocks.{place}"] = stage(x)
        block = network.blocks[5][0]
        x = maps["blocks.5.0.bn2"] = block.bn2(block.conv_dw(block.bn1(block.conv_pw(x))))
        maps["blocks.5.0"] = block.bn3(block.conv_pwl(x))
    features = []
    for tap in backbone.taps:
        flat = maps[tap.module][0].flatten(1).numpy()
        features += [flat.mean(1)] * tap.mean + [flat.std(1)] * tap.deviation
    return np.concatenate(features)


@pytest.mark.parametrize("runtime", ["onnx", "openvino", "torch"])
def test_every_runtime_pools_what_torch_computes_in_double_precision(runtime, cache):
    backbone = backbones.describe()
    network = open_network(backbone, runtime=runtime, cache=cache)
    pixels = picture("coffee")
    expected = pooled_by_hand(backbones.load(backbone), backbone, pixels)
    pooled = network.extract(pixels).pooled
    assert len(pooled) == sum(tap.width for tap in backbone.taps) == 1168
    assert backbone.gated == 304
    np.testing.assert_allclose(pooled, expected, rtol=1e-3, atol=1e-4)
    maps = network.maps(pixels)
    shapes = [(40, 28, 28), (112, 14, 14), (672, 7, 7), (192, 7, 7)]
    assert [m.shape for m in maps] == shapes
    np.testing.assert_allclose(maps[3].mean(axis=(1, 2)), expected[-192:], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(maps[2].std(axis=(1, 2)), expected[304:976], rtol=1e-3, atol=1e-4)


def test_a_picture_gives_the_same_bits_whatever_ran_before(cache):
    network = open_network(backbones.describe(), runtime="onnx", cache=cache)
    first = network.extract(picture("coffee")).pooled
    network.extract(picture("chelsea"))
    assert network.extract(picture("coffee")).pooled.tobytes() == first.tobytes()


def test_views_average_the_features_of_the_turned_pictures(cache):
    plain = backbones.describe()
    both = open_network(
        replace(plain, views=("identity", "rotate180", "mirror")), runtime="onnx", cache=cache
    )
    one = open_network(plain, runtime="onnx", cache=cache)
    pixels = picture("coffee")
    turned = [pixels, pixels[::-1, ::-1], pixels[:, ::-1]]
    expected = np.mean([one.extract(np.ascontiguousarray(p)).pooled for p in turned], axis=0)
    np.testing.assert_allclose(both.extract(pixels).pooled, expected, rtol=1e-3, atol=1e-5)


def test_a_close_look_joins_what_both_sizes_give(cache):
    small = picture("coffee")
    large = np.repeat(np.repeat(small, 2, axis=0), 2, axis=1)  # halves to the small one exactly
    plain = backbones.describe()
    close = with_two_scales(plain)
    at_own = open_network(plain, runtime="torch", cache=cache)
    at_twice = open_network(replace(plain, size=448), runtime="torch", cache=cache)
    expected = np.concatenate([at_own.extract(small).pooled, at_twice.extract(large).pooled])
    for runtime in ("torch", "onnx"):
        network = open_network(close, runtime=runtime, cache=cache)
        np.testing.assert_allclose(network.extract(large).pooled, expected, rtol=2e-3, atol=2e-4)
        assert len(network.maps(large)) == 2 * len(plain.taps)


@pytest.mark.parametrize("runtime", ["onnx", "openvino", "torch"])
def test_the_search_for_marks_takes_each_detectors_largest_response(runtime, cache):
    backbone = replace(with_marks(backbones.describe(size=112)), views=("identity", "mirror"))
    network = open_network(backbone, runtime=runtime, cache=cache)
    pixels = picture("coffee")
    both = [np.ascontiguousarray(p) for p in (pixels, pixels[:, ::-1])]
    every = list(zip(*(network.maps(p) for p in both), strict=True))
    expected = []
    for stages in every[:2]:
        expected += [np.mean([m.mean(axis=(1, 2)) for m in stages], axis=0)]
        expected += [np.mean([m.std(axis=(1, 2)) for m in stages], axis=0)]
    expected += [np.max([m.max(axis=(1, 2)) for m in stages], axis=0) for stages in every[2:]]
    pooled = network.extract(pixels).pooled
    assert len(pooled) == 304 + 480 + 4 * 672 == sum(tap.width for tap in backbone.pooled_taps)
    assert backbone.gated == 304
    np.testing.assert_allclose(pooled, np.concatenate(expected), rtol=1e-3, atol=1e-4)


def test_a_mark_of_one_place_moves_a_maximum_and_hardly_a_mean(cache):
    marks = with_marks(backbones.describe())
    plain = np.random.default_rng(0).normal(128, 3, (448, 448, 1)).clip(0, 255)
    plain = np.repeat(plain.astype(np.uint8), 3, axis=2)
    marked = plain.copy()
    marked[200:208, 300:308] = 30
    network = open_network(marks, runtime="onnx", cache=cache)
    before, after = network.extract(plain).pooled, network.extract(marked).pooled
    change = np.abs(after - before) / (np.abs(before) + 1e-3)
    means = np.r_[0:40, 80:192]
    assert np.median(change[means]) < 0.05
    assert np.mean(change[304:] > 0.5) > 0.1


def test_the_layers_searched_are_those_of_either_packaged_network():
    for name in (backbones.LITE0, LITE2):
        marks = with_marks(backbones.describe(name))
        graph = MapGraph(marks, backbones.load(marks)).eval()
        with torch.inference_mode():
            maps = graph(torch.zeros(1, 64, 64, 3, dtype=torch.uint8))
        assert [m.shape[1] for m in maps] == [tap.channels for tap in marks.taps]


def test_no_marks_are_searched_for_with_a_network_of_ones_own():
    own = replace(backbones.describe(), source="mine.safetensors")
    assert with_marks(own) is None


def test_patches_are_the_neighbourhood_means_of_the_gates_maps(cache):
    network = open_network(
        replace(backbones.describe(), patches=True, views=("identity", "mirror")),
        runtime="onnx",
        cache=cache,
    )
    pixels = picture("coffee")
    patches, (fine, coarse, *_) = network.extract(pixels).patches, network.maps(pixels)
    assert patches.shape == (14 * 14, 40 + 112)
    for row, column in ((0, 0), (3, 7), (13, 13)):
        around = coarse[:, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        here = patches[14 * row + column]
        # The border is padded with zeros, so that nine places always count.
        np.testing.assert_allclose(here[40:], around.sum(axis=(1, 2)) / 9, rtol=1e-3, atol=1e-4)
        smooth = [cv2.blur(m, (3, 3), borderType=cv2.BORDER_CONSTANT) for m in fine]
        block = np.array(smooth)[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        np.testing.assert_allclose(here[:40], block.mean(axis=(1, 2)), rtol=1e-3, atol=1e-4)
