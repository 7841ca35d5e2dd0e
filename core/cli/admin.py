"""audit, bundle, data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli.options import (
    BundlePath,
    Folders,
    Json,
    LabelledData,
    Layout,
    Negative,
    PackName,
    PolicyId,
)
from core.cli.output import print_json, print_line, progress_bar

audit = typer.Typer(no_args_is_help=True, help="Audit log: check it, note its head, write it out.")
bundle = typer.Typer(no_args_is_help=True, help="Bundles (trained models): check, sign, export.")
data = typer.Typer(no_args_is_help=True, help="Data sets: list, fetch, check before training.")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(audit, name="audit")
    app.add_typer(bundle, name="bundle")
    app.add_typer(data, name="data")


@audit.command("verify")
def audit_verify(
    head: Annotated[
        list[str] | None,
        typer.Option(metavar="NUMBER:HASH", help="Head noted earlier, which the log must contain."),
    ] = None,
    heads: Annotated[Path | None, typer.Option(help="File of such heads, one a line.")] = None,
    json: Json = False,
) -> None:
    """Check the log, every row and every picture.

    Exit code 1 if anything was altered.
    """
    from core.service.anchors import read_anchors
    from core.service.audit import check
    from core.settings import Settings

    noted = [*(head or ()), *(str(one.head) for one in (read_anchors(heads) if heads else ()))]
    with progress_bar() as progress:
        report = check(Settings(), noted, progress)
    if json:
        found = {"cleared_pictures": report.cleared, "findings": list(report.faults)}
        print_json({"events": report.events, "head": report.head, **found})
    else:
        print_line(f"{report.events} events, head {report.head}.")
        if report.cleared:
            print_line(f"{report.cleared} pictures were cleared by retention.")
        print_line("\n".join(report.faults) or "Everything is as it was written.")
    if report.faults:
        raise typer.Exit(1)


@audit.command("head")
def audit_head() -> None:
    """Print the newest event as NUMBER:HASH.

    Keep it where the store's administrator cannot change it: `assay audit verify --head` then
    detects a truncated or a rewritten log.
    """
    from core.service.audit import head
    from core.settings import Settings

    print_line(head(Settings()))


@audit.command("anchor")
def audit_anchor() -> None:
    """Note the newest event at the end of ASSAY_ANCHOR_FILE.

    A worker does so every ten minutes. Keep the file where the store's keeper cannot change it.
    """
    from core.service.anchors import note_now
    from core.settings import Settings

    noted = note_now(Settings())
    print_line(f"Noted {noted}." if noted else "The newest event is noted already.")


@audit.command("export")
def audit_export(
    out: Annotated[Path, typer.Option("-o", "--out", help="JSON Lines file to write.")],
) -> None:
    """Write the audit log as JSON Lines."""
    from core.service.audit import export
    from core.settings import Settings

    count = export(out, Settings())
    print_line(f"{count} events in {out}.")


@bundle.command("verify")
def bundle_verify(
    path: BundlePath,
    key: Annotated[Path | None, typer.Option(help="Public key (PEM) of the signer.")] = None,
    json: Json = False,
) -> None:
    """Check a bundle's hashes, probe scores and signature.

    The signature is checked with --key.
    """
    from core.service.bundles.open import open_bundle
    from core.service.bundles.signing import check_signature
    from core.settings import Settings

    if key is not None:
        check_signature(path, key)
    opened = open_bundle(path, Settings())
    if json:
        print_json({"bundle": opened.label, "sha256": opened.sha256, "signed": key is not None})
        return
    signed = ", signed by the key given" if key is not None else ""
    print_line(
        f"{opened.label}: every file as it was written, probe pictures score as then{signed}."
    )


@bundle.command("sign")
def bundle_sign(
    path: BundlePath,
    key: Annotated[Path, typer.Option(help="Ed25519 private key (PEM); made if there is none.")],
) -> None:
    """Sign a bundle with a private key.

    Others can check with the public key that it is yours.
    """
    from core.service.bundles.signing import sign

    public = sign(path, key)
    print_line(f"Signed. Give {public} to those who check it.")


@bundle.command("export")
def bundle_export(
    path: BundlePath,
    to: Annotated[str, typer.Option(help="Format: onnx (a file), openvino or monai (a folder).")],
    out: Annotated[Path, typer.Option("-o", "--out", help="File or folder to write.")],
    policy: PolicyId = "",
    check: Annotated[
        Path | None,
        typer.Option(help="Own pictures to compare on as well."),
    ] = None,
    json: Json = False,
) -> None:
    """Export a bundle for another runtime.

    One graph from pixels to verdict, written only if its verdicts agree with the bundle's.
    """
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
        names = {"bundle": opened.label, "policy": limits.id, "not_carried": missing}
        print_json({**names, **asdict(agreed)})
        return
    print_line(f"{opened.label} under policy {limits.id} is in {out}.")
    print_line(
        f"The same verdicts on {agreed.compared} pictures; probabilities differ by "
        f"{agreed.apart:.1g} at most. {agreed.left_out} left out."
    )
    print_line("Not exported:")
    print_line("\n".join(f"  {what}" for what in missing))


@data.command("list")
def data_list(json: Json = False) -> None:
    """List the data sets of the packs."""
    from core.packs import installed

    sets = [(name, s) for name, pack in installed().items() for s in pack.data_sets]
    if json:
        print_json([{"pack": name, "name": s.name, "summary": s.summary} for name, s in sets])
        return
    for name, one in sets:
        print_line(f"{one.name:<12} {name:<10} {one.summary}")


@data.command("get")
def data_get(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name from `assay data list`.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to write it to.")],
) -> None:
    """Fetch or make a data set."""
    from core.model.bundle.destination import check_folder_destination
    from core.packs import data_set

    chosen = data_set(name)
    check_folder_destination(folder, frozenset())
    chosen.get(folder)
    print_line(f"{name} is in {folder}.")


@data.command("check")
def data_check(
    pack: PackName,
    path: LabelledData,
    negative: Negative = None,
    layout: Layout = Folders.AUTO,
    json: Json = False,
) -> None:
    """Check labelled pictures for leaks and shortcuts.

    Also copies, contradicting labels and classes too small to certify.
    """
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
        print_json(found.to_json())
        return
    print_line("\n".join(summarise_check(found)))
