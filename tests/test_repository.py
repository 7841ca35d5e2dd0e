"""What the repository promises about itself: its root, its packages, its checks."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.needed import skip_without

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TOP = {
    "core", "domains", "dashboard", "tests", "data", "pyproject.toml", "README.md", "Makefile",
    "LICENSE", "CHANGELOG.md", ".github", ".pre-commit-config.yaml", ".ci", ".constraints.txt",
    ".dockerignore", ".gitignore",
}  # fmt: skip


@pytest.fixture(scope="module")
def tracked():
    skip_without((ROOT / ".git").exists(), "This is no clone: there is no .git.")
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_nothing_else_stands_at_the_root(tracked):
    assert {name.split("/")[0] for name in tracked} == TOP


def test_every_package_says_that_it_is_typed_and_is_checked_as_a_whole(tracked):
    packages = {"core", "domains", "dashboard"}
    assert {f"{one}/py.typed" for one in packages} <= set(tracked)
    assert packages <= set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert set(PROJECT["tool"]["mypy"]["packages"]) == packages
    assert PROJECT["tool"]["mypy"]["strict"] is True


def test_a_bundle_that_ships_names_no_place_of_the_machine_that_made_it(tracked):
    described = [name for name in tracked if re.match(r"data/bundles/.*\.json$", name)]
    assert len(described) >= 4
    for name in described:
        found = re.findall(r'"/[^"\s]+/[^"]*"', (ROOT / name).read_text())
        assert found == [], name


def test_ci_has_one_list_of_steps():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step][-1] == ".ci/run"
    assert job["container"]["image"].startswith("python:3.11")


def test_the_hooks_before_a_commit_are_the_checks_of_make(tracked):
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    tools = {hook["entry"].removeprefix(".venv/bin/").split(" --")[0] for hook in hooks}
    recipe = re.search(r"^check: dev\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)[1]
    checks = {line.strip().removeprefix("$(BIN)/").split(" --")[0] for line in recipe.splitlines()}
    assert tools == checks


def test_every_target_of_make_is_documented_for_contributors_or_users():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    text = (ROOT / "README.md").read_text() + (ROOT / ".github/CONTRIBUTING.md").read_text()
    missing = {one for one in targets if f"make {one}" not in text}
    assert missing <= {"setup", "clean"}


def test_the_pins_fit_the_bounds():
    from packaging.requirements import Requirement

    pins = dict(
        line.lower().replace("_", "-").split("==")
        for line in (ROOT / ".constraints.txt").read_text().splitlines()
        if "==" in line
    )
    extra = [one for many in PROJECT["project"]["optional-dependencies"].values() for one in many]
    wanted = [*PROJECT["project"]["dependencies"], *extra, *PROJECT["dependency-groups"]["dev"]]
    broken = [
        str(one)
        for one in map(Requirement, wanted)
        if not one.specifier.contains(pins[one.name.lower().replace("_", "-")])
    ]
    assert broken == []


@pytest.mark.parametrize("name", ["pynetdicom", "uvicorn", "streamlit", "torch", "onnxruntime"])
def test_what_is_used_beyond_its_stable_interface_is_bounded_above(name):
    (wanted,) = [
        one for one in PROJECT["project"]["dependencies"] if re.match(rf"{name}\b[^-]", one)
    ]
    assert "<" in wanted
