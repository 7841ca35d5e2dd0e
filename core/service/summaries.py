"""Plain sentences about policies, verdicts and figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from core.checking.result import Level
from core.decision import good_only
from core.decision.certificate import guarantee_table
from core.decision.certificate_text import describe_attempt, describe_certificate, percent
from core.decision.rate import Rate, describe_interval, percentage
from core.labelled import describe_data_set
from core.model.bundle.bundle import Bundle
from core.packs import DomainPack
from core.report.provenance import REMARKS
from core.types import FURTHER, Assessment, Disposition, Policy

_SHOWN_LEVELS = (Level.STRONG, Level.NOTICE)


def summarise_policy(pack: DomainPack, policy: Policy) -> list[str]:
    """Return what a policy certifies, what it costs and what more data would buy."""
    sides = (policy.escape, policy.overkill)
    lines = [
        describe_certificate(certificate, word, unit)
        for certificate, word, unit in zip(sides, pack.error_names, pack.unit_names, strict=True)
    ]
    if policy.suspended:
        lines[0] = policy.suspended
    lines += _describe_uncertified(pack, policy)
    rate, low, high, n = policy.residual
    passed, (positive, _) = pack.wording[Disposition.NEGATIVE], pack.unit_names
    if n:
        lines.append(
            f"Among {n} with a {passed} in the held-out data, {percentage(rate)} were {positive} "
            f"({describe_interval(low, high)})."
        )
    rate, low, high, n = policy.flagged
    if n:
        lines.append(
            f"The out-of-distribution gate sends {percentage(rate)} of {n} ordinary pictures to "
            f"review ({describe_interval(low, high)})."
        )
    lines.append(_describe_deferred(pack, policy))
    attempt = describe_attempt(policy.attempt, policy.targets.confidence, policy.escape.confidence)
    return [*lines, attempt] if attempt else lines


def _describe_deferred(pack: DomainPack, policy: Policy) -> str:
    defer = pack.wording[Disposition.DEFER]
    if not policy.held_out:
        return f"No picture was held out, so nothing says how many go to a person ({defer})."
    uses_bank_alone = policy.t_pos is None and policy.has_positives
    share = f"At most {percent(policy.deferred)}" if uses_bank_alone else percent(policy.deferred)
    rest = " The memory of good pictures calls some of them out." if uses_bank_alone else ""
    return f"{share} of the held-out pictures go to a person ({defer}).{rest}"


def describe_fit(bundle: Bundle) -> str:
    """Return what scores pictures in a bundle: its head, its memory bank, or both."""
    model, head = bundle.model, f"head {bundle.metadata['fit']['head']}"
    if model.bank is None:
        return head
    memory = f"memory of {model.bank.groups} {bundle.pack.unit_names[1]}"
    return memory if model.uses_bank_alone else f"{memory}, {head}"


def list_remarks(bundle: Bundle) -> list[str]:
    """Return what a person should know of a bundle's data before believing its rates."""
    words, model = bundle.metadata, bundle.model
    good = [name for name, wrong in zip(model.classes, model.positive, strict=True) if not wrong]
    alarms = words["check"]["alarms"]
    return [
        f"Nothing is wrong with what is labelled {', '.join(good)}.",
        *filter(None, (words["data"][name] for name in REMARKS)),
        *filter(
            None,
            [
                words.get("no_bank_reason", ""),
                words.get("transfer", {}).get("summary", ""),
                words.get("finetuning", {}).get("summary", ""),
                _of_the_gate(bundle),
            ],
        ),
        # The certificates themselves state when there are too few groups.
        *(a["sentence"] for a in alarms if a["level"] in _SHOWN_LEVELS and a["kind"] != "balance"),
    ]


def _of_split(figures: Mapping[str, Any]) -> str:
    return f" of {figures['split']}" if figures["split"] else ""


def _of_the_gate(bundle: Bundle) -> str:
    """Return a remark on a gate with too few pictures to flag anything at the pack's level."""
    alpha, n = bundle.pack.targets.ood_alpha, len(bundle.model.gate.reference)
    needed = math.ceil(1.0 / alpha) - 1 if alpha else 0
    if n >= needed:
        return ""
    return (
        f"The out-of-distribution gate cannot flag anything at {percent(alpha)} yet: it has {n} "
        f"training pictures to compare with and needs {needed}."
    )


