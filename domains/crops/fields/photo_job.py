"""The photos of a field as a job: where they were taken, whether they can be judged, verdicts."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from core.errors import DataError, NothingDeployed, PermanentFailure
from core.files import write_atomic
from core.imaging.files import Incoming
from core.imaging.zip_archive import incoming as read_incoming
from core.jobs.context import JobContext
from core.packs import pack_named
from core.people import Person, Role
from core.records.connection import Store, writing
from core.records.job import add
from core.records.values import name_of, now
from core.service.assessment.recording import Recorded, assess_and_record
from core.service.bundles.deployments import Deployed, ProductJudge
from core.service.intake.resumable import Batch, BatchLimits, Upload
from domains.crops.fields.folder import FieldFolder, open_field
from domains.crops.locale import N_, language
from domains.crops.photos.listing import ListedPhoto, list_photos
from domains.crops.photos.listing_json import photo_line
from domains.crops.survey.journal import JUDGED, Journal, name_photo
from domains.crops.survey.judged_by import JudgedBy, read_judged_by

PHOTOS = "crops.photos"
PACK = "crops"
RESULT, JUDGE = "photos.json", "judge.json"
_JUDGING = N_("Judging photos")
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_UNSAFE = re.compile(r"[^\w.\-() ]+")
_MAX_NAME = 100


def submit(store: Store, field: FieldFolder, number: int, *, by: Person) -> None:
    """Ask for the photos of a field to be looked at.

    Args:
        store: The store.
        field: Whose photos.
        number: Which time it is; the same number is the same job.
        by: Who asks.

    Raises:
        PermissionDenied: The person may not have photos looked at.
        StoreError: The database failed; nothing was asked for.
    """
    by.require(Role.REVIEWER, "have photos looked at")
    with writing(store) as connection:
        add(
            connection,
            PHOTOS,
            key_of(field, number),
            pack=PACK,
            payload={"field": field.id},
            at=now(),
        )


def key_of(field: FieldFolder, number: int) -> str:
    """Return the key of a field's job."""
    return f"{field.id}/{number}"


def job_id(field: FieldFolder, number: int) -> str:
    """Return the id of a field's job."""
    return name_of(PHOTOS, key_of(field, number))


def is_photo(upload: Upload) -> bool:
    """Return whether an upload is to be looked at as a photo or an archive of them."""
    if not upload.is_complete:
        return False
    with upload.path.open("rb") as file:
        return file.read(4) not in TIFF


def judge_of_photos(field: FieldFolder) -> JudgedBy:
    """Return what judged a field's photos; nothing where that was not kept."""
    file = field.folder / JUDGE
    return read_judged_by(json.loads(file.read_text("utf-8"))) if file.exists() else JudgedBy()


def run(context: JobContext) -> Mapping[str, Any]:
    """Return the counts of what became of a field's photos, which are then listed in a file.

    Raises:
        PermanentFailure: There is no such field, or no photo in it.
    """
    field = open_field(context.settings.home, context.job.payload.get("field", ""))
    if field is None:
        raise PermanentFailure("There is no such field.", hint="Make the field anew.")
    staged = field.folder / "staged"
    try:
        _stage(field, staged)
        photos = list_photos([staged], context.settings, context.step).photos
        cases = _cases(field, photos, staged)
        judge = _judge(context, field)
        verdicts = dict(_verdicts(context, field, staged, photos, cases, judge))
    except DataError as exc:
        raise PermanentFailure(exc.message, hint=exc.hint) from exc
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    named = [(photo, cases[photo.name]) for photo in photos]
    lines = [_line(photo, case, verdicts.get(case), staged) for photo, case in named]
    promised = JudgedBy() if judge is None else JudgedBy.of(judge)
    write_atomic(field.folder / JUDGE, json.dumps(asdict(promised), ensure_ascii=False))
    write_atomic(field.folder / RESULT, json.dumps(lines, ensure_ascii=False))
    (field.folder / JUDGED).unlink(missing_ok=True)
    return {"photos": len(lines), "judged": len(verdicts)}


