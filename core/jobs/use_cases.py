"""Core's own kinds of job: use cases of `core.service` asked for in a payload.

A payload holds one entry, ``spec``, the JSON of the kind's dataclass.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from core.batch.spec import BatchSpec
from core.errors import ConfigError, DataError, PermanentFailure
from core.jobs.context import JobContext
from core.records.connection import Store, writing
from core.records.job import add
from core.records.values import name_of, now
from core.service.bundles.archive import take
from core.service.bundles.open import certify_bundle, open_bundle, policy_of
from core.service.delivery.deliver import deliver
from core.service.evaluation.evaluate import evaluate
from core.service.export.export import export_bundle
from core.service.recertify.comparison import compare_reviewed
from core.service.recertify.retraining import RetrainSpec, training_spec, write_training_data
from core.service.training.train import TrainSpec, train
from core.types import Targets


@dataclass(frozen=True)
class EvaluateSpec:
    """What ``evaluate`` is asked for.

    Attributes:
        bundle: The bundle's folder.
        data: Labelled pictures.
        policy: Id of a policy; the current one when empty.
        split: Rows to judge; ``test`` where splits are named, else all.
        leave_out_copies: Whether copies of training pictures are left out instead of refused.
    """

    bundle: Path
    data: Path
    policy: str = ""
    split: str = ""
    leave_out_copies: bool = False


@dataclass(frozen=True)
class ExportSpec:
    """What ``export`` is asked for.

    Attributes:
        bundle: The bundle's folder.
        to: One of ``core.service.export.export.TARGETS``.
        out: The file or folder to write.
        policy: Id of a policy; the current one when empty.
    """

    bundle: Path
    to: str
    out: Path
    policy: str = ""


@dataclass(frozen=True)
class RecertifySpec:
    """What ``recertify`` is asked for.

    Attributes:
        bundle: The bundle's folder.
        targets: What is to be certified.
    """

    bundle: Path
    targets: Targets = field(default_factory=Targets)


Spec = TrainSpec | RetrainSpec | EvaluateSpec | ExportSpec | RecertifySpec | BatchSpec
S = TypeVar("S", bound=Spec)

_KINDS: Mapping[type[Spec], str] = {
    TrainSpec: "train",
    RetrainSpec: "retrain",
    EvaluateSpec: "evaluate",
    ExportSpec: "export",
    RecertifySpec: "recertify",
    BatchSpec: "batch",
}


def submit(store: Store, spec: Spec, pack: str, *, key: str = "") -> str:
    """Return the id of the job, new or not, that asks for a use case.

    Args:
        store: The store.
        spec: What is asked for.
        pack: Name of the pack that it is for.
        key: Same key, same job; what is asked for itself when empty.

    Returns:
        The id of the job, new or not.

    Raises:
        StoreError: The database failed; nothing was asked for.
    """
    kind, text = _KINDS[type(spec)], TypeAdapter(type(spec)).dump_json(spec).decode()
    with writing(store) as connection:
        add(connection, kind, key or text, pack=pack, payload={"spec": text}, at=now())
    return name_of(kind, key or text)


def train_bundle(context: JobContext) -> Mapping[str, Any]:
    """Return the bundle that was trained and certified with its pack's targets.

    Raises:
        PermanentFailure: The data set, the settings or the destination do not allow it.
        AssayError: It failed for another reason.
    """
    spec = _spec(context, TrainSpec)
    sentences: list[str] = []
    try:
        train(spec, context.settings, context.step, sentences.append)
        bundle = open_bundle(spec.out, context.settings)
        policy = certify_bundle(bundle, bundle.pack.targets, context.settings.home)
    except (ConfigError, DataError) as exc:
        raise PermanentFailure(exc.message, hint=exc.hint) from exc
    return {"bundle": bundle.label, "path": str(spec.out), "policy": policy.id, "text": sentences}


def retrain_bundle(context: JobContext) -> Mapping[str, Any]:
    """Return the bundle that was trained anew on reviewed cases too, and certified.

    It judges nothing until somebody deploys it.

    Raises:
        PermanentFailure: The data set or the destination does not allow it.
        AssayError: It failed for another reason.
    """
    spec = _spec(context, RetrainSpec)
    settings = context.settings
    work = Path(tempfile.mkdtemp(prefix="retraining-", dir=settings.home))
    try:
        bundle = take(spec.bundle_sha256, settings)
        data = work / "data"
        added = write_training_data(context.store, settings, bundle, spec, data, context.step)
        train(training_spec(spec, bundle, data), settings, context.step)
        made = open_bundle(spec.out, settings)
        policy = certify_bundle(made, made.pack.targets, settings.home)
    except (ConfigError, DataError) as exc:
        raise PermanentFailure(exc.message, hint=exc.hint) from exc
    finally:
        shutil.rmtree(work, ignore_errors=True)
    path = str(spec.out)
    return {"bundle": made.label, "path": path, "policy": policy.id, "reviewed": added}


def evaluate_bundle(context: JobContext) -> Mapping[str, Any]:
    """Return what `assay evaluate --json` prints.

    Raises:
        PermanentFailure: The data set does not allow it.
        AssayError: It failed for another reason.
    """
    spec = _spec(context, EvaluateSpec)
    bundle = open_bundle(spec.bundle, context.settings)
    try:
        found = evaluate(
            bundle,
            spec.data,
            policy=policy_of(bundle, spec.policy),
            settings=context.settings,
            split=spec.split,
            leave_out_copies=spec.leave_out_copies,
            progress=context.step,
        )
    except (ConfigError, DataError) as exc:
        raise PermanentFailure(exc.message, hint=exc.hint) from exc
    return found.figures


def export_graph(context: JobContext) -> Mapping[str, Any]:
    """Return where the one graph of a bundle was written.

    Raises:
        PermanentFailure: The target is unknown or the destination is taken.
        AssayError: It failed for another reason.
    """
    spec = _spec(context, ExportSpec)
    context.progress(0, 1, "Exporting")
    bundle = open_bundle(spec.bundle, context.settings)
    policy = policy_of(bundle, spec.policy)
    try:
        export_bundle(bundle, policy, spec.to, spec.out, context.settings)
    except ConfigError as exc:
        raise PermanentFailure(exc.message, hint=exc.hint) from exc
    return {"bundle": bundle.label, "path": str(spec.out), "policy": policy.id}


def judge_batch(context: JobContext) -> Mapping[str, Any]:
    """Return what `assay batch --json` prints; tried again, it judges what is missing.

    Raises:
        PermanentFailure: The source, the engine or the folder of the verdicts do not allow it.
        AssayError: It failed for another reason.
    """
    from core.batch.run import run_batch  # Parquet and object stores, which no other job needs

    spec = _spec(context, BatchSpec)
    try:
        return asdict(run_batch(spec, context.settings, context.step))
    except (ConfigError, DataError) as exc:
        raise PermanentFailure(exc.message, hint=exc.hint) from exc


def recertify(context: JobContext) -> Mapping[str, Any]:
    """Return the policy certified for targets, which is the bundle's current one from now on.

    Raises:
        PermanentFailure: The targets are beyond what the pack allows.
        AssayError: It failed for another reason.
    """
    spec = _spec(context, RecertifySpec)
    bundle = open_bundle(spec.bundle, context.settings)
    try:
        policy = certify_bundle(bundle, spec.targets, context.settings.home)
    except ConfigError as exc:
        raise PermanentFailure(exc.message, hint=exc.hint) from exc
    return {"bundle": bundle.label, "policy": policy.id}


def compare_pictures(context: JobContext) -> Mapping[str, Any]:
    """Return how many pictures were compared with those of the bundle that the job's key names.

    Raises:
        AssayError: The bundle is not on the shelf, or the database failed.
    """
    job = context.job
    done = compare_reviewed(
        context.store, context.settings, job.pack, job.key, context.step, with_waiting=True
    )
    return {"pictures": done}


def deliver_message(context: JobContext) -> Mapping[str, Any]:
    """Return the output to which the message that the job's key names was delivered.

    Raises:
        PermanentFailure: The receiver refuses it, and would again.
        AssayError: It is sent again later.
    """
    sent = deliver(context.job, context.store, context.settings)
    return {"output": sent.output, "receiver": sent.receiver}


def _spec(context: JobContext, kind: type[S]) -> S:
    try:
        return TypeAdapter(kind).validate_json(context.job.payload.get("spec", ""))
    except ValidationError as exc:
        raise PermanentFailure(
            f"The payload of the job is no {kind.__name__}: {exc.error_count()} errors.",
            hint="Ask for the job anew with this version of Assay.",
        ) from exc
