"""audit, bundle, data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli.output import progress_bar, say, say_json
from core.cli.train import BundlePath, Folders, Json, Layout

audit = typer.Typer(no_args_is_help=True, help="The log of everything that was written.")
bundle = typer.Typer(no_args_is_help=True, help="Fitted models as folders.")
data = typer.Typer(no_args_is_help=True, help="Data sets that the packs can fetch or make.")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(audit, name="audit")
    app.add_typer(bundle, name="bundle")
    app.add_typer(data, name="data")


@audit.command("verify")
def audit_verify(
    head: Annotated[
        list[str] | None,
        typer.Option(metavar="NUMBER:HASH", help="A head noted earlier; the log must hold it."),
    ] = None,
    heads: Annotated[Path | None, typer.Option(help="File of noted heads, one a line.")] = None,
    json: Json = False,
) -> None:
    """Walk the whole log and every row and picture it covers; exit 1 when anything was altered."""
    from core.service.audit import check, read_heads
    from core.settings import Settings

    noted = [*(head or ()), *(read_heads(heads) if heads else ())]
    with progress_bar() as progress:
        report = check(Settings(), noted, progress)
    if json:
        say_json({"events": report.events, "head": report.head, "faults": list(report.faults)})
    else:
        say(f"{report.events} events, head {report.head}.")
        say("\n".join(report.faults) or "Everything is as it was written.")
    if report.faults:
        raise typer.Exit(1)


@audit.command("head")
def audit_head() -> None:
    """Print the log's newest event as NUMBER:HASH; note it where the store's keeper cannot reach.

    `assay audit verify --head` then finds a tail cut off or a history made up anew.
    """
    from core.service.audit import head
    from core.settings import Settings

    say(head(Settings()))


@audit.command("export")
def audit_export(
    out: Annotated[Path, typer.Option("-o", "--out", help="File of JSON lines to write.")],
) -> None:
    """Write the log as JSON lines."""
    from core.service.audit import export
    from core.settings import Settings

    count = export(out, Settings())
    say(f"{count} events in {out}.")


@bundle.command("verify")
def bundle_verify(
    path: BundlePath,
    key: Annotated[Path | None, typer.Option(help="Public key (PEM) of who signed it.")] = None,
    json: Json = False,
) -> None:
    """Check a bundle's hashes, its probe pictures and, with a key, its signature."""
    from core.service.bundles.open import open_bundle
    from core.service.bundles.signing import check_signature
    from core.settings import Settings

    if key is not None:
        check_signature(path, key)
    opened = open_bundle(path, Settings())
    if json:
        say_json({"bundle": opened.label, "sha256": opened.sha256, "signed": key is not None})
        return
    signed = ", signed by the key given" if key is not None else ""
    say(f"{opened.label}: every file as it was written, probe pictures score as then{signed}.")


@bundle.command("sign")
def bundle_sign(
    path: BundlePath,
    key: Annotated[Path, typer.Option(help="Ed25519 private key (PEM); made when missing.")],
) -> None:
    """Sign a bundle; who has the public key can tell that it is yours."""
    from core.service.bundles.signing import sign

    public = sign(path, key)
    say(f"Signed. Give {public} to those who check it.")


@bundle.command("export")
def bundle_export(
    path: BundlePath,
    to: Annotated[str, typer.Option(help="onnx (one file), openvino or monai (a folder).")],
    out: Annotated[Path, typer.Option("-o", "--out", help="File or folder to write.")],
    policy: Annotated[str, typer.Option(help="Id of a policy; the current one when empty.")] = "",
    check: Annotated[
        Path | None, typer.Option(help="Your own pictures to compare on, besides the probes.")
    ] = None,
    json: Json = False,
) -> None:
    """Write a bundle as one graph, from pixels to verdict, once it judges as the bundle does."""
    from dataclasses import asdict

    from core.model.onnx.export import NOT_CARRIED
    from core.service.bundles.open import open_bundle, policy_of
    from core.service.export.export import export_bundle
    from core.service.export.monai.writer import NOT_RUN
    from core.settings import Settings

    settings = Settings()
    opened = open_bundle(path, settings)
    limits = policy_of(opened, policy)
    agreed = export_bundle(opened, limits, to, out, settings, check)
    missing = NOT_RUN if to == "monai" else NOT_CARRIED
    if json:
        said = {"bundle": opened.label, "policy": limits.id, "not_carried": missing}
        say_json({**said, **asdict(agreed)})
        return
    say(f"{opened.label} under policy {limits.id} is in {out}.")
    say(
        f"The same verdicts on {agreed.compared} pictures; probabilities differ by "
        f"{agreed.apart:.1g} at most. {agreed.left_out} left out."
    )
    say("It does not carry:")
    say("\n".join(f"  {what}" for what in missing))


@data.command("list")
def data_list(json: Json = False) -> None:
    """List the data sets."""
    from core.packs import installed

    sets = [(name, s) for name, pack in installed().items() for s in pack.data_sets]
    if json:
        say_json([{"pack": name, "name": s.name, "summary": s.summary} for name, s in sets])
        return
    for name, one in sets:
        say(f"{one.name:<12} {name:<10} {one.summary}")


@data.command("get")
def data_get(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name from `assay data list`.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write it.")],
) -> None:
    """Fetch or make a data set."""
    from core.model.bundle.destination import check_folder_destination
    from core.packs import data_set

    chosen = data_set(name)
    check_folder_destination(folder, frozenset())
    chosen.get(folder)
    say(f"{name} is in {folder}.")


@data.command("check")
def data_check(
    pack: Annotated[str, typer.Argument(metavar="PACK", help="A name from `assay packs`.")],
    path: Annotated[Path, typer.Argument(metavar="DATA", help="Folder per class, CSV, manifest.")],
    negative: Annotated[
        list[str] | None, typer.Option(help="A label that means 'nothing wrong'.")
    ] = None,
    layout: Layout = Folders.AUTO,
    json: Json = False,
) -> None:
    """Look for leaks, copies, contradicting labels and shortcuts in labelled pictures."""
    from core.labelled import Form
    from core.service.data.check import check, summarise_check
    from core.settings import Settings

    with progress_bar() as progress:
        found = check(
            pack,
            path,
            Settings(),
            negative=frozenset(negative or ()),
            form=Form(layout),
            progress=progress,
        )
    if json:
        say_json(found.to_json())
        return
    say("\n".join(summarise_check(found)))
