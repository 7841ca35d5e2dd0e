"""A bundle as one graph: the same verdicts, or nothing is written."""

import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from typer.testing import CliRunner

from core.cli import admin
from core.cli.app import app
from core.decision.multilabel import Sigmoids
from core.errors import BundleError, ConfigError, ParityError
from core.model.bundle.bundle import weights_in
from core.model.estimators.heads import HeadEnsemble, KernelHead, LinearHead
from core.model.estimators.model import Model
from core.model.network.backbone import Files
from core.model.network.runtime import export_network, open_network
from core.model.network.tail import arrays_of, fresh_tail, save_tails
from core.model.onnx.export import build
from core.service.assessment.paths import assess_paths
from core.service.bundles.open import certify_bundle, open_bundle, policy_of
from core.service.export.export import export_bundle, run_onnx
from core.service.export.parity import compare
from core.service.training.train import TrainSpec, train
from core.types import Frame, Targets

DISPOSITIONS = ["negative", "positive", "defer"]
SIZES = [
    (96, 96),
    (224, 224),
    (131, 300),
    (448, 448),
    (449, 500),
    (700, 523),
    (960, 1280),
    (20, 40),
]


@pytest.fixture(scope="module")
def opened(tiny_product):
    return tiny_product.opened()


def probes_of(bundle):
    return len(list((bundle.path / "probe").iterdir()))


@pytest.fixture(scope="module")
def graph(tiny_product, opened, tmp_path_factory):
    out = tmp_path_factory.mktemp("export") / "plates.onnx"
    bundle, policy = opened
    agreed = export_bundle(bundle, policy, "onnx", out, tiny_product.settings)
    assert agreed.compared == probes_of(bundle)
    assert agreed.apart < 1e-4
    return out


@pytest.fixture(scope="module")
def plates(tiny_product, tmp_path_factory):
    """Plates of many sizes and shapes, grey and coloured, as PNG files."""
    folder = tmp_path_factory.mktemp("plates")
    pictures = tiny_product.pictures("test")
    for number, (height, width) in enumerate(SIZES):
        plate = cv2.imread(str(pictures[2 * number]), cv2.IMREAD_GRAYSCALE)
        big = cv2.resize(plate, (width, height), interpolation=cv2.INTER_CUBIC)
        if number % 2:
            big = np.stack([big, cv2.convertScaleAbs(big, alpha=0.9), big], axis=2)
        cv2.imwrite(str(folder / f"{number}.png"), big)
    return sorted(folder.iterdir())


def test_a_plain_session_judges_as_the_product_does(graph, opened, plates, tiny_product):
    bundle, _ = opened
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    made = set()
    for path, result in zip(
        plates, assess_paths(bundle, plates, settings=tiny_product.settings), strict=True
    ):
        pixels = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        p, positive, score, ood_p, disposition = session.run(None, {"pixels": pixels})
        np.testing.assert_allclose(p, result.prediction.probabilities, atol=1e-3)
        assert positive == pytest.approx(result.prediction.positive_probability, abs=1e-3)
        assert score == pytest.approx(result.evidence.ood_score, abs=1e-2)
        assert ood_p == pytest.approx(result.prediction.ood_p, abs=1e-3)
        assert DISPOSITIONS[disposition] == result.verdict.disposition.value
        made.add(DISPOSITIONS[disposition])
    assert "defer" in made


def test_ordinary_plates_get_automatic_verdicts_from_the_graph(graph, tiny_product, opened):
    bundle, _ = opened
    pictures = tiny_product.pictures("test")
    run = run_onnx(graph)
    found = assess_paths(bundle, pictures, settings=tiny_product.settings)
    expected = [one.verdict.disposition.value for one in found]
    zeros = np.zeros(2, np.int64)
    made = [
        DISPOSITIONS[int(run({"pixels": cv2.imread(str(p)), "source_size": zeros})["disposition"])]
        for p in pictures
    ]
    assert made == expected
    assert {"negative", "positive"} <= set(made)


def test_the_graph_says_what_it_is_and_what_it_lacks(graph, opened):
    bundle, policy = opened
    words = {entry.key: entry.value for entry in onnx.load(graph).metadata_props}
    assert words["bundle_sha256"] == bundle.sha256
    assert words["policy"] == policy.id
    assert json.loads(words["classes"]) == ["good", "scratched"]
    assert json.loads(words["certificate"])["escape"]["n"] == policy.escape.n
    assert any("EXIF" in line for line in json.loads(words["not_carried"]))


