"""The command line as a person uses it: real processes, real files, real exit codes."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pytest
from PIL import Image

from core.cli.output import finite
from core.types import Disposition
from tests.commands import ASSAY, run_assay
from tests.forked import fork_assay

KEYS = {
    "schema", "file", "sha256", "case", "pack", "bundle", "policy", "disposition", "wording",
    "label", "probabilities", "positive_probability", "ood", "reasons", "message", "certificate",
    "timing_ms",
}  # fmt: skip
FIGURES = {
    "n", "auroc", "accuracy", "balanced_accuracy", "ece", "ece_floor", "brier", "nll", "escape",
    "overkill", "deferred", "automation", "ood", "by",
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tiny_product, tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    settings = tiny_product.settings_at(folder / "store")

    return partial(fork_assay, home=settings.home)


@pytest.fixture(scope="module")
def run_anew(run):
    """Run a command in a process that imports everything itself."""
    return partial(run_assay, home=run.keywords["home"])


@pytest.fixture
def home(tiny_product, tmp_path):
    return tiny_product.settings_at(tmp_path / "own").home


@pytest.fixture(scope="module")
def bundle(tiny_product, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own") / "plates"
    shutil.copytree(tiny_product.bundle, folder)
    return folder


@pytest.fixture(scope="module")
def lines(run_anew, bundle, tiny_product):
    files = tiny_product.pictures("test")
    out = run_anew("assess", bundle, *files, "--json").stdout
    return [json.loads(line) for line in out.splitlines()]


def test_the_program_says_its_version_without_a_command(run):
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"assay {version('assay-inspection')}\n")


def test_assess_writes_one_complete_object_a_picture_in_order(lines, tiny_product):
    assert [line["file"] for line in lines] == [str(f) for f in tiny_product.pictures("test")]
    for line in lines:
        assert set(line) >= KEYS
        assert line["schema"] == "assay.assessment/1"
        assert line["disposition"] in set(Disposition)
        assert sum(line["probabilities"].values()) == pytest.approx(1.0)
        assert line["positive_probability"] == line["probabilities"]["scratched"]
        assert set(line["ood"]) == {"p_value", "in_distribution"}
        for side in ("escape", "overkill"):
            printed = line["certificate"][side]
            assert set(printed) >= {"alpha", "bound", "confidence", "n", "k", "certified"}
        assert set(line["timing_ms"]) == {"decode", "infer", "total"}


def test_what_was_not_read_is_counted_in_the_json(run, bundle, tiny_product, tmp_path):
    shutil.copy(tiny_product.pictures("test")[0], tmp_path / "1.png")
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "thumbs").mkdir()
    out = run("assess", bundle, tmp_path, "--json", "--no-store").stdout
    first, last = map(json.loads, out.splitlines())
    assert first["schema"] == "assay.assessment/1"
    assert last == {
        "schema": "assay.skipped/1",
        "others": {"count": 1, "first": [str(tmp_path / "notes.txt")]},
        "system": {"count": 1, "first": [str(tmp_path / "thumbs")]},
    }


def test_a_further_picture_in_a_file_is_named_and_two_files_joined_are_not_judged(
    run, bundle, tiny_product, tmp_path
):
    first, second = (Image.open(one).convert("L") for one in tiny_product.pictures("test")[:2])
    first.save(tmp_path / "1 two views.jpg", "MPO", save_all=True, append_images=[second])
    first.save(tmp_path / "2 one.jpg", quality=95)
    (tmp_path / "3 joined.jpg").write_bytes((tmp_path / "2 one.jpg").read_bytes() * 2)
    out = run("assess", bundle, tmp_path, "--json", "--no-store").stdout
    two, one, joined = map(json.loads, out.splitlines())
    assert [two["further_picture"], one["further_picture"]] == [True, False]
    assert two["probabilities"]
    assert one["probabilities"]
    assert (joined["disposition"], joined["reasons"]) == ("defer", ["UNREADABLE"])
    assert "two pictures, one behind the other" in joined["message"]
    printed = run("assess", bundle, tmp_path, "--no-store").stdout.splitlines()
    named = ["A further picture in the file was not looked at." in line for line in printed]
    assert named == [True, False, False]


def test_labels_in_other_letters_are_the_bundles_and_the_layout_is_printed(
    run, bundle, tiny_product, tmp_path
):
    for label, written in (("good", "Good"), ("scratched", "SCRATCHED")):
        (tmp_path / "test" / written).mkdir(parents=True)
        for file in tiny_product.pictures("test", label):
            shutil.copy(file, tmp_path / "test" / written)
    printed = run("evaluate", bundle, tmp_path).stdout
    assert "Read as split/class folders" in printed
    assert "SCRATCHED" in printed
    assert "AUROC" in printed


def test_assessing_the_same_pictures_again_gives_the_same_decisions(run, bundle, lines):
    files = [line["file"] for line in lines[:5]]
    again = run("assess", bundle, *files, "--json").stdout.splitlines()
    assert [json.loads(line)["decision"] for line in again] == [x["decision"] for x in lines[:5]]
    events = json.loads(run("audit", "verify", "--json").stdout)["events"]
    run("assess", bundle, *files, "--json")
    assert json.loads(run("audit", "verify", "--json").stdout)["events"] == events


def test_a_recorded_verdict_replays_to_the_last_bit(run, lines):
    for line in (lines[0], lines[-1]):
        report = json.loads(run("replay", line["decision"], "--json").stdout)
        assert report == {"decision": line["decision"], "equal": True, "differences": []}


def test_an_edited_row_no_longer_replays_and_the_audit_names_it(run, bundle, lines, home):
    import sqlite3

    run("assess", bundle, lines[0]["file"], home=home)
    with sqlite3.connect(home / "assay.sqlite") as base:
        base.execute("UPDATE decisions SET disposition = 'negative', ood_score = ood_score + 1")
    base.close()
    report = json.loads(run("replay", lines[0]["decision"], "--json", home=home, code=1).stdout)
    assert any(line.startswith("ood_score") for line in report["differences"])
    findings = json.loads(run("audit", "verify", "--json", home=home, code=1).stdout)["findings"]
    assert any(lines[0]["decision"] in finding for finding in findings)


def test_an_altered_picture_is_named_by_the_audit(run, bundle, lines, home):
    run("assess", bundle, lines[0]["file"], home=home)
    (blob,) = [p for p in (home / "blobs").rglob("*") if p.name == lines[0]["sha256"]]
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-1] + b"?")
    findings = json.loads(run("audit", "verify", "--json", home=home, code=1).stdout)["findings"]
    assert f"picture altered: {lines[0]['sha256']}" in findings
    printed = run("replay", lines[0]["decision"], home=home, code=1).stderr
    assert "altered" in printed


def test_evaluate_gives_every_figure_and_refuses_pictures_it_has_met(
    run_anew, bundle, tiny_product
):
    figures = json.loads(run_anew("evaluate", bundle, tiny_product.data, "--json").stdout)
    assert set(figures) >= FIGURES
    assert figures["n"] == len(tiny_product.pictures("test"))
    assert figures["auroc"] > 0.9
    assert set(figures["escape"]) >= {"rate", "low", "high", "n"}
    assert figures["escape"]["n"] == figures["n"] // 4


def test_evaluate_refuses_groups_that_were_in_train(run, bundle, tiny_product, tmp_path):
    data = tmp_path / "plates"
    shutil.copytree(tiny_product.data, data)
    with (data / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["split"] = {"train": "test", "test": "train"}.get(row["split"], row["split"])
    with (data / "manifest.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    printed = run("evaluate", bundle, data, code=1).stderr
    assert "were in the bundle's training or cal data" in printed


def test_ood_pictures_are_measured_beside_the_own_pictures(run, bundle, tiny_product, tmp_path):
    from PIL import Image
    from skimage import data

    for name in ("coffee", "chelsea", "astronaut", "rocket"):
        Image.fromarray(getattr(data, name)()).save(tmp_path / f"{name}.png")
    out = run("evaluate", bundle, tiny_product.data, "--ood", f"photos={tmp_path}", "--json").stdout
    gate = json.loads(out)["ood"]["photos"]
    assert gate["n"] == 4
    assert gate["auroc"] == 1.0


def test_certify_makes_a_new_current_policy_and_an_old_one_can_be_named(run, bundle, lines):
    old = lines[0]["policy"]
    printed = json.loads(run("certify", bundle, "--escape", 0.19, "--json").stdout)
    assert printed["escape"]["alpha"] == 0.19
    file = lines[0]["file"]
    now = json.loads(run("assess", bundle, file, "--no-store", "--json").stdout)
    then = json.loads(run("assess", bundle, file, "--no-store", "--json", "--policy", old).stdout)
    assert (now["policy"], then["policy"]) == (printed["policy"], old)


def test_too_few_cases_say_how_many_more_and_pass_nothing(run, bundle, tiny_product):
    words = run("certify", bundle, "--escape", 0.001).stdout
    assert "Cannot certify an escape rate of 0.1 %" in words
    assert re.search(r"18 defective parts seen, \d{4,5} more without an escape are needed", words)
    files = tiny_product.pictures("test", "good")
    out = run("assess", bundle, *files, "--no-store", "--json").stdout
    verdicts = [json.loads(line) for line in out.splitlines()]
    assert {v["disposition"] for v in verdicts} <= {"defer", "positive"}
    assert any("NOT_CERTIFIED" in v["reasons"] for v in verdicts)


def test_a_review_budget_buys_no_escapes_from_fewer_groups_than_the_pack_asks_for(run, bundle):
    printed = json.loads(run("certify", bundle, "--review-budget", "20%", "--json").stdout)
    assert (printed["escape"]["certified"], printed["t_neg"]) == (False, None)
    assert (printed["escape"]["n"], printed["escape"]["alpha"]) == (18, 0.2)
    assert printed["escape"]["needed"] >= 2


def test_errors_are_one_line_with_the_way_out_and_exit_code_1(run_anew, run, bundle, tmp_path):
    printed = run_anew("assess", tmp_path, bundle, code=1).stderr
    assert printed.count("\n") == 1
    assert "is not a bundle" in printed
    assert "assay train -o" in printed
    unknown = run("train", "welds", tmp_path, "-o", tmp_path / "out", code=1).stderr
    assert "installed packs: crops, parts, xray" in unknown


def test_wrong_usage_is_exit_code_2(run_anew):
    run_anew("assess", code=2)
    run_anew("no-such-command", code=2)


def test_train_learns_from_a_folder_per_class_and_from_a_csv(run, tiny_product, tmp_path):
    table = tmp_path / "annotations.csv"
    rows = ["filename,label"]
    for label in ("good", "scratched"):
        (tmp_path / "folders" / label).mkdir(parents=True)
        for file in tiny_product.pictures("cal", label)[:12]:
            shutil.copy(file, tmp_path / "folders" / label)
            rows.append(f"folders/{label}/{file.name},{label}")
    table.write_text("\n".join(rows))
    for data in (tmp_path / "folders", table):
        out = tmp_path / f"{data.stem}-bundle"
        printed = json.loads(run("train", "parts", data, "-o", out, "--json").stdout)
        assert printed["bundle"].startswith(out.name)
        form = "class folders" if data.is_dir() else "table annotations.csv"
        assert printed["read"]["layout"] == form
        assert printed["read"]["counts"] == {"": {"good": 12, "scratched": 12}}
        assert (out / "policies" / f"{printed['policy']}.json").is_file()


def test_labels_that_all_look_bad_ask_for_the_good_one(run, run_anew, tiny_product, tmp_path):
    for label in ("fine", "scratched"):
        (tmp_path / "data" / label).mkdir(parents=True)
        kind = "good" if label == "fine" else label
        for file in tiny_product.pictures("cal", kind)[:12]:
            shutil.copy(file, tmp_path / "data" / label)
    printed = run("train", "parts", tmp_path / "data", "-o", tmp_path / "out", code=1).stderr
    assert "--negative LABEL" in printed
    run_anew("train", "parts", tmp_path / "data", "-o", tmp_path / "out", "--negative", "fine")


def test_doctor_and_packs_and_data_tell_what_is_there(run_anew):
    assert "ok   network: cpu/onnxruntime/f32" in run_anew("doctor").stdout
    assert "PASS / FAIL / REVIEW" in run_anew("packs").stdout
    assert "elpv" in run_anew("data", "list").stdout


def test_bundle_verify_and_sign_and_audit_export(run, bundle, tmp_path):
    run("bundle", "sign", bundle, "--key", tmp_path / "key.pem")
    assert "signed by the key given" in run(
        "bundle", "verify", bundle, "--key", tmp_path / "key.pub.pem"
    ).stdout  # fmt: skip
    run("audit", "export", "-o", tmp_path / "log.jsonl")
    for line in (tmp_path / "log.jsonl").read_text().splitlines():
        json.loads(line)
    run("audit", "export", "-o", tmp_path / "log.jsonl")
    other = tmp_path / "other.json"
    other.write_text('{"previous":"kept"}\n')
    assert "not an earlier output" in run("audit", "export", "-o", other, code=1).stderr
    assert other.read_text() == '{"previous":"kept"}\n'


def test_numbers_that_are_none_become_null():
    assert finite({"a": [float("nan"), 1.0, float("inf")]}) == {"a": [None, 1.0, None]}


def test_the_installed_command_is_the_same_program():
    command = Path(sys.executable).with_name("assay")
    printed = subprocess.run([command, "packs"], capture_output=True, text=True, check=True).stdout
    assert "parts" in printed


@pytest.fixture
def endless(bundle, tiny_product, home, tmp_path):
    """Start `assay assess` on more pictures than it will finish."""
    environment = {**os.environ, "ASSAY_HOME": str(home), "PYTHONWARNINGS": "error"}
    (tmp_path / "plates").mkdir()
    for number, file in enumerate(tiny_product.pictures("test") * 40):
        shutil.copy(file, tmp_path / "plates" / f"{number:04}.png")
    process = subprocess.Popen(
        [*ASSAY, "assess", str(bundle), str(tmp_path / "plates"), "--json", "--no-store"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
        # Whoever runs the tests in the background has them ignore Ctrl-C, which is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        assert process.stdout.readline().startswith(b"{")
        yield process
        process.kill()


def test_ctrl_c_ends_a_run_quietly_with_the_usual_exit_code(endless):
    endless.send_signal(signal.SIGINT)
    _, problems = endless.communicate()

    assert (endless.returncode, problems) == (128 + signal.SIGINT, b"")


def test_a_reader_that_goes_away_ends_a_run_quietly(endless):
    endless.stdout.close()
    problems = endless.stderr.read()

    assert endless.wait() == 1
    assert problems == b""
