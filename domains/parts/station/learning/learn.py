"""Learning at the station: from good parts to a deployed bundle, and what is certified of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from time import monotonic

from core.checking.facts import UnreadablePicture
from core.decision.certificate_text import describe_attempt, describe_certificate, percent
from core.decision.good_only import describe_bound
from core.errors import ConfigError, DataError
from core.model.bundle.bundle import Bundle
from core.people import Role
from core.records.connection import Store
from core.records.deployment import Deployment
from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.progress import Progress, silent
from core.service.training.good_only import MIN_GROUPS
from core.service.training.oddness import ScoredPicture, score_good_pictures
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Ceiling, Policy
from domains.parts import pack
from domains.parts.station.judging.rule import is_certified, ood_level
from domains.parts.station.learning.folder import GOOD, LearnedPicture, place_of
from domains.parts.station.learning.odd_parts import PartLook, RankedPart, rank_parts
from domains.parts.station.recipe import Recipe, StationFile


@dataclass(frozen=True, slots=True)
class Learned:
    """What came of learning.

    Attributes:
        bundle: The bundle, opened.
        policy: Its policy.
        deployment: By which it judges from now on.
        parts: How many parts it was made from, by label.
        seconds: How long it took.
        sentences: What is certified, what not yet, and what the line does.
    """

    bundle: Bundle
    policy: Policy
    deployment: Deployment
    parts: Mapping[str, int]
    seconds: float
    sentences: tuple[str, ...]


def find_odd(
    pictures: Sequence[LearnedPicture],
    known: Sequence[LearnedPicture],
    settings: Settings,
    progress: Progress = silent,
) -> list[RankedPart]:
    """Return new good parts, the oddest first, by a memory of all good parts but the part itself.

    Args:
        pictures: Those of the new parts.
        known: Those of good parts that are learned already.
        settings: Where things run.
        progress: Called as work goes on.

    Raises:
        DataError: There are too few, or none are new.
    """
    new = {one.group for one in pictures}
    groups = new | {one.group for one in known}
    if not new or len(groups) < MIN_GROUPS:
        raise DataError(
            f"{len(new)} good parts were shown, {len(groups)} are there in all; expected at least "
            f"{MIN_GROUPS}.",
            hint="Show more: 19 are the fewest by which overkill is bounded at 5 %.",
        )
    found = score_good_pictures(
        [(one.file, one.group) for one in (*pictures, *known)],
        pack=pack.name,
        settings=settings,
        progress=progress,
    )
    ranked = rank_parts([_look(one) for one in found if isinstance(one, ScoredPicture)])
    return [one for one in ranked if one.group in new] + [
        RankedPart(one.row.group, one.row.file.name, 0, 0.0, True, one.message)
        for one in found
        if isinstance(one, UnreadablePicture)
    ]


def choose_parts(names: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Return the groups that names stand for: a whole one, or its file's name.

    Raises:
        ConfigError: A name stands for none, or for several.
    """
    chosen = []
    for name in names:
        file = PurePath(name)
        fits = [one for one in groups if one == name] or [
            one for one in groups if PurePath(one).name in {file.name, file.stem}
        ]
        if len(fits) != 1:
            raise ConfigError(
                f"{name!r} names {len(fits)} of the parts; there are: {', '.join(groups)}.",
                hint="Name a part as it is listed.",
            )
        chosen += fits
    return chosen


def learn(
    station: StationFile,
    recipe: Recipe,
    settings: Settings,
    store: Store,
    *,
    signed: Signed,
    left_out: int = 0,
    progress: Progress = silent,
) -> Learned:
    """Return the bundle of all that a recipe was shown, certified and deployed.

    A running station judges by it within two seconds; what judged before stays on record.

    Args:
        station: The station file.
        recipe: The recipe.
        settings: Where things run.
        store: The store.
        signed: Who answers for it.
        left_out: How many good parts a person left out because they look odd.
        progress: Called as work goes on.

    Raises:
        PermissionDenied: The person may not deploy.
        DataError: The pictures cannot be learned from, such as too few good parts.
        StoreError: The database failed.
    """
    signed.by.require(Role.LEAD, "have parts learned and deployed")
    began = monotonic()
    place = place_of(settings.home, station, recipe)
    groups = {label: len(found) for label, found in place.data.groups().items()}
    out = _next_folder(place.bundles, recipe.product)
    out.parent.mkdir(parents=True, exist_ok=True)
    train(TrainSpec(pack.name, place.data.root, out), settings, progress)
    bundle = open_bundle(out, settings)
    targets = replace(pack.targets, uncertified_negatives=recipe.allow_uncertified)
    policy = certify_bundle(bundle, targets, settings.home)
    deployment = deploy_bundle(out, store, settings, product=recipe.product, signed=signed)
    defects = sum(count for label, count in groups.items() if label != GOOD)
    sentences = describe_policy(policy, recipe, defects=defects, left_out=left_out)
    sentences += _describe_gate(policy, bundle.model.gate.reference.size)
    return Learned(bundle, policy, deployment, groups, monotonic() - began, tuple(sentences))


