"""What the pack does to a picture, repeated inside an exported graph."""

from dataclasses import replace

import cv2
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from core.model.bundle.bundle import weights_in
from core.model.estimators.discriminants import Discriminants
from core.model.estimators.presentation import WrongPresentations
from core.model.network.runtime import open_network
from core.model.onnx.builder import Nodes
from core.model.onnx.preprocessing import add_square
from core.service.export.export import export_bundle
from core.types import Frame
from domains.xray import pack
from domains.xray.decoding.graph import graph
from domains.xray.decoding.presentations import WRONG_PRESENTATIONS
from domains.xray.decoding.reader import prepare

CHECKS = ("colour", "inverted", "collimated")
MIDDLE = "middle over lungs"


def a_session(size):
    nodes = Nodes()
    made = graph(nodes, add_square(nodes, "pixels", "source_size", size), size)
    outputs = {"prepared": made.pixels, "middle": made.measures[MIDDLE]}
    outputs |= dict(zip(CHECKS, made.checks, strict=True))
    for name, tensor in outputs.items():
        nodes.name(tensor, name)
    inputs = [
        helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["h", "w", 3]),
        helper.make_tensor_value_info("source_size", TensorProto.INT64, [2]),
    ]
    named = [helper.make_empty_tensor_value_info(name) for name in outputs]
    model = nodes.model(inputs, named, {})
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return lambda given: dict(zip(outputs, session.run(list(outputs), given), strict=True))


@pytest.fixture(scope="module")
def run():
    return a_session(224)


def a_chest(rng, height=260, width=300):
    """Two dark fields beside a bright band, with texture."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    lungs = np.exp(-(((np.abs(x) - 0.45) / 0.25) ** 2) - (y / 0.6) ** 2)
    light = 190 - 130 * lungs + cv2.GaussianBlur(rng.normal(0, 60, y.shape), (0, 0), 3)
    return np.clip(light, 0, 255).astype(np.uint8)


def as_rgb(grey):
    return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))


def agree(run, rgb, size=224):
    expected = prepare(Frame(rgb, 8, "", rgb.shape[:2]), size)
    got = run({"pixels": rgb, "source_size": np.array(rgb.shape[:2])})
    np.testing.assert_array_equal(got["prepared"], expected.pixels)
    assert float(got["middle"]) == pytest.approx(expected.measures[MIDDLE], abs=1e-5)
    found = {one.check for one in expected.findings}
    assert {name for name in CHECKS if not got[name]} == found & set(CHECKS)
    return found


def test_right_and_wrong_pictures_are_checked_alike_by_graph_and_reader(run):
    rng = np.random.default_rng(0)
    met = set()
    for _ in range(4):
        rgb = as_rgb(a_chest(rng))
        met |= agree(run, rgb)
        for way in WRONG_PRESENTATIONS.values():
            met |= agree(run, way(rgb))
    tinted = as_rgb(a_chest(rng))
    tinted[:, :, 2] //= 2
    met |= agree(run, tinted)
    assert agree(run, np.zeros((224, 224, 3), np.uint8)) >= {"collimated"}
    assert met >= set(CHECKS)


def test_another_size_of_network_is_served_as_well():
    rng = np.random.default_rng(1)
    for size in (256, 320):
        agree(a_session(size), as_rgb(a_chest(rng)), size)


@pytest.mark.shared
def test_real_radiographs_and_ood_pictures_are_checked_alike(run, shared_data):
    folder = shared_data / "xray"
    files = [
        *sorted((folder / "site1_paediatric").iterdir())[::300],
        *sorted((folder / "site2_adult_nih").iterdir())[::110],
        *sorted((folder / "ood/near").iterdir())[::10],
    ]
    for file in files:
        frame = pack.read(file.read_bytes(), 1 << 26, 224)
        pixels = np.broadcast_to(frame.pixels, (*frame.pixels.shape[:2], 3))
        agree(run, np.ascontiguousarray(pixels))


def test_the_ways_learned_and_the_pack_s_own_measure_travel_with_a_bundle(tiny_product, tmp_path):
    bundle, policy = tiny_product.opened()
    rng, d = np.random.default_rng(2), len(bundle.model.centre)
    backbone = replace(bundle.backbone, asymmetry=True)
    cache = tiny_product.settings.cache
    network = open_network(backbone, runtime="onnx", cache=cache, files=weights_in(bundle.path))
    q = network.extract(np.zeros((224, 224, 3), np.uint8)).asymmetry.size
    weights = rng.normal(0, 0.05, (2, d + q)).astype(np.float32)
    ways = WrongPresentations(Discriminants(("rotated", "mirrored"), weights, np.zeros(2)), 0.5)
    ranges = {"brightness": (0.0, 255.0), MIDDLE: (-0.1, 0.02)}
    other = replace(
        bundle,
        pack=pack,
        backbone=backbone,
        network=network,
        model=replace(bundle.model, presentations=ways, ranges=ranges),
    )
    plates = tmp_path / "plates"
    plates.mkdir()
    for number, picture in enumerate(tiny_product.pictures("test")[:12]):
        (plates / f"{number}.png").write_bytes(picture.read_bytes())
    agreed = export_bundle(
        other, policy, "onnx", tmp_path / "x.onnx", tiny_product.settings, plates
    )
    assert agreed.compared == len(list((bundle.path / "probe").iterdir())) + 12
    assert agreed.apart < 1e-4
