"""The page of figures is what the benchmarks measured, and nothing else."""

import re
from pathlib import Path
from xml.etree import ElementTree

from tests.benchmarks import compass, figures
from tests.benchmarks.cost_chart import HEIGHT, WIDTH, draw_chart, read_panels
from tests.benchmarks.figures import Figure, Result
from tests.needed import skip_without

ROOT = Path(__file__).parents[1]


def a_result(command="python -m tests.benchmarks speed", value="2.15", benchmark="speed"):
    found = (Figure("images a second | 5 pairs", value, "2"),)
    return Result(benchmark, command, "0123abc", "2026-11-29", found)


def test_the_page_is_made_of_the_results_alone():
    assert (ROOT / figures.PAGE).read_text() == figures.page(figures.ORDER)
    assert (ROOT / figures.CHART).read_text() == figures.chart()
    readme = (ROOT / compass.README).read_text()
    assert readme == compass.write_figures(readme)


def test_the_chart_shows_the_cost_that_a_line_states_for_each_size():
    found = (
        Figure("next case, n 10,000; 100,000 (calm)", "0.4; 1.5 CPU ms"),
        Figure("verify, n 1000; n 4000", "2 CPU s, peak 26 MB; 6 CPU s, peak 1,239 MB; no more"),
        Figure("fitting  n   2000", "fit 6.7 CPU s, arrays 4.9 MB, peak 391 MB"),
        Figure("fitting  n   8000", "fit 29.1 CPU s, arrays 5.0 MB, peak 663 MB"),
        Figure("test, healthy or not, n 639", "AUROC 0.9911"),
        Figure("overview, n 10; 100", "5 CPU ms"),
        Figure("nothing  n  0", "peak 149 MB"),
        Figure("too short to tell, n 10; 100; 1000", "0 CPU ms; 3 CPU ms; 5 CPU ms"),
    )
    panels = read_panels([Result("store", "", "0123abc", "2026-11-29", found)])

    assert panels == {
        ("store", "CPU ms"): {
            "next case": [(10_000, 0.4), (100_000, 1.5)],
            "too short to tell": [(100, 3), (1000, 5)],
        },
        ("store", "CPU s"): {
            "verify": [(1000, 2), (4000, 6)],
            "fitting": [(2000, 6.7), (8000, 29.1)],
        },
        ("store", "MB"): {
            "verify": [(1000, 26), (4000, 1239)],
            "fitting": [(2000, 391), (8000, 663)],
        },
    }


def test_what_grows_tenfold_with_n_is_drawn_along_the_diagonal_of_a_decade():
    drawn = draw_chart({("store", "CPU s"): {"verify <all>": [(10, 1.0), (100, 10.0)]}})
    (track,) = re.findall(r'points="([^"]*)"', drawn)
    (left, low), (right, high) = (map(float, point.split(",")) for point in track.split())

    assert (right - left, low - high) == (WIDTH, HEIGHT - 40)
    assert "verify &lt;all&gt;: 1, 10 CPU s" in drawn
    ElementTree.fromstring(drawn)


def test_a_run_replaces_what_its_own_command_measured_and_nothing_else(tmp_path):
    best = a_result("python -m tests.benchmarks speed best", "3")
    for one in (a_result(value="1"), best, a_result(value="2")):
        figures.keep(one, tmp_path)

    assert figures.read(tmp_path / "speed.json") == [best, a_result(value="2")]


def test_a_row_names_what_was_asked_and_its_command_and_commit(tmp_path):
    figures.keep(a_result(), tmp_path)
    figures.keep(a_result(benchmark="accuracy"), tmp_path)
    lines = figures.page(["speed"], tmp_path).removeprefix(figures.HEAD).splitlines()

    assert [line for line in lines if line][:5] == [
        "## speed",
        "`python -m tests.benchmarks speed`, commit 0123abc, 2026-11-29",
        "| what | asked | measured |",
        "|---|---|---|",
        "| images a second \\| 5 pairs | 2 | 2.15 |",
    ]
    assert "## accuracy" in lines


def test_what_a_benchmark_prints_is_shown_and_kept_with_its_command(capsys):
    skip_without((ROOT / ".git").exists(), "This is no clone: there is no .git.")

    def main():
        print("tiles: AUROC 0.860 (sd 0.043)")
        print()
        print("a line without a colon")

    result = figures.measure("grouped", ["best"], main)

    assert capsys.readouterr().out.startswith("tiles: AUROC 0.860 (sd 0.043)\n")
    assert result.command == "python -m tests.benchmarks grouped best"
    assert result.figures == (
        Figure("tiles", "AUROC 0.860 (sd 0.043)"),
        Figure("", "a line without a colon"),
    )
    assert re.fullmatch(r"[0-9a-f]{7,}\+?", result.commit)


def test_the_changelog_holds_no_table():
    assert "\n| " not in (ROOT / "CHANGELOG.md").read_text()
