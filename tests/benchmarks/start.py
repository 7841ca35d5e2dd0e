"""What a command costs before its work begins: CPU seconds of a process with its decoders.

The bundle of drawn plates and its home are those of `memory`, the network exported before.
"""

from __future__ import annotations

import statistics

from tests.benchmarks.memory import ASSAY, HOME_OF_PLATES, draw_pictures, make_bundle, run_alone

REPEATS = 7


def main() -> None:
    """Print the CPU seconds of `--help` and of one picture's verdict."""
    bundle, home = make_bundle(), HOME_OF_PLATES / "home"
    picture = next(draw_pictures(HOME_OF_PLATES / "pictures", 2).rglob("*.jpg"))
    for name, command in (
        ("--help", [ASSAY, "--help"]),
        ("assess of one picture", [ASSAY, "assess", bundle, picture]),
        ("assess of one picture without a store", [ASSAY, "assess", bundle, picture, "--no-store"]),
    ):
        run_alone(command, home)
        runs = [run_alone(command, home) for _ in range(REPEATS)]
        spent = [run.cpu_s for run in runs]
        print(
            f"{name}: CPU {statistics.median(spent):.2f} s ({min(spent):.2f} to {max(spent):.2f}), "
            f"peak {max(run.largest_kb for run in runs) / 1024:.0f} MB, {REPEATS} runs",
            flush=True,
        )
