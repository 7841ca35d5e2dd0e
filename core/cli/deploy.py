"""deploy, deployments."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.options import BundlePath, Json, PolicyId
from core.cli.output import print_json, print_line

if TYPE_CHECKING:
    from pathlib import Path

    from core.people import Person
    from core.records.connection import Store
    from core.records.deployment import Deployment, Stage

By = Annotated[str, typer.Option(help="Who deploys it; the account's name by default.")]
Second = Annotated[
    str,
    typer.Option(help="Who else agreed: kept as a typed name, refused where people sign in."),
]
Product = Annotated[
    str, typer.Option(help="Part number, site or region; default: every product without its own.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(deploy)
    app.command()(deployments)


def deploy(
    bundle: BundlePath,
    product: Product = "",
    policy: PolicyId = "",
    by: By = "",
    second: Second = "",
    stage: Annotated[
        str, typer.Option(help="Stage of autonomy: audit, shadow or supervised.")
    ] = "",
    audit: Annotated[
        float, typer.Option(help="Share of automatic negatives drawn at random for review.")
    ] = 0.02,
    propose: Annotated[
        bool,
        typer.Option("--propose", help="Change nothing until another lead releases it."),
    ] = False,
    json: Json = False,
) -> None:
    """Deploy a bundle for a product, or propose it.

    Running workers use it within two seconds.
    """
    from core.people import Person
    from core.service.bundles.deployments import Signed, deploy_bundle
    from core.service.store import open_store
    from core.settings import Settings

    settings, person = Settings(), Person.alone(by or getpass.getuser())
    if propose:
        _propose(bundle, product, policy, person, json=json)
        return
    with open_store(settings) as store:
        made = deploy_bundle(
            bundle,
            store,
            settings,
            product=product,
            signed=Signed(person, second),
            policy_id=policy,
            stage=_stage(stage) if stage else None,
            audit_share=audit,
        )
    _show([made], json=json)


def deployments(
    pack: Annotated[str, typer.Option(help="Of this pack only.")] = "",
    product: Annotated[str | None, typer.Option(help="Of this product only.")] = None,
    history: Annotated[bool, typer.Option("--history", help="List earlier ones as well.")] = False,
    take_back: Annotated[
        bool,
        typer.Option("--take-back", help="Roll back --pack and --product to the one before."),
    ] = False,
    to: Annotated[
        int, typer.Option(help="With --take-back: number of the deployment to return to.")
    ] = 0,
    by: By = "",
    second: Second = "",
    json: Json = False,
) -> None:
    """List the deployments in force, or roll one back.

    --take-back returns to the deployment before.
    """
    from core.people import Person
    from core.service.bundles.deployments import Signed, return_to
    from core.service.store import open_store
    from core.settings import Settings

    settings = Settings()
    with open_store(settings) as store:
        if not take_back:
            listed = _chosen(store, pack, product, history=history)
        else:
            listed = [
                return_to(
                    store,
                    settings,
                    pack or only_pack(store),
                    product or "",
                    signed=Signed(Person.alone(by or getpass.getuser()), second),
                    number=to or None,
                )
            ]
    _show(listed, json=json)


def _chosen(store: Store, pack: str, product: str | None, *, history: bool) -> list[Deployment]:
    from core.records import deployments as records

    chosen = {
        key: one
        for key, one in records.all_in_force(store).items()
        if pack in ("", key[0]) and product in (None, key[1])
    }
    return [
        one
        for key, newest in sorted(chosen.items())
        for one in (records.history(store, *key) if history else [newest])
    ]


def only_pack(store: Store) -> str:
    """Return the pack that has deployments.

    Raises:
        ConfigError: None has, or several have.
    """
    from core.errors import ConfigError
    from core.records.deployments import all_in_force

    packs = sorted({pack for pack, _ in all_in_force(store)})
    if len(packs) != 1:
        raise ConfigError(
            f"Deployments of {', '.join(packs) or 'no pack'} are on record; expected one pack.",
            hint="Name it with --pack.",
        )
    return packs[0]


def _propose(bundle: Path, product: str, policy: str, by: Person, *, json: bool) -> None:
    from core.service.recertify.proposals import propose_bundle
    from core.service.store import open_store
    from core.settings import Settings

    settings = Settings()
    with open_store(settings) as store:
        made = propose_bundle(store, settings, bundle, product, by=by, policy_id=policy)
    if json:
        print_json({"proposals": [{"number": made.number, "policy": made.policy_id}]})
        return
    print_line(
        f"Proposed as number {made.number}: {made.bundle}, policy {made.policy_id}. Nothing has "
        "changed; another lead releases it on the page Policies."
    )


def _stage(name: str) -> Stage:
    from core.errors import ConfigError
    from core.records.deployment import Stage

    try:
        return Stage(name)
    except ValueError:
        raise ConfigError(
            f"There is no stage {name!r}; stages are: {', '.join(Stage)}.", hint="Name one of them."
        ) from None


def _show(listed: list[Deployment], *, json: bool) -> None:
    if json:
        print_json({"deployments": [_line(one) for one in listed]})
        return
    if not listed:
        print_line("Nothing is deployed. `assay deploy BUNDLE --product PRODUCT` deploys a bundle.")
    for one in listed:
        names = f"{one.deployed_by} and {one.second_person}".removesuffix(" and ")
        names += " (typed name)" if one.is_second_typed else ""
        at = f"{one.deployed_at.astimezone():%Y-%m-%d %H:%M}"
        print_line(
            f"{one.number:>4} {one.pack} {one.product or '(any other product)'}: {one.bundle}, "
            f"policy {one.policy_id}, stage {one.stage.value}, by {names}, {at}"
        )


def _line(one: Deployment) -> dict[str, object]:
    return {
        "number": one.number,
        "pack": one.pack,
        "product": one.product,
        "bundle": one.bundle,
        "bundle_sha256": one.bundle_sha256,
        "policy": one.policy_id,
        "stage": one.stage.value,
        "audit_share": one.audit_share,
        "by": one.deployed_by,
        "second": one.second_person,
        "second_typed": one.is_second_typed,
        "evidence": dict(one.evidence),
        "supersedes": one.supersedes,
        "at": one.deployed_at.isoformat(),
    }
