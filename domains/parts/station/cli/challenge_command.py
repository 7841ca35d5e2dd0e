"""What `assay parts station challenge` does."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from core.cli.output import print_json, print_line
from core.errors import ConfigError
from core.records import pack_rows
from core.records.connection import Store
from core.records.pack_rows import PackRow
from core.service.store import open_store
from core.settings import Settings
from domains.parts.station.board.commands import CommandName, answer_to, send_command
from domains.parts.station.challenge.challenge import describe_proof
from domains.parts.station.challenge.interlock import CHALLENGE
from domains.parts.station.challenge.reference_parts import score_drifts
from domains.parts.station.recipe import Recipe, StationFile, read_station
from domains.parts.station.records.parts import PACK
from domains.parts.station.user import StationRole, StationUser

ANSWER_S = 6.0


def run_challenge(file: Path, *, begin: bool, release: str, by: str, json: bool) -> None:
    """Show where the challenges of a station stand; begin one, or release a failed one.

    Args:
        file: The station file.
        begin: Whether the running station is asked for a challenge.
        release: Why a failed one is released; empty to release none.
        by: Who asks; the account's name when empty.
        json: Whether one JSON object a recipe is written.

    Raises:
        ConfigError: Begin and release are asked for together, or no recipe lists reference parts.
        AssayError: The station does not do it, or the database failed.
    """
    if begin and release:
        raise ConfigError("Expected --begin or --release, got both.", hint="Release first.")
    station = read_station(file)
    recipes = [recipe for recipe in station.recipes if recipe.challenge is not None]
    if not recipes:
        raise ConfigError(
            f"No recipe of {file} lists reference parts.",
            hint="Add [recipes.challenge] with three good and three bad ones.",
        )
    with open_store(Settings()) as store:
        if begin or release:
            _ask(store, station, release, by or getpass.getuser())
        for recipe in recipes:
            _show(store, station, recipe, json=json)


def _ask(store: Store, station: StationFile, release: str, by: str) -> None:
    name = CommandName.RELEASE if release else CommandName.CHALLENGE
    person = StationUser(by, StationRole.LEAD if release else StationRole.OPERATOR)
    sent = send_command(store, station.name, name, argument=release, by=person)
    if not release:
        # Its answer comes when the challenge ends.
        print_line("Asked: show the reference parts that the board names.")
        return
    deadline = monotonic() + ANSWER_S
    while (answer := answer_to(store, station.name, sent.number)) is None:
        if monotonic() > deadline:
            raise ConfigError(
                f"The station {station.name} does not answer.", hint="Start it, and ask again."
            )
        sleep(0.1)
    if not answer.is_done:
        raise ConfigError(f"The station did not release the challenge: {answer.sentence}")


def _show(store: Store, station: StationFile, recipe: Recipe, *, json: bool) -> None:
    options = recipe.challenge
    if options is None:
        return
    ended = [
        row
        for row in pack_rows.rows_of(store, PACK, CHALLENGE, station.name)
        if row.body.get("setup", {}).get("recipe") == recipe.number
    ]
    drifts = score_drifts(store, station.name, options)
    if json:
        print_json(
            {
                "recipe": recipe.number,
                "product": recipe.product,
                "last": _described(ended[0]) if ended else None,
                "score_drift": {k: asdict(v) if v else None for k, v in drifts.items()},
            }
        )
        return
    print_line(f"Recipe {recipe.number} ({recipe.product}): {_sentence(ended)}")
    for name, drift in drifts.items():
        if drift is not None and drift.is_warning:
            print_line(f"  {name}: its score has moved by {drift.sigmas:+.1f} σ; replace the part.")


def _described(row: PackRow) -> dict[str, Any]:
    return {"state": row.outcome, "at": row.at.isoformat(), **row.body}


def _sentence(ended: list[PackRow]) -> str:
    if not ended:
        return "the reference parts were never shown."
    newest = ended[0]
    proof = describe_proof(newest.body["rejected_bad"]) if newest.outcome == "passed" else ""
    return f"{newest.outcome} at {newest.at:%Y-%m-%d %H:%M} UTC. {proof}".rstrip()