def describe_policy(policy: Policy, recipe: Recipe, *, defects: int, left_out: int) -> list[str]:
    """Return what is certified, what not yet, and what a line does with it, in plain sentences.

    Args:
        policy: The policy.
        recipe: The recipe that it is for.
        defects: How many defective parts were shown, those that train among them.
        left_out: How many good parts were left out because they look odd.
    """
    sentences = [_describe_overkill(policy)]
    if left_out:
        parts = "part was" if left_out == 1 else "parts were"
        sentences.append(
            f"This holds for parts like those kept: {left_out} odd {parts} left out, and good "
            "parts like those may be called out beyond it."
        )
    again = describe_attempt(policy.attempt, policy.targets.confidence, policy.escape.confidence)
    sentences += [_describe_escape(policy, defects), *filter(None, [again])]
    return [*sentences, _describe_line(policy, recipe)]


def _describe_overkill(policy: Policy) -> str:
    if policy.overkill.certified or policy.good_only is None:
        sentence = describe_certificate(policy.overkill, "overkill", "good parts")
        return f"Overkill: {sentence}"
    sentence = describe_bound(policy.good_only, "overkill", "good parts")
    is_bounded = policy.good_only.level is not None
    return f"Overkill {'bounded' if is_bounded else 'not bounded yet'}: {sentence}"


def _describe_escape(policy: Policy, defects: int) -> str:
    escape = policy.escape
    if escape.certified:
        return f"Escape certified: {describe_certificate(escape, 'escape', 'defective parts')}"
    shown = f"{defects} defect{'' if defects == 1 else 's'} shown"
    if not defects:
        return (
            f"Escape not certified yet: {shown}; {escape.needed} needed for "
            f"{percent(escape.alpha)}."
        )
    return (
        f"Escape not certified yet: {shown}, {escape.n} of them kept from training to count here; "
        f"{escape.needed} more such, none escaped, needed for {percent(escape.alpha)}. "
        "About two in five of the defects shown are kept for it."
    )


def _describe_line(policy: Policy, recipe: Recipe) -> str:
    if policy.t_neg is None:
        return "On the line no part passes yet: nothing tells good parts well enough."
    if is_certified(policy, Ceiling()):
        return "On the line parts pass by the certificate."
    if recipe.allow_uncertified:
        return (
            "On the line parts pass although escape is not certified, as the recipe's "
            "allow_uncertified says."
        )
    return (
        "On the line no part passes before escape is certified; allow_uncertified = true in the "
        "recipe lets parts pass for the first days."
    )


def _describe_gate(policy: Policy, known: int) -> list[str]:
    level = ood_level(policy, known)
    if level <= policy.targets.ood_alpha:
        return []
    return [
        f"What is less like the {known} pictures learned from than nearly all of them are like "
        f"each other does not pass, as another product is: up to {percent(level)} of good parts "
        "besides."
    ]


def _look(one: ScoredPicture) -> PartLook:
    return PartLook(
        one.row.group,
        one.row.file.name,
        one.score,
        one.prepared.source_size,
        one.prepared.measures,
        tuple(found.detail for found in one.prepared.findings),
    )


def _next_folder(bundles: Path, product: str) -> Path:
    number = 1 + sum(1 for _ in bundles.glob(f"{product}-*"))
    while (bundles / f"{product}-{number:03}").exists():
        number += 1
    return bundles / f"{product}-{number:03}"
