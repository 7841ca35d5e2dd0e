"""Bundles prove themselves: any altered byte is found, and any machine that scores otherwise."""

import json
import os
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.covariance import LedoitWolf

from core.decision.policy import to_json
from core.errors import BundleError, ConfigError, ParityError
from core.files import sha256_of
from core.model.bundle import bundle as layout
from core.model.bundle import parity
from core.model.bundle.parity import TOLERANCE
from core.model.network import graph
from core.model.network.runtime import export_network
from core.service.bundles.open import certifications, certify_bundle, open_bundle, policy_of
from core.service.bundles.signing import check_signature, sign
from core.service.summaries import summarise_policy
from core.types import Ceiling, Finding, Reason, Targets, Unreadable
from tests.ceilings import certify_above
from tests.changed_bundles import reseal


@pytest.fixture
def copied(tiny_product, tmp_path):
    folder = tmp_path / "plates"
    shutil.copytree(tiny_product.bundle, folder)
    return folder


def test_an_untouched_copy_opens_with_the_same_identity(tiny_product, copied):
    original, _ = tiny_product.opened()
    assert open_bundle(copied, tiny_product.settings).sha256 == original.sha256


def test_one_altered_byte_in_any_file_is_found_and_the_file_named(tiny_product, copied):
    for name in layout.covered_files(copied):
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


@pytest.mark.parametrize("place", ["extra", "probe/0.png", "policies/current", layout.SIGNATURE])
def test_a_link_in_a_bundle_is_refused_before_what_it_leads_to_is_read(
    tiny_product, copied, tmp_path, place
):
    (tmp_path / "secret").write_bytes(b"of somebody else")
    (copied / place).unlink(missing_ok=True)
    (copied / place).symlink_to(tmp_path / "secret")
    reseal(copied)
    with pytest.raises(BundleError, match=f"no plain file: {place}"):
        open_bundle(copied, tiny_product.settings)


def test_a_pipe_in_a_bundle_is_refused(tiny_product, copied):
    os.mkfifo(copied / "pipe")
    with pytest.raises(BundleError, match="no plain file: pipe"):
        open_bundle(copied, tiny_product.settings)


def test_words_that_lead_out_of_the_bundle_or_do_not_read_are_refused(
    tiny_product, copied, tmp_path
):
    words = json.loads((copied / layout.METADATA).read_text())
    (tmp_path / "outside.png").write_bytes((copied / "probe/0.png").read_bytes())
    probe = {**words["probe"], "../../outside.png": next(iter(words["probe"].values()))}
    (copied / layout.METADATA).write_text(json.dumps({**words, "probe": probe}))
    reseal(copied)
    with pytest.raises(BundleError, match=r"probe pictures .*outside\.png"):
        open_bundle(copied, tiny_product.settings)

    (copied / layout.METADATA).write_text("[" * 200_000 + "]" * 200_000)
    reseal(copied)
    with pytest.raises(BundleError, match="does not read"):
        open_bundle(copied, tiny_product.settings)


def test_an_exported_network_stays_in_the_cache_whatever_a_bundle_calls_it(
    tiny_product, tmp_path, monkeypatch
):
    bundle, _ = tiny_product.opened()
    monkeypatch.setattr(graph, "export", lambda plain, files, draft, maps: draft.write_bytes(b"x"))
    named = replace(bundle.backbone, name="../../x:resnet18")

    path = export_network(named, tmp_path / "a/b", layout.weights_in(bundle.path))

    assert path.resolve().parent == tmp_path / "a/b"


def test_arrays_that_do_not_fit_one_another_are_refused(tiny_product, copied):
    arrays = load_file(copied / layout.WEIGHTS)
    save_file(
        {**arrays, "cal.positive": arrays["cal.positive"][:3].copy()}, copied / layout.WEIGHTS
    )
    reseal(copied)
    with pytest.raises(BundleError, match="its parts do not fit"):
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


def test_a_shift_below_the_tolerance_that_flips_a_verdict_is_refused(tiny_product):
    bundle, _ = tiny_product.opened()
    probe, picture = a_probe(bundle, tiny_product.pictures("cal")[0])
    edge = probe.expected["positive_probability"]
    nudged = edge + (TOLERANCE / 2 if edge < 0.5 else -TOLERANCE / 2)
    limit = (edge + nudged) / 2
    moved = replace(probe, expected={**probe.expected, "positive_probability": nudged})
    run = partial(parity.run, [moved], [picture], model=bundle.model, network=bundle.network)

    run(same_verdict=lambda *_both: True)
    with pytest.raises(ParityError, match="would get another verdict"):
        run(
            same_verdict=lambda one, other: (
                (one.positive_probability < limit) == (other.positive_probability < limit)
            )
        )


