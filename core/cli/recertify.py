"""recertify, proposals."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.options import Json
from core.cli.output import print_json, print_line, progress_bar

if TYPE_CHECKING:
    from core.people import Person
    from core.records.proposals import Proposal
    from core.service.recertify.collected import Collected

By = Annotated[str, typer.Option(help="Your name; the account's name by default.")]
Pack = Annotated[str, typer.Option(help="Name of the pack; default: the only one deployed.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(recertify)
    app.command()(proposals)


def recertify(
    product: Annotated[
        str, typer.Argument(help="Product; default: every product without its own deployment.")
    ] = "",
    pack: Pack = "",
    propose: Annotated[
        bool, typer.Option(help="Propose the policy; --no-propose only shows what is there.")
    ] = True,
    by: By = "",
    json: Json = False,
) -> None:
    """Certify the policy in force anew on reviewed cases, and propose it.

    Nothing changes until somebody else releases it.
    """
    from core.cli.deploy import only_pack
    from core.service.bundles.archive import policy_on_shelf, take
    from core.service.recertify.collect import collect
    from core.service.recertify.in_force import in_force
    from core.service.recertify.recertify import propose_recertified
    from core.service.recertify.recertify import recertify as certify_anew
    from core.service.store import open_store
    from core.settings import Settings

    settings = Settings()
    with open_store(settings) as store:
        used = in_force(store, pack or only_pack(store), product)
        bundle = take(used.bundle_sha256, settings)
        if not propose:
            _show_counted(collect(store, settings, bundle, product), json=json)
            return
        before = policy_on_shelf(bundle, used.policy_id, settings)
        with progress_bar() as step:
            made = certify_anew(store, settings, bundle, before.targets, product, step=step)
        proposed = propose_recertified(
            store, settings, bundle, before, made, product, by=_person(by)
        )
    _show([proposed], json=json)


def _show_counted(found: Collected, *, json: bool) -> None:
    counts = {
        "counted": len(found.counted),
        "complete": found.complete,
        "next": found.look.following.size,
        "waiting": len(found.waiting),
        "uncompared": found.uncompared,
        "copies": found.copies,
        "disputed": list(found.disputed),
        "unsearched": found.unsearched,
        "unsuitable": found.unsuitable,
        "train": len(found.train),
    }
    if json:
        print_json(counts)
    else:
        counted = f"{counts['counted']} reviewed cases count."
        words = [found.refusal] if found.refusal else [counted, found.dispute]
        print_line(" ".join(filter(None, [*words, found.limit])))


def proposals(
    pack: Annotated[str, typer.Option(help="Of this pack only.")] = "",
    product: Annotated[str | None, typer.Option(help="Of this product only.")] = None,
    release: Annotated[str, typer.Option(help="Number of the proposal to release.")] = "",
    reject: Annotated[str, typer.Option(help="Number of the proposal to reject.")] = "",
    comment: Annotated[str, typer.Option(help="What is to be read with the decision.")] = "",
    confirm: Annotated[
        str, typer.Option(help="Id of the policy, typed by one person who proposed it too.")
    ] = "",
    by: By = "",
    json: Json = False,
) -> None:
    """List the policies proposed, or release or reject one.

    Running workers, stations and nodes follow a release within two seconds.
    """
    from core.records.proposals import list_proposals, proposal_of
    from core.service.recertify import proposals as use_cases
    from core.service.store import open_store
    from core.settings import Settings

    settings = Settings()
    with open_store(settings) as store:
        if not (release or reject):
            _show(list_proposals(store, pack, product), json=json)
            return
        chosen = proposal_of(store, release or reject)
        if reject:
            use_cases.reject(store, chosen, by=_person(by), comment=comment)
        else:
            use_cases.release(
                store, settings, chosen, by=_person(by), comment=comment, confirmation=confirm
            )
        _show([proposal_of(store, chosen.id)], json=json)


def _person(name: str) -> Person:
    from core.people import Person

    return Person.alone(name or getpass.getuser())


def _show(listed: list[Proposal], *, json: bool) -> None:
    if json:
        print_json({"proposals": [_line(one) for one in listed]})
        return
    if not listed:
        print_line("Nothing is proposed. `assay recertify` proposes a policy on reviewed cases.")
    for one in listed:
        flips = one.evidence.get("flips", {})
        print_line(
            f"{one.number:>4} {one.pack} {one.product or '(any other product)'}: policy "
            f"{one.policy_id} instead of {one.before}, {flips.get('total', 0)} of "
            f"{flips.get('cases', 0)} past verdicts would change, by {one.proposed_by}, "
            f"{one.outcome.value}" + (f" by {one.decided_by}" if one.decided_by else "")
        )


def _line(one: Proposal) -> dict[str, Any]:
    return {
        "number": one.number,
        "id": one.id,
        "pack": one.pack,
        "product": one.product,
        "bundle": one.bundle,
        "policy": one.policy_id,
        "before": one.before,
        "evidence": dict(one.evidence),
        "by": one.proposed_by,
        "at": one.proposed_at.isoformat(),
        "outcome": one.outcome.value,
        "decided_by": one.decided_by,
        "comment": one.comment,
    }
