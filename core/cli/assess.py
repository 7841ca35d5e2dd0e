"""assess, replay."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.options import BundlePath, Json, PolicyId
from core.cli.output import print_json, print_line, progress_bar

if TYPE_CHECKING:
    from core.service.assessment.recording import Recorded


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(assess)
    app.command()(replay)


def assess(
    bundle: BundlePath,
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Picture files, folders, or zip files.")
    ],
    policy: PolicyId = "",
    product: Annotated[
        str, typer.Option(help="Product that they show, where a pack has several.")
    ] = "",
    no_store: Annotated[bool, typer.Option("--no-store", help="Record nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Assess pictures and record the verdicts.

    What cannot be decided automatically is sent to review. No random share of the negatives is:
    that is for what a deployment judges (`assay worker`).
    """
    from contextlib import ExitStack

    from core.errors import DataError
    from core.imaging.junk import Skipped
    from core.imaging.zip_archive import incoming
    from core.json_output import assessment_line
    from core.service.assessment.paths import assess_incoming, is_unread
    from core.service.assessment.recording import Recorded, assess_and_record
    from core.service.bundles.open import open_bundle, policy_of
    from core.service.summaries import describe_assessment
    from core.settings import Settings

    settings = Settings()
    opened = open_bundle(bundle, settings)
    limits = policy_of(opened, policy)
    skipped = Skipped()
    given = incoming(paths, settings.max_bytes, opened.pack.suffixes, skipped)
    answers: Iterator[Recorded]
    read = 0
    with ExitStack() as stack:
        if no_store:
            answers = (
                Recorded("", one, "")
                for one in assess_incoming(
                    opened, given, policy=limits, settings=settings, product=product
                )
            )
        else:
            from core.service.bundles.archive import keep
            from core.service.store import open_store

            keep(opened, limits, settings)
            answers = assess_and_record(
                opened,
                given,
                stack.enter_context(open_store(settings)),
                policy=limits,
                settings=settings,
                product=product,
            )
        progress = stack.enter_context(progress_bar())
        for done, one in enumerate(answers, 1):
            read += not is_unread(one.assessment)
            progress("Assessing", done, 0)
            if json:
                shown = assessment_line(
                    one.assessment, pack=opened.pack.name, policy=limits, decision=one.decision
                )
                print_json(shown)
            else:
                print_line(describe_assessment(one.assessment))
    for line in skipped.describe():
        typer.echo(f"assay: {line}", err=True)
    if json and skipped:
        print_json({"schema": "assay.skipped/1", **skipped.to_json()})
    missing = [str(path) for path in paths if not os.path.lexists(path)]
    if missing or not read:
        problem = (
            f"There is nothing at {', '.join(missing)}." if missing else "No picture was assessed."
        )
        raise DataError(problem, hint="Name files, folders or zips that hold pictures.")


def replay(
    decision: Annotated[str, typer.Argument(metavar="DECISION", help="Id of a recorded verdict.")],
    json: Json = False,
) -> None:
    """Recompute a recorded verdict and list any difference.

    Uses the stored picture, bundle and policy; exit code 1 if a bit differs.
    """
    from core.service.assessment.replay import replay
    from core.service.store import open_store
    from core.settings import Settings

    settings = Settings()
    with open_store(settings) as store:
        report = replay(decision, store, settings)
    if json:
        print_json({"decision": decision, "equal": not report, "differences": report})
    elif not report:
        print_line(f"{decision}: the same to the last bit.")
    else:
        print_line("\n".join([f"{decision} differs:", *report]))
    if report:
        raise typer.Exit(1)
