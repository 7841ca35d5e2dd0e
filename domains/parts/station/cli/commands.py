"""`assay parts station`: run a line-side station, and what belongs to it."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.output import print_json, print_line
from domains.parts.station.cli.msa_command import msa
from domains.parts.station.cli.spc_command import export

if TYPE_CHECKING:
    from types import FrameType

    from domains.parts.station.part import InspectedPart

app = typer.Typer(no_args_is_help=True, help="Run a line-side station: trigger, verdict, output.")

app.command()(msa)
app.command()(export)

StationPath = Annotated[
    Path, typer.Argument(metavar="STATION.TOML", help="The station file; `example` prints one.")
]
Json = Annotated[bool, typer.Option("--json", help="Write one JSON object a line.")]


@app.command()
def run(
    file: StationPath,
    recipe: Annotated[
        int | None, typer.Option(help="Number of the recipe to begin with; else the first.")
    ] = None,
    parts: Annotated[
        int, typer.Option(min=0, help="End after so many parts; 0 runs until stopped.")
    ] = 0,
    json: Json = False,
) -> None:
    """Inspect part after part until stopped, and print each result.

    Everything it needs stands in the station file. Nothing passes that is not on record, and what
    is not judged in time fails. What the station has lost, such as a camera, is a line of its own
    whenever it changes; with --json it has no id.
    """
    from core.errors import ConfigError
    from core.logs import confined
    from core.settings import Settings
    from domains.parts.station.cli.terminal import Terminal
    from domains.parts.station.line.station import run_station
    from domains.parts.station.recipe import read_station

    station = read_station(file)
    stop = Flag()
    _stop_on_signals(stop)
    shown = 0

    with confined(), Terminal() as terminal:

        def show(part: InspectedPart) -> None:
            nonlocal shown
            shown += 1
            terminal.add(partial(_print_part, station.name, part, json=json))
            if shown == parts:
                stop.set()

        def show_problems(problems: Sequence[str]) -> None:
            terminal.add(partial(_print_problems, station.name, problems, json=json))

        try:
            run_station(
                station,
                Settings(),
                stop=stop,
                recipe=recipe,
                on_part=show,
                on_problems=show_problems,
            )
        except ConfigError as exc:
            # Its text is of the station file and the home folder alone; the log has its type.
            show_problems([f"{exc.message} {exc.hint}".strip()])
            raise


@app.command()
def registers(json: Json = False) -> None:
    """Print the register table as CSV, or as JSON."""
    import csv

    from domains.parts.station.plc.register_pages import registers_csv

    table = registers_csv()
    if json:
        for row in csv.DictReader(table.splitlines()):
            print_json(row)
    else:
        typer.echo(table, nl=False)


@app.command()
def example() -> None:
    """Print a station file to begin with."""
    from domains.parts.station.example import EXAMPLE

    typer.echo(EXAMPLE, nl=False)


@app.command()
def check(file: StationPath, json: Json = False) -> None:
    """Read a station file and say what is wrong with it, all at once."""
    from domains.parts.station.recipe import read_station

    station = read_station(file)
    if json:
        print_json(station.model_dump(mode="json"))
    else:
        recipes = ", ".join(f"{one.number} ({one.product})" for one in station.recipes)
        print_line(f"Station {station.name}: {file} can be used. Recipes: {recipes}.")


@app.command()
def faults(
    count: Annotated[int, typer.Option(min=1, help="About how many faults to inject.")] = 500,
    deadline_ms: Annotated[
        int, typer.Option(min=20, help="Deadline of the station that they are injected into.")
    ] = 150,
    json: Json = False,
) -> None:
    """Inject faults into a whole station on drawn plates, and print what a PLC saw of them.

    The station is real but for its camera and its PLC, and lies in a folder of its own. Ends with
    exit code 1 where a fault ended in PASS or was not answered.
    """
    from domains.parts.station.faults.command import run_faults

    if not run_faults(count, deadline_ms, json=json):
        raise typer.Exit(1)


@app.command()
def challenge(
    file: StationPath,
    begin: Annotated[bool, typer.Option("--begin", help="Ask the station for one.")] = False,
    release: Annotated[
        str, typer.Option(metavar="REASON", help="Release a failed one, as a lead.")
    ] = "",
    by: Annotated[str, typer.Option(help="Who asks or releases; the account's name.")] = "",
    json: Json = False,
) -> None:
    """Show where the challenge of each recipe stands; begin one, or release a failed one."""
    from domains.parts.station.cli.challenge_command import run_challenge

    run_challenge(file, begin=begin, release=release, by=by, json=json)


@app.command()
def learn(
    file: StationPath,
    recipe: Annotated[
        int | None, typer.Option(help="Number of the recipe; else the first.")
    ] = None,
    parts: Annotated[int, typer.Option(min=1, help="How many good parts to capture.")] = 20,
    defect: Annotated[
        str, typer.Option(metavar="NAME", help="The pictures show this defect, not good parts.")
    ] = "",
    folder: Annotated[
        Path | None, typer.Option("--from", help="Folder of pictures instead of the cameras.")
    ] = None,
    last: Annotated[
        int, typer.Option(min=0, help="The station's last parts instead of the cameras.")
    ] = 0,
    part: Annotated[
        list[int] | None, typer.Option(help="A part on record by its number; repeat it for others.")
    ] = None,
    accept_all: Annotated[
        bool, typer.Option("--accept-all", help="Learn parts that look odd too.")
    ] = False,
    leave_out: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A part not to learn; repeat it.")
    ] = None,
    wait: Annotated[
        float, typer.Option(min=1, help="Seconds without a part after which capturing ends.")
    ] = 300.0,
    by: Annotated[str, typer.Option(help="Who answers for it; the account's name.")] = "",
    json: Json = False,
) -> None:
    """Learn a product from good parts, or a defect from pictures of it, and deploy what is learned.

    Good parts are captured by the recipe's own cameras and trigger, unless --from, --last or --part
    say where they are. Those that look odd are shown first; exit code 1 where they wait for
    --accept-all or --leave-out.
    """
    import getpass

    from domains.parts.station.cli.learn_command import run_learn
    from domains.parts.station.learning.options import LearnOptions

    options = LearnOptions(
        recipe,
        parts,
        wait,
        defect,
        folder,
        last,
        tuple(part or ()),
        accept_all,
        tuple(leave_out or ()),
        by or getpass.getuser(),
    )
    if not run_learn(file, options, json=json):
        raise typer.Exit(1)


def _stop_on_signals(stop: Flag) -> None:
    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, end)


def _print_part(station: str, part: InspectedPart, *, json: bool) -> None:
    from domains.parts.station.message import message_of

    if json:
        print_json(message_of(station, part))
    else:
        reasons = " ".join(reason.name for reason in part.reasons)
        print_line(
            f"{part.trigger.number:>7}  {part.result:<4}  {part.part_id or '-':<16}  "
            f"{part.elapsed_us / 1000:6.1f} ms  {reasons}".rstrip()
        )


def _print_problems(station: str, problems: Sequence[str], *, json: bool) -> None:
    if json:
        print_json({"station": station, "problems": list(problems)})
    else:
        for problem in problems or ["Nothing is lost any more."]:
            print_line(f"         {problem}")
