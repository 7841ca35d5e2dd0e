"""train, certify, evaluate."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from core.cli.output import progress_bar, say, say_json

Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of words.")]
BundlePath = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle's folder.")]
Escape = Annotated[float | None, typer.Option(min=0, max=1, help="Largest escape rate allowed.")]
Overkill = Annotated[
    float | None, typer.Option(min=0, max=1, help="Largest overkill rate allowed.")
]
Confidence = Annotated[
    float | None, typer.Option(help="Probability with which each rate must hold.")
]
Budget = Annotated[
    str, typer.Option(help="Instead of rates: share of pictures a person may see, 15% or 40/h.")
]
Volume = Annotated[float | None, typer.Option(help="Pictures an hour, for a budget an hour.")]
OodAlpha = Annotated[
    float | None, typer.Option(min=0, max=1, help="Share of ordinary pictures held back as novel.")
]
LeaveOut = Annotated[
    bool,
    typer.Option(
        "--leave-out-copies", help="Leave out copies of pictures met before, instead of refusing."
    ),
]


class Folders(StrEnum):
    """Which folders of a data set name the class."""

    AUTO = "auto"
    CLASS = "class"
    SPLIT_CLASS = "split/class"
    CLASS_SPLIT = "class/split"


class Effort(StrEnum):
    """How much is made of the pictures."""

    QUICK = "quick"
    BEST = "best"


Layout = Annotated[
    Folders, typer.Option("--layout", help="Which folders are classes, if that is not clear.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(train)
    app.command()(certify)
    app.command()(evaluate)


def train(
    pack: Annotated[str, typer.Argument(metavar="PACK", help="A name from `assay packs`.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder per class, CSV, manifest.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The bundle's folder.")],
    negative: Annotated[
        list[str] | None, typer.Option(help="A label that means 'nothing wrong'.")
    ] = None,
    backbone: Annotated[str, typer.Option(help="timm name, or torchvision:NAME.")] = "",
    weights: Annotated[Path | None, typer.Option(help="The backbone's safetensors file.")] = None,
    size: Annotated[int, typer.Option(min=0, help="Input side in pixels; 0 = its own.")] = 0,
    precision: Annotated[str, typer.Option(help="f32, bf16, int8, or auto.")] = "f32",
    effort: Annotated[
        Effort, typer.Option(help="best: try more than the default, keep what is better.")
    ] = Effort.QUICK,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of folds; the held-out cases do not follow it.")
    ] = 0,
    start_from: Annotated[
        Path | None, typer.Option(help="A bundle trained elsewhere, used where it helps here.")
    ] = None,
    label_column: Annotated[str, typer.Option(help="Column of the labels, if not label.")] = "",
    pictures: Annotated[
        bool, typer.Option(help="Keep thumbnails of the training pictures in the bundle.")
    ] = True,
    population: Annotated[
        list[str] | None,
        typer.Option(help="Whom it is for, as files state it: age_years=1..5."),
    ] = None,
    layout: Layout = Folders.AUTO,
    leave_out_copies: LeaveOut = False,
    json: Json = False,
) -> None:
    """Learn from labelled pictures and certify with the pack's default targets."""
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
        say_json(
            {
                "bundle": bundle.label,
                "policy": policy.id,
                "words": summarise_policy(bundle.pack, policy),
                "remarks": remarks,
                "read": bundle.words["read"],
            }
        )
        return
    say(f"Bundle {bundle.label} at {out}, {describe_fit(bundle)}.")
    say("\n".join([*remarks, *summarise_policy(bundle.pack, policy)]))


def certify(
    bundle: BundlePath,
    escape: Escape = None,
    overkill: Overkill = None,
    confidence: Confidence = None,
    review_budget: Budget = "",
    volume: Volume = None,
    ood_alpha: OodAlpha = None,
    uncertified_negatives: Annotated[
        bool, typer.Option(help="Let pictures pass although no escape rate is certified.")
    ] = False,
    json: Json = False,
) -> None:
    """Find thresholds for the rates allowed, and say what is certified."""
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
        say_json({"policy": policy.id, **asdict(policy)})
        return
    say(
        f"Policy {policy.id} is now the current one of {opened.label} "
        f"({max(len(certifications(opened)), attempts(settings.home, opened))} on the record)."
    )
    say("\n".join(summarise_policy(opened.pack, policy)))


def evaluate(
    bundle: BundlePath,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Labelled pictures not met yet.")],
    policy: Annotated[str, typer.Option(help="Id of a policy; the current one when empty.")] = "",
    split: Annotated[
        str, typer.Option(help="Rows to judge; `test` where splits are named, else all.")
    ] = "",
    ood: Annotated[
        list[str] | None, typer.Option(help="NAME=FOLDER of pictures that do not belong.")
    ] = None,
    leave_out_copies: LeaveOut = False,
    report: Annotated[Path | None, typer.Option(help="HTML file to write the report to.")] = None,
    layout: Layout = Folders.AUTO,
    json: Json = False,
) -> None:
    """Compute the figures of a bundle on pictures that it has not met."""
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
    judged_by = policy_of(opened, policy)
    with progress_bar() as progress:
        found = evaluate(
            opened,
            data,
            policy=judged_by,
            settings=settings,
            split=split,
            strangers=named_folders(ood or []),
            form=Form(layout),
            leave_out_copies=leave_out_copies,
            progress=progress,
        )
        if report:
            write_report(
                found,
                report,
                bundle=opened,
                policy=judged_by,
                settings=settings,
                command=shlex.join(["assay", *sys.argv[1:]]),
                progress=progress,
            )
    if json:
        say_json(found.figures)
        return
    say("\n".join(summarise_evaluation(opened, found.figures)))
    if report:
        say(f"Report: {report}")