def test_openvino_gives_the_same_verdicts(opened, tiny_product, tmp_path, plates):
    bundle, policy = opened
    out = tmp_path / "folder"
    settings = tiny_product.settings
    (tmp_path / "mine").mkdir()
    # Where cells are no whole pixels, exact halves are rounded by the order of the sum.
    whole = [path for path, size in zip(plates, SIZES, strict=True) if size != (449, 500)]
    for path in whole:
        shutil.copy(path, tmp_path / "mine")
    agreed = export_bundle(bundle, policy, "openvino", out, settings, tmp_path / "mine")
    assert agreed.compared == probes_of(bundle) + len(whole)
    assert agreed.apart < 1e-3
    assert sorted(file.name for file in out.iterdir()) == ["assay.bin", "assay.xml"]


def test_a_changed_constant_is_found_and_nothing_is_written(graph, opened, tmp_path):
    bundle, policy = opened
    model = onnx.load(graph)
    weights = next(t for t in model.graph.initializer if t.name == "network/shift")
    weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights) * 0.9, weights.name))
    onnx.save(model, tmp_path / "changed.onnx")
    frame = Frame(cv2.imread(str(next(bundle.path.glob("probe/*"))))[:, :, :1], 8, "", (96, 96))
    assert compare(run_onnx(graph), bundle, policy, [("one", frame)]).compared == 1
    with pytest.raises(ParityError, match="one moved by"):
        compare(run_onnx(tmp_path / "changed.onnx"), bundle, policy, [("one", frame)])


