"""Bundles prove themselves: any altered byte is found, and any machine that scores otherwise."""

import json
import os
import resource
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from core.errors import BundleError, ConfigError, ParityError
from core.files import sha256_of
from core.model.bundle import bundle as layout
from core.model.bundle import parity
from core.model.bundle.parity import TOLERANCE
from core.model.network import graph
from core.model.network.runtime import export_network
from core.service.bundles.open import open_bundle
from core.types import Finding, Reason, Unreadable
from tests.changed_bundles import reseal


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


def test_a_cache_that_cannot_be_written_is_no_fault_of_the_bundle(tiny_product, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    settings = tiny_product.settings.model_copy(update={"home": tmp_path / "full"})
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # as a full disk: the next write
    try:
        with pytest.raises(ConfigError, match=r"full/cache cannot be written: File too large"):
            open_bundle(tiny_product.bundle, settings)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((tmp_path / "full/cache").iterdir()) == []


def test_arrays_that_do_not_fit_one_another_are_refused(tiny_product, copied):
    arrays = load_file(copied / layout.WEIGHTS)
    save_file(
        {**arrays, "cal.positive": arrays["cal.positive"][:3].copy()}, copied / layout.WEIGHTS
    )
    reseal(copied)
    with pytest.raises(BundleError, match="its parts do not fit"):
        open_bundle(copied, tiny_product.settings)


def test_a_network_that_does_not_fit_the_model_is_refused(tiny_product, copied):
    metadata = json.loads((copied / layout.METADATA).read_text())
    metadata["backbone"]["taps"].pop()
    (copied / layout.METADATA).write_text(json.dumps(metadata))
    reseal(copied)
    with pytest.raises(ParityError, match="what the network gives does not fit the model"):
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
        bundle.model.evidence(bundle.network.extract(picture.pixels), picture), picture
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
