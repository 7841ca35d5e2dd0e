"""train, certify, evaluate."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from core.cli.options import (
    BundlePath,
    Folders,
    Json,
    LabelledData,
    Layout,
    LeaveOutCopies,
    Negative,
    PackName,
    PolicyId,
)
from core.cli.output import print_json, print_line, progress_bar

Escape = Annotated[float | None, typer.Option(min=0, max=1, help="Largest escape rate allowed.")]
Overkill = Annotated[
    float | None, typer.Option(min=0, max=1, help="Largest overkill rate allowed.")
]
Confidence = Annotated[
    float | None, typer.Option(help="Confidence level of each certified rate, such as 0.95.")
]
Budget = Annotated[
    str,
    typer.Option(
        help="Review budget instead of rates: 15% of the pictures, or 40/h (needs --volume)."
    ),
]
Volume = Annotated[
    float | None, typer.Option(help="Pictures an hour, for a review budget an hour.")
]
OodAlpha = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="Share of in-distribution pictures that the out-of-distribution gate may flag.",
    ),
]


class Effort(StrEnum):
    """How many configurations training compares."""

    QUICK = "quick"
    BEST = "best"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(train)
    app.command()(certify)
    app.command()(evaluate)


def train(
    pack: PackName,
    data: LabelledData,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write the bundle to.")],
    negative: Negative = None,
    backbone: Annotated[str, typer.Option(help="Network: timm name, or torchvision:NAME.")] = "",
    weights: Annotated[
        Path | None, typer.Option(help="Weights of the backbone (safetensors).")
    ] = None,
    size: Annotated[int, typer.Option(min=0, help="Input side in pixels; 0 = default.")] = 0,
    precision: Annotated[str, typer.Option(help="f32, bf16, int8, or auto.")] = "f32",
    effort: Annotated[
        Effort,
        typer.Option(help="best: also compares larger inputs and fine-tuning (slower)."),
    ] = Effort.QUICK,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the folds; the held-out cases do not depend on it.")
    ] = 0,
    start_from: Annotated[
        Path | None,
        typer.Option(help="Bundle trained elsewhere, to transfer from if that helps."),
    ] = None,
    label_column: Annotated[str, typer.Option(help="Column of the labels; default `label`.")] = "",
    pictures: Annotated[
        bool, typer.Option(help="Keep thumbnails of the training pictures in the bundle.")
    ] = True,
    population: Annotated[
        list[str] | None,
        typer.Option(help="Population it is meant for, as in age_years=18..120."),
    ] = None,
    layout: Layout = Folders.AUTO,
    leave_out_copies: LeaveOutCopies = False,
    json: Json = False,
) -> None:
    """Train a bundle on labelled pictures and certify it.

    The targets are the pack's default ones; `assay certify` sets others.
    """
    from core.labelled import Form
    from core.model.network.backbone import LITE0
    from core.service.arguments import parse_population
    from core.service.bundles.open import certify_bundle, open_bundle
    from core.service.summaries import describe_fit, list_remarks, summarise_policy
    from core.service.training.train import TrainSpec, train
    from core.settings import Settings

    settings = Settings()
    spec = TrainSpec(
        pack,
        data,
        out,
        frozenset(negative or ()),
        backbone or LITE0,
        weights,
        seed,
        precision,
        size,
        effort,
        parse_population(population or ()),
        start_from,
        label_column,
        pictures,
        Form(layout),
        leave_out_copies,
    )
    with progress_bar() as progress:
        train(spec, settings, progress, lambda line: typer.echo(line, err=json))
    bundle = open_bundle(out, settings)
    policy = certify_bundle(bundle, bundle.pack.targets, settings.home)
    remarks = list_remarks(bundle)
    if json:
        print_json(
            {
                "bundle": bundle.label,
                "policy": policy.id,
                "summary": summarise_policy(bundle.pack, policy),
                "remarks": remarks,
                "read": bundle.metadata["read"],
            }
        )
        return
    print_line(f"Bundle {bundle.label} at {out}, {describe_fit(bundle)}.")
    print_line("\n".join([*remarks, *summarise_policy(bundle.pack, policy)]))


def certify(
    bundle: BundlePath,
    escape: Escape = None,
    overkill: Overkill = None,
    confidence: Confidence = None,
    review_budget: Budget = "",
    volume: Volume = None,
    ood_alpha: OodAlpha = None,
    uncertified_negatives: Annotated[
        bool, typer.Option(help="Allow automatic negatives although no escape rate is certified.")
    ] = False,
    json: Json = False,
) -> None:
    """Certify error rates and set the thresholds for them.

    Writes a new policy into the bundle and makes it the current one.
    """
    from dataclasses import asdict

    from core.service.arguments import parse_budget, targets_from
    from core.service.bundles.attempts import attempts
    from core.service.bundles.open import certifications, certify_bundle, open_bundle
    from core.service.summaries import summarise_policy
    from core.settings import Settings

    settings = Settings()
    opened = open_bundle(bundle, settings)
    targets = targets_from(
        opened.pack.targets,
        escape=escape,
        overkill=overkill,
        confidence=confidence,
        ood_alpha=ood_alpha,
        review_budget=parse_budget(review_budget, volume),
        uncertified_negatives=uncertified_negatives,
    )
    policy = certify_bundle(opened, targets, settings.home)
    if json:
        print_json({"policy": policy.id, **asdict(policy)})
        return
    print_line(
        f"Policy {policy.id} is now the current one of {opened.label} "
        f"({max(len(certifications(opened)), attempts(settings.home, opened))} on the record)."
    )
    print_line("\n".join(summarise_policy(opened.pack, policy)))


def evaluate(
    bundle: BundlePath,
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="Labelled pictures, none of them trained on."),
    ],
    policy: PolicyId = "",
    split: Annotated[
        str,
        typer.Option(help="Split to evaluate; `test` where splits are named, else all rows."),
    ] = "",
    ood: Annotated[
        list[str] | None, typer.Option(help="Out-of-distribution pictures as NAME=FOLDER.")
    ] = None,
    leave_out_copies: LeaveOutCopies = False,
    report: Annotated[Path | None, typer.Option(help="HTML file to write the report to.")] = None,
    layout: Layout = Folders.AUTO,
    json: Json = False,
) -> None:
    """Evaluate a bundle on pictures it was not trained on.

    Pictures used in training or certification are refused.
    """
    from core.labelled import Form
    from core.service.arguments import named_folders
    from core.service.bundles.open import open_bundle, policy_of
    from core.service.evaluation.evaluate import evaluate
    from core.service.evaluation.report import refuse_unwritable, write_report
    from core.service.summaries import summarise_evaluation
    from core.settings import Settings

    if report:
        refuse_unwritable(report)
    settings = Settings()
    opened = open_bundle(bundle, settings)
    limits = policy_of(opened, policy)
    with progress_bar() as progress:
        found = evaluate(
            opened,
            data,
            policy=limits,
            settings=settings,
            split=split,
            ood=named_folders(ood or []),
            form=Form(layout),
            leave_out_copies=leave_out_copies,
            progress=progress,
        )
        if report:
            write_report(
                found,
                report,
                bundle=opened,
                policy=limits,
                settings=settings,
                command=shlex.join(["assay", *sys.argv[1:]]),
                progress=progress,
            )
    if json:
        print_json(found.figures)
        return
    print_line("\n".join(summarise_evaluation(opened, found.figures)))
    if report:
        print_line(f"Report: {report}")
