"""The job ``xray.answer``: from what was decided on a case to objects that wait to be sent.

One message per receiver and version of the report names files that lay in the blob folder before
the message was written: they are sent as they lie there, however often, whatever has changed here
since.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from core.errors import PermanentFailure, UnreadableImage
from core.jobs.context import JobContext
from core.logs import Event, Word
from core.records import blobs
from core.records.cases import CaseDetail, CaseImage
from core.records.connection import Store
from core.records.deployment import Deployment, Stage
from core.records.deployments import newest
from core.records.intake import contents_sent
from core.records.values import StoredDecision, name_of
from core.records.worklist import case_detail, is_emptied
from core.service.review.review import judged_by
from core.types import Reason
from domains.xray.answers.answer import CaseResult, JudgedImage, UidMaker, severity_of, uids_at
from domains.xray.answers.capture import capture
from domains.xray.answers.objects import encode
from domains.xray.answers.report_sr import report
from domains.xray.answers.resources import Resources, resources_for
from domains.xray.answers.versions import Version, put, versions
from domains.xray.decoding.source import sources
from domains.xray.node.object_intake import PACK
from domains.xray.node.peers import peers_at
from domains.xray.worklist.persons import contradictions
from domains.xray.worklist.rules import is_old_work, sites_of

MOST_CAPTURES = 4
_SENDING_STAGES = {Stage.SUPERVISED, Stage.AUTOMATIC}

logger = logging.getLogger(__name__)


def answer(context: JobContext) -> None:
    """Build what is to be sent for a case, and queue it for every receiver.

    Silent below the stage SUPERVISED, on verdicts that no release covers or that were drawn to
    measure the error, on a case that names no study to answer in, on one whose pictures name
    different patients, and on a study that was too old to be new work. A case that has not changed
    since its last answer is not answered again: only receivers that are new get that answer.

    Args:
        context: The key of its job is the case.

    Raises:
        PermanentFailure: The report is not sent, since it could not state whose it is.
        StoreError: There is no such case, a picture is missing, or the database failed.
        BundleError: The bundle that judged is not on the shelf.
        ConfigError: The peers cannot be read, or the process that reads headers does not start.
        OSError: The home folder cannot be read or written.
    """
    job, store, settings = context.job, context.store, context.settings
    receivers = [peer.name for peer in peers_at(settings.home).receivers()]
    if is_emptied(store, job.key):
        return
    detail = case_detail(store, job.key)
    if not receivers or not _may_send(store, detail):
        return
    if code := _blocking_code(detail):
        logger.info(Event(Word.DONE, {"job": job.id, "code": code}))
        return
    resources = resources_for(store, settings)
    with resources.lock:
        images = judged_images(detail.images, store, resources)
        sent = versions(store, job.pack, job.key)
        if sent and sent[-1].decisions == _fingerprint(images):
            made = sent[-1]
        elif any(one.source for one in images):
            _check_identity(images)
            made = _build_version(job.key, images, sent, resources, store, uids_at(settings.home))
        else:
            logger.info(Event(Word.DONE, {"job": job.id, "code": "NO_STUDY"}))
            return
    put(store, job, made, receivers)


def judged_images(
    images: Iterable[CaseImage], store: Store, resources: Resources
) -> tuple[JudgedImage, ...]:
    """Return a case's decisions with the headers of their files, in the order received.

    Answers of ours that came back, byte for byte, are no images: left out, they change nothing.
    What a file says of its maker counts for nothing here, since anybody may write that.
    """
    # One file may have come under two names.
    decided = list({one.decision.id: one.decision for one in images if one.decision}.values())
    files = (blobs.get(store.blobs, d.sha256) if d.sha256 else b"" for d in decided)
    found = list(zip(decided, sources(resources.headers, files), strict=True))
    uids = {source.sop_instance for _, source in found if source}
    own = contents_sent(store, PACK, uids)
    foreign = [pair for pair in found if pair[0].content_key not in own]
    return tuple(JudgedImage(place, *pair) for place, pair in enumerate(foreign, start=1))


def _check_identity(images: Iterable[JudgedImage]) -> None:
    """Refuse a report that could not state whose it is.

    Raises:
        PermanentFailure: A file states a patient's name or number that no DICOM object may hold.
    """
    unusable = sorted({name for one in images if one.source for name in one.source.unusable})
    if unusable:
        raise PermanentFailure(
            f"The answer is held back: {' and '.join(unusable)} of the pictures cannot be taken "
            "over, and an answer without it would be nobody's. Expected at most 64 "
            "characters (of a name in each of at most three groups), no backslash and no control "
            "character.",
            hint="Correct the patient in the archive, or set ASSAY_CHARACTER_SET to the character "
            "set that its files use without naming it.",
        )


def _may_send(store: Store, detail: CaseDetail) -> bool:
    """Return whether a person has released verdicts like these for every site of the case.

    A case drawn to measure the error is not sent: whoever reads it must not know the verdict.
    """
    made = [image.decision for image in detail.images if image.decision]
    if any(finding.reason is Reason.AUDIT for one in made for finding in one.findings):
        return False
    sites = sites_of(tuple(image.meta for image in detail.images))
    return all(_is_released(newest(store, detail.item.pack, site), made) for site in sites)


def _is_released(last: Deployment | None, made: Sequence[StoredDecision]) -> bool:
    if last is None or last.stage not in _SENDING_STAGES:
        return False
    return all(last.covers(one.bundle, one.policy_id) for one in made)


def _blocking_code(detail: CaseDetail) -> str:
    """Return a code for why a released verdict is not sent all the same; empty where it is."""
    headers = tuple(image.meta for image in detail.images if image.meta)
    if contradictions(headers):
        return "TWO_PATIENTS"
    return "OLD_STUDY" if is_old_work(headers, detail.item.opened_at) else ""


def _build_version(
    case_id: str,
    images: tuple[JudgedImage, ...],
    sent: Sequence[Version],
    resources: Resources,
    store: Store,
    uids: UidMaker,
) -> Version:
    """Return the next version of a case's answer, its files kept."""
    policy = judged_by(resources.explainer, max((one.decision for one in images), key=severity_of))
    result = CaseResult(
        case_id=case_id,
        images=images,
        study=next(one.source for one in images if one.source),
        escape=policy.escape,
        overkill=policy.overkill,
        version=len(sent) + 1,
        predecessor=sent[-1].report if sent else "",
    )
    files = [encode(report(result, uids)), *_captures(result, resources, uids)]
    return Version(
        number=result.version,
        report=uids.report(result),
        decisions=_fingerprint(images),
        files=tuple(blobs.put_many(store.blobs, files)),
    )


def _captures(result: CaseResult, resources: Resources, uids: UidMaker) -> list[bytes]:
    """Return the images of the study that the model judged, drawn, the weightiest first."""
    with_features = [one for one in result.shown if one.decision.features]
    with_features.sort(key=lambda one: severity_of(one.decision), reverse=True)
    captures = []
    for one in with_features[:MOST_CAPTURES]:
        try:
            explanation = resources.explainer.explain(one.decision)
        except UnreadableImage:
            # It was read when it was judged; the report goes out without its picture.
            logger.warning(Event(Word.FAILED, {"code": "NO_PICTURE"}))
        else:
            captures.append(encode(capture(result, one, explanation, uids)))
    return captures


def _fingerprint(images: Iterable[JudgedImage]) -> str:
    return name_of(*sorted(one.decision.id for one in images))
