"""The kinds of job that there are: core's own and those that the installed packs declare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import cast

from core.errors import ConfigError
from core.jobs.context import JobContext, Result
from core.packs import JobKind, import_path, installed
from core.records.job import ASSESS, COMPARE
from core.records.outbox import DELIVER

ASSESS_LANE, DELIVER_LANE, TRAIN_LANE, REVIEW_LANE = "assess", "deliver", "train", "review"
BATCH_LANE = "batch"
NICENESS = {TRAIN_LANE: 19, BATCH_LANE: 19}
"""By how much a lane's process yields the processor to verdicts, as in nice(2)."""

_HOUR_S = 3600.0

CORE = (
    # The worker itself runs it, with the bundle that it keeps open.
    JobKind(ASSESS, "core.jobs.assess:judge", lane=ASSESS_LANE),
    # How often it is tried says the output.
    JobKind(DELIVER, "core.jobs.use_cases:deliver_message", 300.0, None, DELIVER_LANE),
    JobKind("train", "core.jobs.use_cases:train_bundle", 48 * _HOUR_S, 2, TRAIN_LANE),
    JobKind("retrain", "core.jobs.use_cases:retrain_bundle", 48 * _HOUR_S, 2, TRAIN_LANE),
    JobKind("evaluate", "core.jobs.use_cases:evaluate_bundle", 12 * _HOUR_S, 2, TRAIN_LANE),
    JobKind("export", "core.jobs.use_cases:export_graph", _HOUR_S, 2, TRAIN_LANE),
    # A try judges what the one before left.
    JobKind("batch", "core.jobs.use_cases:judge_batch", 7 * 24 * _HOUR_S, 10, BATCH_LANE),
    JobKind("recertify", "core.jobs.use_cases:recertify", 600.0, 3, REVIEW_LANE),
    # A bundle that is missing may be back in a while.
    JobKind(COMPARE, "core.jobs.use_cases:compare_pictures", 12 * _HOUR_S, None, REVIEW_LANE),
)


def installed_kinds() -> dict[str, JobKind]:
    """Return core's kinds of job and those of every installed pack by name.

    Raises:
        ConfigError: Two claim one name, or a pack does not import.
    """
    owners = {"core": CORE, **{name: pack.jobs for name, pack in installed().items()}}
    return unite(owners)


def unite(declared: Mapping[str, Iterable[JobKind]]) -> dict[str, JobKind]:
    """Return kinds by name.

    Args:
        declared: Kinds by who declares them.

    Raises:
        ConfigError: Two claim one name.
    """
    kinds: dict[str, JobKind] = {}
    owner_of: dict[str, str] = {}
    for owner, own in declared.items():
        for kind in own:
            if kind.name in kinds:
                raise ConfigError(
                    f"The job kind {kind.name!r} is declared by {owner_of[kind.name]} and by "
                    f"{owner}; a kind belongs to one.",
                    hint=f"Rename it in one of them, such as {owner}.{kind.name.split('.')[-1]}, "
                    "or uninstall one.",
                )
            kinds[kind.name], owner_of[kind.name] = kind, owner
    return kinds


def function_of(kind: JobKind) -> Callable[[JobContext], Result]:
    """Return the function that a kind runs.

    Raises:
        ConfigError: It does not import.
    """
    return cast("Callable[[JobContext], Result]", import_path(kind.run))


def lanes_of(kinds: Iterable[JobKind], wanted: Iterable[str] = ()) -> dict[str, list[JobKind]]:
    """Return the kinds of each lane, in alphabetical order of the lanes.

    Args:
        kinds: Kinds of job.
        wanted: The lanes to return; all of them where it is empty.

    Raises:
        ConfigError: No kind has a lane that is wanted.
    """
    lanes: dict[str, list[JobKind]] = {}
    for kind in kinds:
        lanes.setdefault(kind.lane, []).append(kind)
    if unknown := sorted(set(wanted) - lanes.keys()):
        raise ConfigError(
            f"No kind of job has the lane {', '.join(unknown)}; there are: "
            f"{', '.join(sorted(lanes))}.",
            hint="Give --lane one of these, or none for all.",
        )
    return {lane: lanes[lane] for lane in sorted(set(wanted) or lanes)}
