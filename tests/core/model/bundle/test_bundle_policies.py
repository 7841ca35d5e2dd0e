"""The policies in a bundle, and what a signature over both is worth."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from core.decision.policy import to_json
from core.errors import BundleError, ConfigError
from core.model.bundle import bundle as layout
from core.service.bundles.open import certifications, certify_bundle, open_bundle, policy_of
from core.service.bundles.signing import check_signature, sign
from core.service.summaries import summarise_policy
from core.types import Ceiling, Targets
from tests.ceilings import certify_above


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
    np.testing.assert_allclose(turned, gate.known, atol=1e-4)  # kept in half precision


def test_a_bundle_whose_folder_is_gone_since_it_was_opened_is_named_as_missing(
    tiny_product, copied
):
    bundle = open_bundle(copied, tiny_product.settings)
    policy = policy_of(bundle)
    away = copied.rename(copied.with_name("away"))
    for named in ("", policy.id):
        with pytest.raises(BundleError, match=r"are missing from .*Bring that folder back"):
            policy_of(bundle, named)
    away.rename(copied)
    assert policy_of(bundle, policy.id) == policy
