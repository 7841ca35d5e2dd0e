"""batch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.options import BundlePath, Json, PolicyId
from core.cli.output import print_json, print_line, progress_bar

if TYPE_CHECKING:
    from core.batch.run import BatchResult
    from core.batch.spec import BatchSpec


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(batch)


def batch(
    bundle: BundlePath,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="Folder, zip, manifest (CSV or Parquet), or a URL of one, such as s3://BUCKET/X.",
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the verdicts, as Parquet.")],
    policy: PolicyId = "",
    product: Annotated[
        str, typer.Option(help="Product that they show, where a pack has several.")
    ] = "",
    column: Annotated[
        str, typer.Option(help="The manifest's column of paths or URLs, if not a usual name.")
    ] = "",
    store: Annotated[
        bool, typer.Option("--store", help="Record the verdicts in the store as well.")
    ] = False,
    engine: Annotated[
        str, typer.Option(help="ray: many machines or processes; threads: this process alone.")
    ] = "ray",
    workers: Annotated[
        int, typer.Option(min=0, help="Ray's workers; 0 = one a processor of the cluster.")
    ] = 0,
    address: Annotated[
        str, typer.Option(help="Ray cluster, HOST:PORT or auto; one on this machine if not given.")
    ] = "",
    part_size: Annotated[int, typer.Option(min=1, help="Pictures a Parquet file.")] = 500,
    queue: Annotated[
        bool, typer.Option("--queue", help="Leave it to `assay worker`; `assay queue` shows it.")
    ] = False,
    json: Json = False,
) -> None:
    """Assess an archive of any size into a folder of Parquet.

    Run it again after anything went wrong: it judges the pictures that have no verdict yet.
    """
    from core.batch.spec import BatchSpec, Engine
    from core.errors import ConfigError

    if engine not in set(Engine):
        raise ConfigError(f"There is no engine {engine!r}.", hint="Give --engine ray or threads.")
    spec = BatchSpec(
        bundle=bundle,
        source=source,
        out=out,
        policy=policy,
        product=product,
        column=column,
        is_recorded=store,
        engine=Engine(engine),
        workers=workers,
        address=address,
        part_size=part_size,
    )
    _submit(spec) if queue else _run(spec, json=json)


def _run(spec: BatchSpec, *, json: bool) -> None:
    from core.batch.run import run_batch
    from core.settings import Settings

    with progress_bar() as progress:
        found = run_batch(spec, Settings(), progress)
    _show(spec, found, json=json)


def _show(spec: BatchSpec, found: BatchResult, *, json: bool) -> None:
    from dataclasses import asdict

    from core.errors import DataError
    from core.imaging.junk import describe_skipped

    if json:
        print_json({"schema": "assay.batch/1", "out": str(spec.out), **asdict(found)})
    else:
        counts = ", ".join(f"{count} {word}" for word, count in found.wordings.items())
        print_line(f"{found.pictures} pictures in {spec.out}: {counts}.")
        print_line(
            f"{found.pictures - found.earlier} judged now, {found.earlier} before; "
            f"{found.unread} could not be read."
        )
    for line in describe_skipped(found.skipped):
        typer.echo(f"assay: {line}", err=True)
    if found.pictures == found.unread:
        raise DataError(
            "No picture was assessed.", hint="Name folders, zips or manifests that hold pictures."
        )


def _submit(spec: BatchSpec) -> None:
    import os
    from dataclasses import replace

    from core.batch.remote import is_url
    from core.jobs.use_cases import submit
    from core.service.bundles.open import open_bundle
    from core.service.store import open_store
    from core.settings import Settings

    settings = Settings()
    pack = open_bundle(spec.bundle, settings).pack.name
    # A worker runs in a folder of its own.
    source = spec.source if is_url(spec.source) else os.path.abspath(spec.source)
    fixed = replace(spec, source=source, bundle=spec.bundle.absolute(), out=spec.out.absolute())
    with open_store(settings) as store:
        job = submit(store, fixed, pack)
    print_line(f"{job} waits for `assay worker`; `assay queue` shows how far it is.")
