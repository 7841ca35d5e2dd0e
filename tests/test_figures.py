"""The page of figures is what the benchmarks measured, and nothing else."""

import re
from pathlib import Path

from tests.benchmarks import figures
from tests.benchmarks.figures import Figure, Result
from tests.needed import skip_without

ROOT = Path(__file__).parents[1]


def a_result(command="python -m tests.benchmarks speed", value="2.15", benchmark="speed"):
    found = (Figure("images a second | 5 pairs", value, "2"),)
    return Result(benchmark, command, "0123abc", "2026-11-29", found)


def test_the_page_is_made_of_the_results_alone():
    assert (ROOT / figures.PAGE).read_text() == figures.page(figures.ORDER)


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
