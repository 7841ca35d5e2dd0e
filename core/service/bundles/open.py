"""Opening bundles, and the policies that lie in them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from core.decision import policy as policies
from core.decision.certificate_text import percent
from core.decision.policy import certify, decide, suspend
from core.errors import BundleError, ConfigError
from core.files import write_atomic
from core.imaging.files import wrap_bytes
from core.model.bundle import parity
from core.model.bundle.bundle import POLICIES, Bundle, read_bundle
from core.model.bundle.parity import Probe
from core.model.estimators.model import one_thread
from core.service.bundles.added_cases import AddedCases, read_added_cases
from core.service.bundles.attempts import attempt_at, note
from core.service.bundles.decoders import decoders_of
from core.settings import Settings
from core.types import Ceiling, Policy, Prediction, Prepared, Targets, Unreadable

CURRENT = "current"


def open_bundle(path: Path | str, settings: Settings | None = None) -> Bundle:
    """Return a bundle whose hashes and probe pictures were checked.

    Args:
        path: The bundle's folder.
        settings: Where things run; read from the environment when None.

    Raises:
        BundleError: The bundle is altered, incomplete, or scores differently here.
        UnknownPack: The pack that it was trained for is not installed.
    """
    settings = settings or Settings()
    one_thread()
    bundle = read_bundle(Path(path), runtime=settings.runtime, cache=settings.cache)
    try:
        judged_by = _read_current(bundle)
    except BundleError:
        # Judging by it is refused in ``policy_of``; certifying anew must stay possible.
        judged_by = None
    model = bundle.model

    def same_verdict(one: Prediction, other: Prediction) -> bool:
        if judged_by is None:
            return True
        verdicts = [decide(p, judged_by, model.classes, model.positive) for p in (one, other)]
        return verdicts[0].disposition is verdicts[1].disposition

    probes = _probes(bundle)
    parity.run(
        probes,
        _prepare(probes, bundle, settings),
        model=model,
        network=bundle.network,
        same_verdict=same_verdict,
    )
    return bundle


def _prepare(
    probes: Sequence[Probe], bundle: Bundle, settings: Settings
) -> list[Prepared | Unreadable]:
    """Return probes decoded like any picture from outside: a bundle may come from anywhere."""
    one = settings.model_copy(update={"decoders": 1})
    with decoders_of(bundle, one) as sandbox:
        samples = sandbox.samples(wrap_bytes(probe.file, probe.data) for probe in probes)
        return [cast("Prepared | Unreadable", sample.frame) for sample in samples]


def certify_bundle(bundle: Bundle, targets: Targets, home: Path | None = None) -> Policy:
    """Return the policy certified for targets on the bundle's cal cases, now its current one.

    The policy lies beside the bundle's own content, under the hash of what it says. Together they
    are the record of what was certified on these cases: targets that are on it give their policy
    again, others must hold with more confidence the more there are before them.

    Args:
        bundle: The bundle.
        targets: What is asked.
        home: Folder that keeps the record of certifications on the same cases by other bundles,
            which count too; None for no such record.

    Raises:
        ConfigError: The escape rate, or the confidence that it is to hold with, is beyond what the
            pack allows a certificate to say.
    """
    _refuse_beyond(bundle.pack.ceiling, targets)
    record = certifications(bundle)
    known = [one for one in record if one.targets == targets and not one.added]
    folder = bundle.path / POLICIES
    folder.mkdir(exist_ok=True)
    # Files that do not read were certifications too; a suspended policy was none of its own.
    suspended = sum(bool(one.suspended) for one in _readable(bundle))
    files = len(list(folder.glob("*.json"))) - suspended
    before = max([files, *(one.attempt for one in record)])
    attempt = max(before + 1, attempt_at(home, bundle, targets) if home else 1)
    policy = known[0] if known else make_policy(bundle, targets, attempt)
    if home:
        note(home, bundle, policy)
    write_policy(policy, folder)
    write_atomic(folder / CURRENT, policy.id + "\n")
    return policy


def write_policy(policy: Policy, folder: Path) -> None:
    """Write a policy, under its id, into a folder of policies."""
    content = json.dumps(policies.to_json(policy), indent=1, sort_keys=True) + "\n"
    write_atomic(folder / f"{policy.id}.json", content)


def _refuse_beyond(ceiling: Ceiling, targets: Targets) -> None:
    """Hold targets against a pack's ceiling: a promise of nothing is no certificate."""
    if targets.escape > ceiling.bound:
        raise ConfigError(
            f"An escape rate of {percent(targets.escape)} was asked for; this pack certifies "
            f"{percent(ceiling.bound)} at most.",
            hint=f"Ask for --escape {ceiling.bound:g} or less. What cannot be certified goes to a "
            "person, or passes uncertified by --uncertified-negatives.",
        )
    if targets.confidence < ceiling.confidence:
        raise ConfigError(
            f"A confidence of {percent(targets.confidence)} was asked for; this pack certifies "
            f"with {percent(ceiling.confidence)} at least.",
            hint=f"Ask for --confidence {ceiling.confidence:g} or more.",
        )


