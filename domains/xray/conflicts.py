"""`assay xray conflicts`: objects that share a UID and differ, and what was set aside."""

from __future__ import annotations

import json as encoder
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.records.connection import Store
    from core.records.quarantine import Conflict


def conflicts(
    accept: Annotated[
        str, typer.Option(metavar="ID", help="Let this object stand in the place of the first.")
    ] = "",
    keep_first: Annotated[
        str, typer.Option(metavar="ID", help="Let the first stand; this object waits no more.")
    ] = "",
    by: Annotated[str, typer.Option(help="Who decides; else $ASSAY_REVIEWER.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Write JSON, without names.")] = False,
) -> None:
    """List objects that differ from one received before under the same UID, and decide them.

    What came first stands until somebody decides. An accepted object is judged in its place, with a
    line in the audit log; nothing is deleted, and accepting the first one again takes it back.
    """
    from core.records import quarantine
    from core.records.intake import ASIDE
    from core.service.store import open_store
    from core.settings import Settings
    from domains.xray.node.object_intake import PACK
    from domains.xray.worklist import received

    settings = Settings()
    with open_store(settings) as store:
        if accept or keep_first:
            _decide(store, accept, keep_first, by or settings.reviewer)
        waiting = quarantine.conflicts(store, PACK)
        aside = quarantine.counts(store, PACK).get(ASIDE, 0)
        if json:
            typer.echo(
                encoder.dumps({"conflicts": [_plain(one) for one in waiting], "aside": aside})
            )
            return
        found = received.read_differences(waiting, store, settings)
    typer.echo(f"{len(waiting)} in conflict, {aside} set aside.")
    for conflict, differing in zip(waiting, found, strict=True):
        typer.echo(f"\n{conflict.other.id}  {received.class_text(conflict.other)}")
        typer.echo(f"  {conflict.other.key}")
        typer.echo(f"  first  {received.arrival_text(conflict.first)}")
        typer.echo(f"  new    {received.arrival_text(conflict.other)}")
        for line in received.difference_lines(differing):
            typer.echo(f"  {line}")
    if waiting:
        typer.echo(f"\n{received.WHAT_TO_DO}")
        typer.echo("assay xray conflicts --accept ID | --keep-first ID, with --by NAME")


def _decide(store: Store, accept: str, keep_first: str, by: str) -> None:
    from core.errors import ConfigError
    from core.people import Person
    from core.service.review import conflicts

    if not by.strip():
        raise ConfigError(
            "A decision bears a name, and none was given.",
            hint="Give --by NAME, or set ASSAY_REVIEWER.",
        )
    if accept and keep_first:
        raise ConfigError(
            "Either --accept or --keep-first, not both.", hint="Call the command twice."
        )
    decide = conflicts.take_new if accept else conflicts.keep_first
    changed = decide(store, accept or keep_first, by=Person.alone(by))
    typer.echo("Decided." if changed else "Nothing changed: it was decided so before.")


def _plain(conflict: Conflict) -> dict[str, str]:
    other, first = conflict.other, conflict.first
    return {
        "id": other.id,
        "sop_instance_uid": other.key,
        "sha256": other.sha256,
        "source": other.source,
        "received_at": other.received_at.isoformat(),
        "first_sha256": first.sha256,
        "first_source": first.source,
        "first_received_at": first.received_at.isoformat(),
    }