def a_probe(bundle, file):
    size, data = bundle.backbone.size, file.read_bytes()
    picture = bundle.pack.prepare(bundle.pack.read(data, 10**8, size), size)
    prediction = bundle.model.predict(
        bundle.model.evidence(bundle.network.extract(picture.pixels)), picture
    )
    return parity.Probe("0.png", data, parity.expectation(prediction, picture)), picture


def spoil_measures(picture):
    return replace(picture, measures={name: 1.6 * x for name, x in picture.measures.items()})


def fail_a_check(picture):
    finding = Finding(Reason.POOR_QUALITY, "Blurred.", "blurred")
    return replace(picture, findings=(*picture.findings, finding))


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (spoil_measures, r"the \w+ of 0\.png is"),
        (fail_a_check, "fails other checks"),
        (lambda picture: replace(picture, pixels=picture.pixels[:, :, ::-1] // 2), "moved by"),
        (lambda _picture: Unreadable("Torn."), "does not read: Torn"),
    ],
)
def test_whatever_decides_is_compared(tiny_product, spoil, what):
    bundle, _ = tiny_product.opened()
    probe, picture = a_probe(bundle, tiny_product.pictures("cal")[0])
    run = partial(
        parity.run,
        [probe],
        model=bundle.model,
        network=bundle.network,
        same_verdict=lambda *_both: True,
    )

    assert run([picture]) == 0.0
    with pytest.raises(ParityError, match=what):
        run([spoil(picture)])


@pytest.mark.parametrize("name", ["gate.reference", "gate.mean", "centre", "head.bias"])
def test_what_is_no_number_is_refused(tiny_product, copied, name):
    arrays = load_file(copied / layout.WEIGHTS)
    arrays[name] = np.full_like(arrays[name], np.nan)
    save_file(arrays, copied / layout.WEIGHTS)
    reseal(copied)

    with pytest.raises(BundleError, match=f"no number: {name}"):
        open_bundle(copied, tiny_product.settings)


def test_probes_are_held_out_and_lie_near_the_limits(tiny_product, copied):
    words = json.loads((copied / layout.METADATA).read_text())
    shown = {sha256_of(copied / "probe" / file) for file in words["probe"]}
    p = np.array([one["positive_probability"] for one in words["probe"].values()])
    bundle, _ = tiny_product.opened()

    assert shown <= {sha256_of(file) for file in tiny_product.pictures("cal")}
    assert np.abs(p - 0.5).min() == np.abs(bundle.cal.positive_probability - 0.5).min()
    assert min(one["ood_p"] for one in words["probe"].values()) == bundle.cal.ood_p.min()


def test_probes_are_decoded_under_the_limits_of_the_decoder_processes(tiny_product, copied):
    hasty = tiny_product.settings.model_copy(update={"decode_timeout_s": 1e-6})

    with pytest.raises(ParityError, match="ran out of time"):
        open_bundle(copied, hasty)


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
    new = certify_above(before, Targets(escape=0.5, overkill=0.5))
    after = open_bundle(copied, tiny_product.settings)
    assert after.sha256 == before.sha256
    assert policy_of(after).id == new.id != old.id
    assert policy_of(after, old.id) == old


def test_every_certification_stays_on_the_record_and_raises_what_the_next_must_show(
    tiny_product, copied
):
    bundle = open_bundle(copied, tiny_product.settings)
    first = policy_of(bundle)
    asked = [Targets(escape=rate, overkill=0.3) for rate in (0.3, 0.25, 0.4)]
    made = [certify_above(bundle, targets) for targets in asked]
    assert [one.attempt for one in (first, *made)] == [1, 2, 3, 4]
    assert [one.escape.confidence for one in made] == pytest.approx(
        [1 - 0.05 / 2, 1 - 0.05 / 6, 1 - 0.05 / 12]
    )
    assert certifications(bundle) == [first, *made]
    # Asking again for what is on the record gives what was given, not another chance.
    assert certify_bundle(bundle, first.targets) == first
    assert policy_of(bundle) == first
    assert len(certifications(bundle)) == 4
    words = " ".join(summarise_policy(bundle.pack, made[-1]))
    assert "Certification number 4 on these held-out cases." in words
    assert "Certification number" not in " ".join(summarise_policy(bundle.pack, first))