def make_policy(
    bundle: Bundle, targets: Targets, attempt: int, added: AddedCases | None = None
) -> Policy:
    """Return the policy that a bundle's cases justify, without keeping it.

    Args:
        bundle: The bundle.
        targets: What is asked.
        attempt: How many different targets were certified on its cal cases, these included.
        added: Reviewed cases that count with the bundle's own, or instead of them.
    """
    bank = bundle.model.bank
    return certify(
        added.join(bundle.cal) if added else bundle.cal,
        bundle.oof,
        targets,
        bundle=bundle.label,
        good_groups=bank.groups if bank else 0,
        ceiling=bundle.pack.ceiling,
        attempt=attempt,
        added=added.digest if added else "",
    )


def certifications(bundle: Bundle) -> list[Policy]:
    """Return the policies made on a bundle's cal cases that still read, oldest first."""
    own = (one for one in _readable(bundle) if one.bundle == bundle.label and not one.suspended)
    return sorted(own, key=lambda p: p.attempt)


def _readable(bundle: Bundle) -> list[Policy]:
    found = []
    for file in sorted((bundle.path / POLICIES).glob("*.json")):
        try:
            found.append(_read(bundle, file.stem))
        except BundleError:
            continue
    return found


def policy_of(bundle: Bundle, policy_id: str = "") -> Policy:
    """Return a bundle's current policy, or the one named.

    Raises:
        BundleError: There is none, or its content is not what its name says.
    """
    if not bundle.path.is_dir():  # opened before, and removed or moved since
        raise BundleError(
            f"The files of {bundle.label} are missing from {bundle.path}.",
            hint="Bring that folder back from a backup, or deploy the bundle again.",
        )
    if not policy_id:
        current = _read_current(bundle)
        if current is None:
            raise BundleError(
                f"{bundle.label} has no policy yet.", hint="`assay certify BUNDLE` makes one."
            )
        return current
    return _read(bundle, policy_id)


def _read_current(bundle: Bundle) -> Policy | None:
    pointer = bundle.path / POLICIES / CURRENT
    return _read(bundle, pointer.read_text().strip()) if pointer.is_file() else None


def _read(bundle: Bundle, policy_id: str) -> Policy:
    folder = bundle.path / POLICIES
    file = folder / f"{policy_id}.json"
    if file.name != f"{Path(policy_id).name}.json" or not file.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.json"))) or "none"
        raise BundleError(
            f"{bundle.label} has no policy {policy_id!r}; it has: {known}.",
            hint="`assay certify BUNDLE` makes one.",
        )
    try:
        policy = policies.from_json(json.loads(file.read_text()))
    except (ValueError, KeyError, TypeError) as exc:
        raise BundleError(f"{file} does not read: {exc!r}.", hint="Certify again.") from exc
    if policy.id != policy_id:
        raise BundleError(
            f"{file} was altered: its content is {policy.id}, its name says {policy_id}.",
            hint="Certify again.",
        )
    if policy.bundle == bundle.label:
        _refuse_unjustified(policy, bundle, file)
    return policy


def _refuse_unjustified(policy: Policy, bundle: Bundle, file: Path) -> None:
    """Compare a policy with what the bundle's own cases give for its targets.

    Raises:
        BundleError: They give another: somebody made this one up.
    """
    added = read_added_cases(file.parent, policy.added) if policy.added else None
    own = make_policy(bundle, policy.targets, policy.attempt, added)
    if policy.suspended:
        own = suspend(own, policy.suspended)
    made, stated = ({**policies.to_json(one), "id": ""} for one in (own, policy))
    if not _are_close(made, stated):
        raise BundleError(
            f"{file} is not what the cases of {bundle.label} justify: expected limits "
            f"{own.t_neg} and {own.t_pos}, got {policy.t_neg} and {policy.t_pos}, or bounds.",
            hint="Do not use it; `assay certify BUNDLE` makes one from the bundle's own cases.",
        )


def _are_close(one: object, other: object) -> bool:
    """Return whether JSON values are equal but for last digits, which another scipy may move."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_are_close(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_are_close, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return one == other


def _probes(bundle: Bundle) -> list[Probe]:
    expected = bundle.metadata.get("probe", {})
    folder = bundle.path / "probe"
    missing = sorted(expected.keys() - {file.name for file in folder.glob("*")})
    if missing:
        raise BundleError(
            f"{bundle.label} names probe pictures that it does not hold: {missing[0]!r}.",
            hint="Restore it from a copy, or train again.",
        )
    return [Probe(file, (folder / file).read_bytes(), expected[file]) for file in sorted(expected)]
