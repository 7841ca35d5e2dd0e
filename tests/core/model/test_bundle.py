"""Bundles prove themselves: any altered byte is found, and any machine that scores otherwise."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.covariance import LedoitWolf

from core.errors import BundleError, ParityError
from core.model import bundle as layout
from core.model.parity import TOLERANCE
from core.service.bundles import certify_bundle, open_bundle, policy_of
from core.service.signing import check_signature, sign
from core.types import Targets


@pytest.fixture
def copied(tiny_product, tmp_path):
    folder = tmp_path / "plates"
    shutil.copytree(tiny_product.bundle, folder)
    return folder


def reseal(folder):
    """Write fitting sums, as somebody would who alters a bundle on purpose."""
    sums = [f"{layout.digest(folder / name)}  {name}\n" for name in layout.covered(folder)]
    (folder / layout.SUMS).write_text("".join(sums))


def test_an_untouched_copy_opens_with_the_same_identity(tiny_product, copied):
    original, _ = tiny_product.opened()
    assert open_bundle(copied, tiny_product.settings).sha256 == original.sha256


def test_one_altered_byte_in_any_file_is_found_and_the_file_named(tiny_product, copied):
    for name in layout.covered(copied):
        file = copied / name
        whole = file.read_bytes()
        middle = len(whole) // 2
        file.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        with pytest.raises(BundleError, match=f"{name} was altered"):
            open_bundle(copied, tiny_product.settings)
        file.write_bytes(whole)
    open_bundle(copied, tiny_product.settings)


def test_missing_and_smuggled_files_are_named_together(tiny_product, copied):
    (copied / layout.KNOWN).unlink()
    (copied / "extra.bin").write_bytes(b"?")
    with pytest.raises(BundleError, match=r"extra\.bin is not listed; known\.safetensors is miss"):
        open_bundle(copied, tiny_product.settings)


def test_a_folder_that_is_no_bundle_says_what_to_give(tmp_path, tiny_product):
    with pytest.raises(BundleError, match="assay train -o"):
        open_bundle(tmp_path, tiny_product.settings)


@pytest.mark.parametrize("name", ["centre", "head.bias", "gate.whiten"])
def test_a_model_that_scores_otherwise_is_refused_by_its_probes(tiny_product, copied, name):
    arrays = load_file(copied / layout.WEIGHTS)
    tilt = np.linspace(0.05, 0.15, arrays[name].size, dtype=arrays[name].dtype)
    arrays[name] = arrays[name] * np.float32(1.2) + tilt.reshape(arrays[name].shape)
    save_file(arrays, copied / layout.WEIGHTS)
    reseal(copied)
    with pytest.raises(ParityError, match="does not score here as it did"):
        open_bundle(copied, tiny_product.settings)


def test_a_shift_below_the_tolerance_that_flips_a_verdict_is_refused(tiny_product, copied):
    bundle = open_bundle(copied, tiny_product.settings)
    policy = certify_bundle(bundle, Targets(escape=0.9, overkill=0.9, confidence=0.5))
    words = json.loads((copied / layout.WORDS).read_text())
    first, expected = next(iter(words["probe"].items()))
    positive = bundle.model.positive.index(True)
    edge = expected["probabilities"][positive]
    for file, value in list(words["probe"].items()):
        if file != first:
            (copied / "probe" / file).unlink()
            del words["probe"][file], value
    nudged = edge + (TOLERANCE / 2 if edge < 0.5 else -TOLERANCE / 2)
    words["probe"][first]["probabilities"] = [1 - nudged, nudged]
    (copied / layout.WORDS).write_text(json.dumps(words))
    reseal(copied)
    open_bundle(copied, tiny_product.settings)
    moved = open_bundle(copied, tiny_product.settings)
    assert policy_of(bundle).id == policy.id
    limit = (edge + nudged) / 2
    _write_policy(moved, policy, limit)
    with pytest.raises(ParityError, match="would get another verdict"):
        open_bundle(copied, tiny_product.settings)


def _write_policy(bundle, policy, limit):
    """Make a policy whose single cut lies between two probabilities the current one."""
    from dataclasses import replace

    from core.decision.policy import to_json

    cut = replace(policy, bundle=bundle.label, t_neg=limit, t_pos=float(np.nextafter(limit, 1)))
    folder = bundle.path / "policies"
    (folder / f"{cut.id}.json").write_text(json.dumps(to_json(cut)))
    (folder / "current").write_text(cut.id)


def test_an_edited_policy_is_refused_until_certified_anew(tiny_product, copied):
    bundle = open_bundle(copied, tiny_product.settings)
    file = copied / "policies" / f"{policy_of(bundle).id}.json"
    file.write_text(file.read_text().replace('"confidence": 0.95', '"confidence": 0.5'))
    with pytest.raises(BundleError, match="edited by hand"):
        policy_of(open_bundle(copied, tiny_product.settings))
    renewed = certify_bundle(open_bundle(copied, tiny_product.settings), Targets())
    assert policy_of(open_bundle(copied, tiny_product.settings)) == renewed


def test_a_policy_of_that_name_must_exist_and_stay_inside_the_bundle(tiny_product):
    bundle, _ = tiny_product.opened()
    for name in ("0000", "../policies/current", ""):
        if name:
            with pytest.raises(BundleError, match="has no policy"):
                policy_of(bundle, name)


def test_recertifying_changes_policies_but_not_the_bundle(tiny_product, copied):
    before = open_bundle(copied, tiny_product.settings)
    old = policy_of(before)
    new = certify_bundle(before, Targets(escape=0.5, overkill=0.5))
    after = open_bundle(copied, tiny_product.settings)
    assert after.sha256 == before.sha256
    assert policy_of(after).id == new.id != old.id
    assert policy_of(after, old.id) == old


def test_a_signature_holds_for_its_key_and_bundle_only(copied, tmp_path):
    public = sign(copied, tmp_path / "me.pem")
    check_signature(copied, public)
    other = sign(copied, tmp_path / "other.pem")
    with pytest.raises(BundleError, match="does not carry a signature of me"):
        check_signature(copied, public)
    check_signature(copied, other)
    (copied / layout.SUMS).write_text("nothing\n")
    with pytest.raises(BundleError):
        check_signature(copied, other)
    assert (tmp_path / "me.pem").stat().st_mode & 0o077 == 0


def test_no_arrays_come_back_transposed(tiny_product):
    bundle, _ = tiny_product.opened()
    gate = bundle.model.gate
    whole = bundle.known.features
    middle, late = np.split(whole, [bundle.backbone.gated], axis=1)
    shape = LedoitWolf().fit(middle.astype(np.float64)).covariance_
    white = gate.whiten @ shape @ gate.whiten.T
    np.testing.assert_allclose(white, np.eye(len(white)), atol=1e-3)
    turned = late @ gate.basis.T
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    np.testing.assert_allclose(turned, gate.known, atol=1e-5)