def test_a_pack_that_prepares_otherwise_is_refused(opened, tiny_product, tmp_path):
    bundle, policy = opened

    def darker(frame, size):
        return bundle.pack.prepare(replace(frame, pixels=frame.pixels // 2), size)

    other = replace(bundle, pack=replace(bundle.pack, prepare=darker))
    with pytest.raises(ParityError, match="A pack that prepares pictures in its own way"):
        export_bundle(other, policy, "onnx", tmp_path / "x.onnx", tiny_product.settings)
    assert list(tmp_path.iterdir()) == []


def heads(d, k, rng):
    linear = LinearHead(rng.normal(0, 0.02, (k, d)).astype(np.float32), rng.normal(0, 1, k))
    support = rng.normal(0, 1, (9, d)).astype(np.float32)
    dual = rng.normal(0, 3, (k, 9)).astype(np.float32)
    kernel = KernelHead(support, (support**2).sum(axis=1), dual, rng.normal(0, 1, k), 1.0 / d)
    basis = np.linalg.qr(rng.normal(0, 1, (d, 7)))[0].T.astype(np.float32)
    turned = support @ basis.T
    narrow = replace(kernel, support=turned, norms=(turned**2).sum(axis=1), basis=basis)
    return [linear, kernel, HeadEnsemble(kernel, linear), narrow]


@pytest.mark.parametrize("kind", range(4))
@pytest.mark.parametrize("is_multilabel", [False, True])
def test_every_head_and_calibrator_travels(kind, is_multilabel, opened, tiny_product, tmp_path):
    bundle, policy = opened
    rng = np.random.default_rng(kind)
    plain = bundle.model
    d, k = len(plain.centre), 2 + is_multilabel
    calibrator = Sigmoids(np.array([0.9, 1.1, 0.7]), np.array([0.1, -0.2, 0.3]))
    model = Model(
        plain.classes,
        plain.positive,
        plain.centre,
        plain.scale,
        heads(d, k, rng)[kind],
        calibrator if is_multilabel else plain.calibrator,
        plain.gate,
        plain.ranges,
    )
    other = replace(bundle, model=model)
    agreed = export_bundle(other, policy, "onnx", tmp_path / "x.onnx", tiny_product.settings)
    assert agreed.compared == probes_of(bundle)


def test_fine_tuned_stages_are_heard_in_the_graph_as_in_the_bundle(
    opened, tiny_product, plates, tmp_path
):
    bundle, policy = opened
    path = shutil.copytree(bundle.path, tmp_path / "tuned")
    tail = fresh_tail(bundle.backbone, Files(), len(bundle.model.classes))
    torch.manual_seed(0)
    torch.nn.init.normal_(tail.head.weight, std=0.003)
    sha256 = save_tails([arrays_of(tail)], path / "tail.safetensors")
    backbone = replace(bundle.backbone, tail=sha256)
    cache = tiny_product.settings.cache
    tuned = replace(
        bundle,
        path=path,
        backbone=backbone,
        model=replace(bundle.model, expert_weights=np.array([0.6, 0.4])),
        network=open_network(backbone, runtime="onnx", cache=cache, files=weights_in(path)),
    )
    agreed = export_bundle(
        tuned, policy, "onnx", tmp_path / "x.onnx", tiny_product.settings, plates[0].parent
    )
    assert agreed.compared == probes_of(tuned) + 8
    loud = replace(tuned, model=replace(tuned.model, expert_weights=np.array([0.1, 0.9])))
    with pytest.raises(ParityError, match="moved by"):
        compare(run_onnx(tmp_path / "x.onnx"), loud, policy, _frames(loud, plates))


def _frames(bundle, paths):
    return ((path.name, bundle.pack.read(path.read_bytes(), 10**7, 224)) for path in paths)


def test_what_a_graph_does_not_carry_is_refused(opened, tiny_product, tmp_path):
    bundle, policy = opened
    settings = tiny_product.settings
    bf16 = replace(bundle, backbone=replace(bundle.backbone, precision="bf16"))
    with pytest.raises(BundleError, match="cannot be exported: it has the precision bf16"):
        export_bundle(bf16, policy, "onnx", tmp_path / "x.onnx", settings)
    ranges = {**bundle.model.ranges, "leaf share": (0.0, 1.0)}
    foreign = replace(bundle, model=replace(bundle.model, ranges=ranges))
    with pytest.raises(BundleError, match="its pack's own measures leaf share"):
        build(
            foreign,
            policy,
            export_network(bundle.backbone, settings.cache, weights_in(bundle.path)),
            sizes=False,
        )
    with pytest.raises(ConfigError, match="No export is called 'tflite'"):
        export_bundle(bundle, policy, "tflite", tmp_path / "x", settings)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("kept")
    for to in ("openvino", "monai"):
        with pytest.raises(ConfigError, match="exists and is no export"):
            export_bundle(bundle, policy, to, tmp_path / "mine", settings)


def test_what_is_kept_in_an_earlier_export_is_seen_before_the_work(opened, tiny_product, tmp_path):
    bundle, policy = opened
    settings = tiny_product.settings
    out = tmp_path / "out"
    out.mkdir()
    export_bundle(bundle, policy, "openvino", out, settings)
    export_bundle(bundle, policy, "openvino", out, settings)
    assert {file.name for file in out.iterdir()} == {"assay.xml", "assay.bin"}
    assert not list(tmp_path.glob(".*"))

    (out / "notes.txt").write_text("kept")
    no_network = replace(bundle, path=tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"not the export's: notes\.txt"):
        export_bundle(no_network, policy, "openvino", out, settings)
    assert (out / "notes.txt").read_text() == "kept"


@pytest.mark.slow
def test_a_bundle_in_8_bits_is_certified_exported_and_hashed_in_8_bits(tiny_product, tmp_path):
    settings = tiny_product.settings_at(tmp_path / "home")
    spec = TrainSpec("parts", tiny_product.data, tmp_path / "out", precision="int8")
    bundle = open_bundle(train(spec, settings), settings)
    policy = certify_bundle(bundle, Targets(escape=0.2, overkill=0.2))
    assert bundle.network.device == "cpu/onnxruntime/int8"
    assert bundle.metadata["precision"] == {"asked": "int8", "runs": "int8", "tried": []}
    assert policy_of(bundle) == policy
    agreed = export_bundle(bundle, policy, "onnx", tmp_path / "x.onnx", settings)
    assert agreed.apart < 1e-3
    kinds = {node.op_type for node in onnx.load(tmp_path / "x.onnx").graph.node}
    assert "DequantizeLinear" in kinds
    network = bundle.path / "network.int8.onnx"
    network.write_bytes(network.read_bytes() + b"\0")
    with pytest.raises(BundleError, match=r"network\.int8\.onnx was altered"):
        open_bundle(bundle.path, settings)


def test_the_command_prints_what_was_compared(tiny_product, tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_HOME", str(tiny_product.settings.home))
    if "bundle" not in {group.name for group in app.registered_groups}:
        admin.register(app)
    out = tmp_path / "plates.onnx"
    asked = ["bundle", "export", str(tiny_product.bundle), "--to", "onnx", "-o", str(out)]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert f"The same verdicts on {probes_of(tiny_product.opened()[0])} pictures" in done.output
    assert "EXIF" in done.output
    assert out.stat().st_size > 1_000_000