def _describe_uncertified(pack: DomainPack, policy: Policy) -> list[str]:
    """Return what stands in for a certificate: the good groups' bound, or a person's word."""
    (escape, overkill), (positive, good) = pack.error_names, pack.unit_names
    lines = []
    if policy.good_only:
        lines.append(good_only.describe_bound(policy.good_only, overkill, good))
    if policy.escape.n == 0:
        past = " that pass the gates" if policy.escape.excluded else ""
        lines.append(f"{escape.capitalize()} rate unknown: 0 {positive}{past} seen.")
    if policy.t_neg is not None and not policy.escape.certified:
        passed = pack.wording[Disposition.NEGATIVE]
        lines.append(f"{passed} is given without a certificate, as was asked for.")
    return lines


def describe_more_data(pack: DomainPack, policy: Policy) -> list[str]:
    """Return how many positive groups, all caught, each escape rate would need."""
    have, (word, _), (unit, _) = policy.escape.n, pack.error_names, pack.unit_names
    return [
        f"{word} at most {percent(rate)}: {count} {unit}, all caught "
        + (f"({count - have} more than the {have} there are)" if count > have else "(there are)")
        for rate, count in guarantee_table(policy.escape.confidence)
    ]


def describe_assessment(one: Assessment) -> str:
    """Return one verdict in a line."""
    if one.prediction is None:
        return f"{one.wording:<8} {one.sample_id}: {one.verdict.message}"
    shown = f"{one.verdict.label} {one.prediction.positive_probability:.3f}"
    further = "A further picture in the file was not looked at." if FURTHER in one.meta else ""
    parts = filter(None, (shown, one.verdict.message, further))
    return f"{one.wording:<8} {one.sample_id}: {' '.join(parts)}"


def describe_rate(rate: Mapping[str, Any]) -> str:
    """Return a rate with its interval and count."""
    return Rate.from_json(rate).describe(rate.get("excluded", 0))


def describe_auroc(area: float) -> str:
    """Return an AUROC; of positives or negatives alone there is none."""
    return "no AUROC (one side alone)" if math.isnan(area) else f"AUROC {area:.3f}"


def describe_label(name: str, one: Mapping[str, Any]) -> str:
    """Return the figures of one of several labels."""
    return (
        f"{name}: {one['positives']} of {one['n']} pictures, {describe_auroc(one['auroc'])}, "
        f"average precision {one['average_precision']:.3f}, "
        f"at one half sensitivity {one['sensitivity']:.3f} and specificity "
        f"{one['specificity']:.3f}, calibration error {one['ece']:.3f} "
        f"(floor {one['ece_floor']:.3f})"
    )


def summarise_evaluation(bundle: Bundle, figures: Mapping[str, Any]) -> list[str]:
    """Return the figures of an evaluation."""
    escape, overkill = bundle.pack.error_names
    lines = [
        *describe_data_set(figures["read"]),
        f"{figures['n']} pictures{_of_split(figures)}, {describe_auroc(figures['auroc'])}, "
        f"accuracy {figures['accuracy']:.3f} (balanced {figures['balanced_accuracy']:.3f})",
        f"calibration error {figures['ece']:.3f}, a perfect predictor shows "
        f"{figures['ece_floor']:.3f} at this n; NLL {figures['nll']:.3f}",
        f"{escape}: {describe_rate(figures['escape'])}",
        f"{overkill}: {describe_rate(figures['overkill'])}",
        f"decided without a person: {percent(figures['automation'])}",
    ]
    if figures["left_out"]:
        lines.append(
            f"{len(figures['left_out'])} pictures are left out, because they are in the bundle's "
            "training or cal data (the same, a copy, or of one group or patient)."
        )
    lines += [describe_label(name, one) for name, one in figures["labels"].get("each", {}).items()]
    for name, gate in figures["ood"].items():
        lines.append(
            f"out-of-distribution set {name}: {gate['flagged']:.3f} of {gate['n']} flagged, "
            f"{describe_auroc(gate['auroc'])}, FPR95 {gate['fpr95']:.3f}"
        )
    for column, values in figures["by"].items():
        for value, part in values.items():
            lines.append(
                f"{column} = {value}: n {part['n']}, {describe_auroc(part['auroc'])}, "
                f"{escape} {describe_rate(part['escape'])}"
            )
    return lines
