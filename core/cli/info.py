"""--version, demo, packs, doctor, review."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.options import Json
from core.cli.output import print_json, print_line, progress_bar


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.callback()(take_options)
    app.command()(demo)
    app.command()(packs)
    app.command()(doctor)
    app.command()(review)


def _print_version(is_asked: bool) -> None:
    if not is_asked:
        return
    from importlib.metadata import version

    print_line(f"assay {version('assay-inspection')}")
    raise typer.Exit


def take_options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version."
        ),
    ] = False,
) -> None:
    """Take the options of the program itself, which need no command."""


def demo() -> None:
    """Run the demo on real pictures, then open the dashboard.

    Trains, certifies and assesses. ASSAY_DEMO_DASHBOARD=0 leaves the dashboard out.
    """
    from core.packs import demos
    from core.settings import Settings

    settings = Settings()
    with progress_bar() as progress:
        tables = [lane(settings, progress) for lane in demos()]
    for table in tables:
        print_line("\n".join(table))
    if settings.demo_dashboard:
        from core.service.review.server import launch

        launch(settings)


def packs(json: Json = False) -> None:
    """List the installed packs (domains)."""
    from core.packs import installed

    found = installed()
    if json:
        print_json([{"name": name, "title": pack.title} for name, pack in found.items()])
        return
    for name, pack in found.items():
        wording = " / ".join(pack.wording.values())
        print_line(f"{name:<10} {pack.title} ({wording})")


def doctor(json: Json = False) -> None:
    """Check the installation on this machine."""
    from core.service.doctor import examine
    from core.settings import Settings

    findings = examine(Settings())
    if json:
        print_json([{"check": f.check, "ok": f.ok, "detail": f.detail} for f in findings])
    else:
        for finding in findings:
            print_line(f"{'ok  ' if finding.ok else 'FAIL'} {finding.check}: {finding.detail}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def review(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to serve at.")] = 8501,
    host: Annotated[
        str, typer.Option(help="Address to serve at; another one takes a sign-in.")
    ] = "127.0.0.1",
    base_url: Annotated[
        str,
        typer.Option(help="Address in the browser, a reverse proxy's path included."),
    ] = "",
) -> None:
    """Open the review dashboard.

    For one person on this machine; for a team with an OpenID provider (README).
    """
    from core.service.review.server import launch
    from core.settings import Settings

    settings = Settings(base_url=base_url) if base_url else Settings()
    launch(settings, port, host)