def _stage(field: FieldFolder, staged: Path) -> None:
    """Link the files under their names, cleaned: a name tells what removed a photo's place."""
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    for upload in Batch(field.uploads, BatchLimits()).uploads():
        if is_photo(upload):
            name = _UNSAFE.sub("_", Path(upload.announced.name).name).strip(". ")[-_MAX_NAME:]
            folder = staged / upload.id
            folder.mkdir(parents=True)
            os.link(upload.path, folder / (name or "photo"))


def _verdicts(
    context: JobContext,
    field: FieldFolder,
    staged: Path,
    photos: tuple[ListedPhoto, ...],
    cases: Mapping[str, str],
    judge: ProductJudge | None,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the verdict on each photo that can be judged, with the name of its case."""
    named = {
        cases[photo.name]: name_photo(photo.name, photo.sha256)
        for photo in photos
        if not photo.faults
    }
    if judge is None or not named:
        return
    with Journal(field.folder / JUDGED, f"{judge.bundle.sha256} {judge.policy.id}") as journal:
        known = {case: journal.known[key] for case, key in named.items() if key in journal.known}
        yield from known.items()
        fit = {name: case for name, case in cases.items() if case in named.keys() - known.keys()}
        answers = assess_and_record(
            judge.bundle,
            _incoming(staged, fit, context),
            context.store,
            policy=judge.policy,
            settings=context.settings,
            product=field.crop,
            audit_share=judge.audit_share,
        )
        for done, one in enumerate(answers, len(known) + 1):
            case, verdict = one.assessment.sample_id, _verdict(one)
            journal.add(named[case], verdict)
            context.step(_JUDGING, done, len(named))
            yield case, verdict


def _incoming(staged: Path, cases: Mapping[str, str], context: JobContext) -> Iterator[Incoming]:
    suffixes = pack_named(PACK).suffixes
    for one in read_incoming([staged], context.settings.max_bytes, suffixes):
        if one.id in cases:
            yield replace(one, id=cases[one.id])


def _judge(context: JobContext, field: FieldFolder) -> ProductJudge | None:
    try:
        return Deployed(context.store, context.settings).judge_of(PACK, field.crop)
    except NothingDeployed:
        return None


def _cases(field: FieldFolder, photos: tuple[ListedPhoto, ...], staged: Path) -> dict[str, str]:
    """Return the name of each photo's case by its path: no two photos share one.

    Cameras begin to number anew: where several photos have one name, that of their upload is added.
    """
    counted = Counter(_shown(photo.name, staged) for photo in photos)
    found = {}
    for photo in photos:
        shown = _shown(photo.name, staged)
        upload = Path(photo.name).relative_to(staged).parts[0][:8]
        beside = f" ({upload})" if counted[shown] > 1 else ""
        found[photo.name] = f"{field.name}/{shown}{beside}"
    return found


def _shown(name: str, staged: Path) -> str:
    """Return the name of a photo as its sender knows it."""
    within = Path(name).relative_to(staged)
    return str(Path(*within.parts[1:]))


def _verdict(recorded: Recorded) -> dict[str, Any]:
    """Return a verdict as the page shows it, without the arrays that it rests on."""
    one = recorded.assessment
    return {
        "decision": recorded.decision,
        "case_id": recorded.case_id,
        "disposition": one.verdict.disposition.value,
        "wording": one.wording,
        "labels": list(one.label_set),
        "positive_probability": one.prediction.positive_probability if one.prediction else None,
        "findings": [[found.reason.value, found.check] for found in one.verdict.findings],
    }


def _line(
    photo: ListedPhoto, case: str, verdict: Mapping[str, Any] | None, staged: Path
) -> dict[str, Any]:
    """Return a photo as the page shows it."""
    line = photo_line(photo, language("en"))
    return {**line, "file": _shown(photo.name, staged), "case": case, "verdict": verdict}
