"""`assay xray`: what only the radiology queue does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from domains.xray.conflicts import conflicts
from domains.xray.privacy.deidentify import deidentify

app = typer.Typer(no_args_is_help=True, help="Receive radiographs, and send what came of them.")

app.command()(deidentify)
app.command()(conflicts)

TOKEN = "ASSAY_STOW_TOKEN"
_MEBI = 1024 * 1024


@app.command()
def listen(
    port: Annotated[int, typer.Option(help="Port for DICOM associations; 0 takes any.")] = 11112,
    stow_port: Annotated[
        int | None, typer.Option(help="Port for DICOMweb STOW-RS; 0 takes any.")
    ] = None,
    watch: Annotated[
        Path | None, typer.Option(help="Folder whose DICOM files are taken as well.")
    ] = None,
    dimse: Annotated[bool, typer.Option(help="Whether to take DICOM associations.")] = True,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    ae_title: Annotated[
        str | None,
        typer.Option(help="AE title to be called by; else that of peers.toml, or ASSAY."),
    ] = None,
    site: Annotated[str, typer.Option(help="Name of the place whose pictures these are.")] = "",
    oldest_days: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Age in days at which a study that comes is kept as an earlier one and is no new "
            "work there; 0 takes all as new, 365 unless given.",
        ),
    ] = None,
    keep_free: Annotated[
        int, typer.Option(min=0, help="Free disk space in MiB below which nothing is taken.")
    ] = 1024,
    senders: Annotated[int, typer.Option(min=1, help="Most associations at once.")] = 16,
) -> None:
    """Take radiographs by C-STORE, STOW-RS and from a folder, and queue them for `assay worker`.

    For research and decision support. An object is acknowledged once it is durable. Who may send
    stands in peers.toml in the home folder; without it, this machine alone. The bearer token of
    STOW-RS is read from the environment, ASSAY_STOW_TOKEN.
    """
    from core.logs import confined
    from core.service.intake.limits import Limits
    from core.service.intake.listener import serve
    from core.service.store import open_store
    from core.settings import Settings
    from domains.xray.node.node import NodeOptions, bind_listeners
    from domains.xray.node.peers import peers_at

    settings = Settings()
    peers = peers_at(settings.home)
    if ae_title is not None:
        peers = peers.called(ae_title)
    limits = Limits(object_bytes=settings.max_bytes, senders=senders, free_bytes=keep_free * _MEBI)
    options = NodeOptions(
        host, port if dimse else None, stow_port, watch, os.environ.get(TOKEN, "")
    )
    with open_store(settings) as store:
        listeners = bind_listeners(
            options,
            peers,
            store,
            settings,
            site=site,
            limits=limits,
            oldest_days=oldest_days,
        )
        locations = "\n".join(listener.location for listener in listeners)
        with confined():
            is_asked = serve(listeners, lambda: typer.echo(locations))
    if not is_asked:
        raise typer.Exit(1)


@app.command()
def echo(
    peer: Annotated[str, typer.Argument(metavar="PEER", help="Name of a configured peer.")],
) -> None:
    """Ask a peer whether it is there (C-ECHO)."""
    from core.settings import Settings
    from domains.xray.node.echo_scu import verify
    from domains.xray.node.peers import peers_at

    peers = peers_at(Settings().home)
    elapsed_ms = verify(peers.named(peer), peers.node.ae_title)
    typer.echo(f"{peer} answered in {elapsed_ms:.0f} ms.")
