"""A survey as a job of the queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from core.errors import ConfigError, DataError, PermanentFailure
from core.jobs.context import JobContext
from core.people import Person, Role
from core.records.connection import Store, writing
from core.records.job import add
from core.records.values import name_of, now
from domains.crops.survey.spec import SurveySpec
from domains.crops.survey.survey import run_survey
from domains.crops.survey.values import PACK

SURVEY = "survey"


def submit(store: Store, spec: SurveySpec, *, by: Person, key: str = "") -> str:
    """Return the id of the job, new or not, that surveys a mosaic.

    Args:
        store: The store.
        spec: What is asked for.
        by: Who asks.
        key: Same key, same job; what is asked for itself when empty.

    Raises:
        PermissionDenied: The person may not ask for a survey.
        StoreError: The database failed; nothing was asked for.
    """
    by.require(Role.REVIEWER, "ask for a survey")
    text = TypeAdapter(SurveySpec).dump_json(spec).decode()
    with writing(store) as connection:
        add(connection, SURVEY, key or text, pack=PACK, payload={"spec": text}, at=now())
    return name_of(SURVEY, key or text)


def run(context: JobContext) -> Mapping[str, Any]:
    """Return the summary of a survey, whose files are then written.

    Raises:
        PermanentFailure: The mosaic, the bundle or the destination do not allow it.
    """
    try:
        spec = TypeAdapter(SurveySpec).validate_json(context.job.payload.get("spec", ""))
        summary = run_survey(spec, context.settings, context.step, context.store)
        return {**summary, "path": str(spec.out)}
    except ValidationError as exc:
        raise PermanentFailure(
            f"The payload of the job is no survey: {exc.error_count()} errors.",
            hint="Ask for the job anew with this version of Assay.",
        ) from exc
    except (ConfigError, DataError) as exc:
        raise PermanentFailure(exc.message, hint=exc.hint) from exc
