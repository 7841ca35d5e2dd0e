"""The few figures that README shows, as they were measured last."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.figures import RESULTS, make_row, read

README = Path("README.md")
EDGES = ("<!-- figures -->\n", "<!-- end of figures -->\n")
COMPASS = (
    ("accuracy", "ELPV AUROC"),
    ("site2", "site 1 test"),
    ("crops", "test, healthy or not"),
    ("guarantee", "500 grouped recalibrations"),
    ("guarantee", "without a person"),
    ("near", "FPR95 on far"),
    ("benign", "held by any gate on harmless steps"),
    ("monitor", "false alarms of the whole state"),
    ("speed", "300x300 assay f32 / yolo11n-cls torch"),
    ("speed", "1280x960 assay f32 / yolo11n-cls torch"),
    ("start", "assess of one picture to the end"),
    ("memory", "evaluate, n"),
    ("store", "next case"),
)  # benchmark, and how the line begins that README shows of it


def write_figures(text: str, folder: Path = RESULTS) -> str:
    """Return the text of README with these figures as they were measured last.

    Raises:
        ValueError: A figure that README shows is not among the results.
    """
    head, rest = text.split(EDGES[0])
    end = rest.split(EDGES[1])[1]
    rows = [make_row(("what", "measured")), "|---|---|"]
    for benchmark, begin in COMPASS:
        figures = [one for made in read(folder / f"{benchmark}.json") for one in made.figures]
        found = next((one for one in reversed(figures) if one.what.startswith(begin)), None)
        if not found:
            raise ValueError(f"{benchmark}: expected a figure that begins with {begin!r}, got none")
        rows.append(make_row((found.what, found.value)))
    return "".join((head, EDGES[0], "\n".join(rows), "\n", EDGES[1], end))
