"""Which precision is accepted, and that every runtime says what it cannot run."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from skimage import data

from core.decision.policy import Cases
from core.errors import BundleError, ConfigError
from core.imaging.square import prepare
from core.model.network import backbone as backbones
from core.model.network import quantization
from core.model.network.backbone import Files
from core.model.network.precision import Change, PrecisionTrial, compare, fastest, trials_to_json
from core.model.network.runtime import export_network, open_network, unsupported_reason
from core.types import Frame, Targets

HARMLESS = Change(nll=0.0, automation=0.0, flipped=0.0)


def cases(p, positive, groups=None):
    n = len(p)
    group = np.arange(n) if groups is None else groups
    return Cases(
        positive_probability=np.asarray(p, np.float64),
        ood_p=np.ones(n),
        gates_passed=np.ones(n, np.bool_),
        positive=np.asarray(positive, np.bool_),
        group=np.asarray(group).astype(np.str_),
    )


def test_the_fastest_harmless_precision_is_taken():
    harmful = Change(nll=0.02, automation=0.0, flipped=0.0)
    trials = [PrecisionTrial("bf16", 1.8, HARMLESS), PrecisionTrial("int8", 2.0, harmful)]
    assert fastest(trials) == "bf16"
    assert fastest([*trials, PrecisionTrial("int4", 1.9, HARMLESS)]) == "int4"
    assert fastest([PrecisionTrial("int8", 2.0, harmful)]) == "f32"
    assert fastest([PrecisionTrial("int8", 1.09, None)]) == "f32"
    assert fastest([]) == "f32"
    assert trials_to_json(trials)[1] == {
        "precision": "int8",
        "speed": 2.0,
        "change": {"nll": 0.02, "automation": 0.0, "flipped": 0.0},
        "accepted": False,
    }


@pytest.mark.parametrize(
    ("change", "is_no_worse"),
    [
        (Change(0.01, -0.01, 0.01), True),
        (Change(0.0101, 0.0, 0.0), False),
        (Change(0.0, -0.0101, 0.0), False),
        (Change(0.0, 0.0, 0.0101), False),
    ],
)
def test_each_tolerance_has_a_say_of_its_own(change, is_no_worse):
    assert change.is_no_worse is is_no_worse


def test_more_likelihood_lost_is_bounded_over_groups():
    rng = np.random.default_rng(0)
    positive = np.arange(200) % 2 == 0
    p = np.where(positive, 0.8, 0.2)
    shift = rng.normal(0, 0.02, 200)
    q = np.clip(p - np.where(positive, 0.01, -0.01) + shift, 0.01, 0.99)
    by_picture = compare(cases(p, positive), cases(q, positive), Targets())
    added = -np.log(np.where(positive, q, 1 - q)) + np.log(0.8)
    expected = added.mean() + 1.645 * added.std() / np.sqrt(200)
    assert by_picture.nll == pytest.approx(expected, rel=1e-9)
    pairs = np.repeat(np.arange(50), 4)
    in_groups = compare(cases(p, positive, pairs), cases(q, positive, pairs), Targets())
    sums = np.array([(added - added.mean())[pairs == g].sum() for g in range(50)])
    assert in_groups.nll == pytest.approx(
        added.mean() + 1.645 * np.sqrt((sums**2).sum()) / 200, rel=1e-9
    )


def test_lost_automation_and_flipped_verdicts_are_counted():
    positive = np.arange(100) % 2 == 0
    p = np.where(positive, 0.9, 0.1)
    targets = Targets(escape=1e-9, overkill=1e-9)
    # Every verdict was automatic; now ten positives lie below every limit that lets none escape.
    q = p.copy()
    q[:20:2] = 0.1
    worse = compare(cases(p, positive), cases(q, positive), targets)
    assert worse.automation == pytest.approx(-0.6)  # 50 negatives and 10 positives wait
    assert worse.flipped == 0.0
    # With a tenth of escapes allowed, two positives are let through where they were called out.
    q = p.copy()
    q[:4:2] = 0.05
    flipped = compare(cases(p, positive), cases(q, positive), Targets(escape=0.1, overkill=1e-9))
    assert flipped.flipped == pytest.approx(0.02)


def test_precisions_are_compared_on_the_same_pictures_alone():
    with pytest.raises(ValueError, match="same pictures"):
        compare(cases([0.1, 0.9], [0, 1]), cases([0.1, 0.9], [1, 0]), Targets())


def test_what_a_runtime_cannot_run_is_said():
    assert (
        unsupported_reason("f32", "torch")
        == unsupported_reason("int8", "onnx")
        == unsupported_reason("int8", "openvino")
        == ""
    )
    assert "torch is f32 alone" in unsupported_reason("int8", "torch")
    with pytest.raises(ConfigError, match="No precision is called 'int4'"):
        unsupported_reason("int4", "onnx")
    int8 = replace(backbones.describe(), precision="int8")
    with pytest.raises(ConfigError, match="int8 does not run here: the runtime torch"):
        open_network(int8, runtime="torch", cache=None)


def test_bf16_runs_where_the_processor_has_it_and_is_refused_elsewhere(network_home):
    import openvino

    able = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    backbone = replace(backbones.describe(), precision="bf16")
    if able:
        network = open_network(backbone, runtime="onnx", cache=network_home / "cache")
        assert network.device == "cpu/openvino/bf16"
    else:
        with pytest.raises(ConfigError, match="bf16 does not run here: this processor has none"):
            open_network(backbone, runtime="onnx", cache=network_home / "cache")


def photographs():
    frames = [getattr(data, name)() for name in ("coffee", "chelsea", "astronaut", "rocket")]
    return [prepare(Frame(f[:, :, :3], 8, "", f.shape[:2]), 224).pixels for f in frames]


@pytest.fixture(scope="module")
def in_8_bits(network_home, tmp_path_factory):
    plain = export_network(backbones.describe(), network_home / "cache", Files())
    path = tmp_path_factory.mktemp("int8") / "network.onnx"
    quantization.quantise(plain, photographs(), path)
    return path


def test_the_quantised_network_gives_nearly_the_same_features(in_8_bits, network_home):
    backbone = backbones.describe()
    cache = network_home / "cache"
    plain = open_network(backbone, runtime="onnx", cache=cache)
    int8 = open_network(
        replace(backbone, precision="int8"),
        runtime="onnx",
        cache=cache,
        files=Files(int8=in_8_bits),
    )
    assert int8.device == "cpu/onnxruntime/int8"
    for pixels in photographs():
        mine, theirs = plain.extract(pixels).pooled, int8.extract(pixels).pooled
        assert np.corrcoef(mine, theirs)[0, 1] > 0.98
        assert not np.allclose(mine, theirs, rtol=1e-3, atol=1e-3)
        assert int8.maps(pixels)[0].tobytes() == plain.maps(pixels)[0].tobytes()


def test_first_layers_and_whatever_is_pooled_stay_in_float32(in_8_bits):
    graph = onnx.load(in_8_bits).graph
    maker = {name: node for node in graph.node for name in node.output}
    convs = [node for node in graph.node if node.op_type == "Conv"]
    plain = [maker.get(c.input[1]) is None for c in convs]
    assert plain[:3] == [True, True, True]
    assert plain.count(False) > 20
    means = [node for node in graph.node if node.op_type == "ReduceMean"]
    assert means
    for node in means:
        source = node
        while source is not None and source.op_type not in ("Conv", "DequantizeLinear"):
            source = maker.get(source.input[0])
        assert source is None or source.op_type == "Conv"


def test_a_quantised_network_that_is_missing_is_named():
    int8 = replace(backbones.describe(), precision="int8")
    with pytest.raises(BundleError, match=r"quantised network .* missing"):
        open_network(int8, runtime="onnx", cache=None)
    with pytest.raises(ValueError, match="at least one"):
        quantization.quantise(None, [], None)