def test_nothing_is_certified_above_the_pack_s_ceiling_whoever_asks(tiny_product, copied):
    bundle = open_bundle(copied, tiny_product.settings)
    first = policy_of(bundle)
    with pytest.raises(ConfigError, match=r"rate of 50 % .* certifies 20 % at most") as refused:
        certify_bundle(bundle, Targets(escape=0.5))
    assert "--escape 0.2" in refused.value.hint
    with pytest.raises(ConfigError, match=r"confidence of 50 % .* with 95 % at least"):
        certify_bundle(bundle, Targets(confidence=0.5))
    stricter = replace(bundle, pack=replace(bundle.pack, ceiling=Ceiling(bound=0.1, groups=30)))
    with pytest.raises(ConfigError, match="certifies 10 % at most"):
        certify_bundle(stricter, Targets(escape=0.2))
    assert policy_of(bundle) == first
    assert certifications(bundle) == [first]
    assert certify_bundle(bundle, Targets(escape=0.2, confidence=0.99)).targets.escape == 0.2


def test_a_certification_whose_file_was_spoilt_still_counts(tiny_product, copied):
    bundle = open_bundle(copied, tiny_product.settings)
    certify_above(bundle, Targets(escape=0.3, overkill=0.3))
    for file in (copied / "policies").glob("*.json"):
        file.write_text("{}")
    assert certify_above(bundle, Targets(escape=0.4, overkill=0.3)).attempt == 3


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


def test_signing_replaces_no_file_but_its_own(copied, tmp_path):
    key, public = tmp_path / "me.pem", tmp_path / "me.pub.pem"
    public.write_bytes(b"of a colleague")
    with pytest.raises(ConfigError, match="a new key would replace it"):
        sign(copied, key)
    assert not key.exists()

    assert sign(copied, tmp_path / "mine.pem") == tmp_path / "mine.pub.pem"
    (tmp_path / "mine.pem").rename(key)
    signature = (copied / layout.SIGNATURE).read_bytes()
    with pytest.raises(ConfigError, match=r"me\.pub\.pem exists and is not the public key"):
        sign(copied, key)
    assert public.read_bytes() == b"of a colleague"
    assert (copied / layout.SIGNATURE).read_bytes() == signature

    public.unlink()
    sign(copied, key)
    sign(copied, key)  # its own public key stands there by now
    check_signature(copied, public)


def test_no_private_key_is_made_in_the_bundle_or_where_there_is_no_folder(copied, tmp_path):
    with pytest.raises(ConfigError, match="lies in the bundle"):
        sign(copied, copied / "probe" / "me.pem")
    with pytest.raises(ConfigError, match="there is no folder"):
        sign(copied, tmp_path / "no" / "me.pem")
    assert layout.verify(copied)
    assert not (copied / layout.SIGNATURE).exists()


def test_a_signature_covers_the_policies_and_which_is_current(copied, tmp_path, tiny_product):
    bundle = open_bundle(copied, tiny_product.settings)
    current = copied / "policies" / "current"
    first = current.read_text()
    certify_above(bundle, Targets(escape=0.3, overkill=0.3))
    public = sign(copied, tmp_path / "me.pem")
    check_signature(copied, public)

    second = current.read_text()
    current.write_text(first)
    with pytest.raises(BundleError, match="over its files and policies"):
        check_signature(copied, public)
    current.write_text(second)
    check_signature(copied, public)
    (copied / "policies" / "0000.json").write_text("{}")
    with pytest.raises(BundleError, match="over its files and policies"):
        check_signature(copied, public)


@pytest.mark.parametrize("certify_again", [False, True])
def test_a_policy_that_the_cases_do_not_justify_is_refused(tiny_product, copied, certify_again):
    bundle = open_bundle(copied, tiny_product.settings)
    policy = policy_of(bundle)
    boast = replace(policy.escape, n=50_000, k=0, bound=6e-5, threshold=1.0, certified=True)
    forged = replace(policy, t_neg=1.0, t_pos=None, escape=boast)
    folder = copied / "policies"
    (folder / f"{forged.id}.json").write_text(json.dumps(to_json(forged)))
    (folder / "current").write_text(forged.id)

    with pytest.raises(BundleError, match=r"is not what the cases of .* justify"):
        policy_of(open_bundle(copied, tiny_product.settings))
    if certify_again:
        assert certify_bundle(bundle, policy.targets) == policy
        assert policy_of(open_bundle(copied, tiny_product.settings)) == policy


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
