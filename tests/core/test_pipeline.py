"""assess(): one assessment a sample, in order, whatever happens."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from core.errors import AssayError
from core.imaging.zip_archive import incoming
from core.pipeline import BATCH, FAULTS_IN_A_ROW, assess
from core.service.assessment.paths import assess_paths
from core.types import Disposition, Frame, Reason, Sample, Unreadable


@pytest.fixture(scope="module")
def product(tiny_product):
    return tiny_product.opened()


def frame(side=96, seed=0):
    pixels = np.random.default_rng(seed).integers(60, 200, (side, side, 1), dtype=np.uint8)
    return Frame(pixels, 8, f"{seed:064x}", (side, side))


def reasons(assessment):
    return [finding.reason for finding in assessment.verdict.findings]


def test_good_bad_and_hostile_files_each_get_one_verdict_in_order(tiny_product, product, tmp_path):
    bundle, policy = product
    good, scratched = (tiny_product.pictures("test", label)[0] for label in ("good", "scratched"))
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:300])
    (tmp_path / "link.png").symlink_to(good)
    files = [
        good,
        tmp_path / "empty.png",
        scratched,
        tmp_path / "text.jpg",
        tmp_path / "cut.png",
        tmp_path / "link.png",
        tmp_path / "missing.png",
        good,
    ]
    answers = list(assess_paths(bundle, files, policy=policy, settings=tiny_product.settings))
    assert [a.sample_id for a in answers] == [str(f) for f in files]
    unreadable = [reasons(a) == [Reason.UNREADABLE] for a in answers]
    assert unreadable == [False, True, False, True, True, True, True, False]
    assert all(a.verdict.disposition is Disposition.DEFER for a in np.array(answers)[unreadable])
    assert all(a.verdict.message for a in np.array(answers)[unreadable])
    assert answers[0].prediction.positive_probability < answers[2].prediction.positive_probability
    assert np.array_equal(answers[0].evidence.features, answers[7].evidence.features)


def test_the_way_in_does_not_change_the_verdict(tiny_product, product):
    """Decoder process, in-process frame, one worker or three: the same bits."""
    bundle, policy = product
    files = tiny_product.pictures("test")[:6]
    apart = list(assess_paths(bundle, files, policy=policy, settings=tiny_product.settings))
    samples = [
        Sample(one.id, bundle.pack.read(one.data, 10**7, bundle.backbone.size))
        for one in incoming(files, 10**7)
    ]
    for workers in (1, 3):
        threaded = list(assess(samples, bundle=bundle, policy=policy, workers=workers))
        for one, other in zip(apart, threaded, strict=True):
            assert one.evidence.features.tobytes() == other.evidence.features.tobytes()
            assert one.prediction.positive_probability == other.prediction.positive_probability
            assert one.verdict == other.verdict


class Failing:
    """A network that fails on every picture whose first pixel is dark."""

    device = "test"

    def __init__(self, network):
        self._network = network

    def extract(self, pixels):
        if pixels[0, 0, 0] < 100:
            raise RuntimeError("no such kernel")
        return self._network.extract(pixels)


def with_network(bundle, network):
    return replace(bundle, network=network)


def test_a_failing_picture_is_deferred_as_a_fault_and_the_others_go_on(product):
    bundle, policy = product
    broken = with_network(bundle, Failing(bundle.network))
    dark, bright = frame(seed=1), frame(seed=1)
    dark.pixels[:8, :8] = 70
    bright.pixels[:8, :8] = 190
    samples = [Sample("a", bright), Sample("b", dark), Sample("c", bright)]
    answers = list(assess(samples, bundle=broken, policy=policy))
    assert [Reason.FAULT in reasons(a) for a in answers] == [False, True, False]
    assert answers[1].verdict.disposition is Disposition.DEFER


def test_a_call_that_never_returns_costs_its_own_picture_of_a_batch(product):
    bundle, policy = product
    forever = threading.Event()

    class Stalling(Failing):
        def extract(self, pixels):
            if pixels[0, 0, 0] < 100:
                forever.wait()
            return self._network.extract(pixels)

    dark, bright = frame(seed=1), frame(seed=1)
    dark.pixels[:8, :8] = 70
    bright.pixels[:8, :8] = 190
    count = BATCH + 3
    samples = [Sample(str(i), dark if i == 2 else bright) for i in range(count)]
    stalling = with_network(bundle, Stalling(bundle.network))
    answers = list(assess(samples, bundle=stalling, policy=policy, timeout_s=3.0))
    forever.set()
    assert [a.sample_id for a in answers] == [str(i) for i in range(count)]
    assert [a.sample_id for a in answers if Reason.FAULT in reasons(a)] == ["2"]
    assert "no answer within 3 s" in answers[2].verdict.message
    assert len({a.evidence.logits.tobytes() for a in answers if a.evidence}) == 1


def test_nothing_but_faults_stops_the_run_with_a_reason(product):
    bundle, policy = product
    broken = with_network(bundle, Failing(bundle.network))
    dark = frame(seed=2)
    dark.pixels[:] = dark.pixels // 4 + 10
    samples = (Sample(str(i), dark) for i in range(10 * FAULTS_IN_A_ROW))
    answers = assess(samples, bundle=broken, policy=policy)
    observed = [next(answers) for _ in range(FAULTS_IN_A_ROW)]
    assert all(reasons(a) == [Reason.FAULT] for a in observed)
    with pytest.raises(AssayError, match="pictures in a row failed"):
        next(answers)


def test_features_that_are_no_numbers_are_never_negative(tiny_product, product):
    bundle, policy = product
    data = tiny_product.pictures("test", "good")[0].read_bytes()
    plate = bundle.pack.read(data, 10**7, bundle.backbone.size)

    class Nan(Failing):
        def extract(self, pixels):
            observed = self._network.extract(pixels)
            return replace(observed, pooled=np.full_like(observed.pooled, np.nan))

    sent = replace(plate, meta={"patient_id": "4711"}, group="1.2.3")
    (answer,) = assess(
        [Sample("x", sent)], bundle=with_network(bundle, Nan(bundle.network)), policy=policy
    )
    assert answer.verdict.disposition is Disposition.DEFER
    assert reasons(answer) == [Reason.FAULT]
    assert (dict(answer.meta), answer.group) == ({"patient_id": "4711"}, "1.2.3")


def test_a_policy_of_another_bundle_is_refused(product):
    bundle, policy = product
    with pytest.raises(AssayError, match="was certified on other@123"):
        next(assess([], bundle=bundle, policy=replace(policy, bundle="other@123")))


def test_what_could_not_be_read_keeps_its_message_and_hash(product):
    bundle, policy = product
    (answer,) = assess(
        [Sample("x", Unreadable("torn", "ab" * 32, meta={"station": "3"}, group="f"), "g")],
        bundle=bundle,
        policy=policy,
    )
    assert (answer.sha256, answer.group, answer.wording) == ("ab" * 32, "g", "REVIEW")
    assert answer.meta == {"station": "3"}
    assert "torn" in answer.verdict.message
    assert answer.top() == []
