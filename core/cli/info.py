"""demo, packs, doctor, review."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.output import progress_bar, say, say_json
from core.cli.train import Json


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(demo)
    app.command()(packs)
    app.command()(doctor)
    app.command()(review)


def demo() -> None:
    """Do the main job on real input, then open the dashboard."""
    from core.packs import demos
    from core.settings import Settings

    settings = Settings()
    with progress_bar() as progress:
        tables = [lane(settings, progress) for lane in demos()]
    for table in tables:
        say("\n".join(table))
    if settings.demo_dashboard:
        from core.service.review.server import launch

        launch(settings)


def packs(json: Json = False) -> None:
    """List the installed domain packs."""
    from core.packs import installed

    found = installed()
    if json:
        say_json([{"name": name, "title": pack.title} for name, pack in found.items()])
        return
    for name, pack in found.items():
        words = " / ".join(pack.wording.values())
        say(f"{name:<10} {pack.title} ({words})")


def doctor(json: Json = False) -> None:
    """Check what is installed and whether it can work here."""
    from core.service.doctor import examine
    from core.settings import Settings

    findings = examine(Settings())
    if json:
        say_json([{"check": f.check, "ok": f.ok, "detail": f.detail} for f in findings])
    else:
        for finding in findings:
            say(f"{'ok  ' if finding.ok else 'FAIL'} {finding.check}: {finding.detail}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def review(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 8501,
) -> None:
    """Open the review dashboard."""
    from core.service.review.server import launch
    from core.settings import Settings

    launch(Settings(), port)
