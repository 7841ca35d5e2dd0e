"""The start from good pictures alone, and what happens when defects arrive."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import DataError
from core.judge import Extracted, Judge
from core.labelled import Row
from core.model.bundle.bundle import Bundle
from core.model.explain import anomaly_map
from core.service.assessment.paths import assess_paths
from core.service.bundles.open import certify_bundle, open_bundle, policy_of
from core.service.evaluation.evaluate import evaluate
from core.service.summaries import describe_fit, list_remarks, summarise_policy
from core.service.training import good_only
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Assessment, Disposition, Reason, Sample, Targets
from tests.conftest import a_plate

GOOD = frozenset({"good"})
HALF = Targets(overkill=0.2)


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw 12 good and 10 plainly scratched plates to learn from, and 8 new ones of each."""
    root, rng = tmp_path_factory.mktemp("plates"), np.random.default_rng(5)
    for folder, label, count, scratch in (
        ("known", "good", 12, 0.0),
        ("known", "scratched", 10, 0.8),
        ("new", "good", 8, 0.0),
        ("new", "scratched", 8, 0.8),
    ):
        (root / folder / label).mkdir(parents=True)
        for number in range(count):
            file = root / folder / label / f"{folder}-{label}-{number:02}.png"
            cv2.imwrite(str(file), a_plate(rng, scratch))
    return root


@pytest.fixture(scope="module")
def settings(network_home: Path) -> Settings:
    return Settings(home=network_home)


@pytest.fixture(scope="module")
def good_alone(
    plates: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Bundle:
    return learned(plates, tmp_path_factory.mktemp("alone"), settings, good=7, scratched=0)


def learned(plates: Path, home: Path, settings: Settings, *, good: int, scratched: int) -> Bundle:
    for label, count in (("good", good), ("scratched", scratched)):
        for file in sorted((plates / "known" / label).iterdir())[:count]:
            (home / "data" / label).mkdir(parents=True, exist_ok=True)
            (home / "data" / label / file.name).write_bytes(file.read_bytes())
    return open_bundle(train(TrainSpec("parts", home / "data", home / "b"), settings), settings)


def judged(bundle: Bundle, folder: Path, targets: Targets, settings: Settings) -> list[Assessment]:
    policy = certify_bundle(bundle, targets)
    return list(assess_paths(bundle, [folder], policy=policy, settings=settings))


def test_good_plates_alone_make_a_bundle_that_calls_out_scratches_and_passes_nothing(
    plates: Path, good_alone: Bundle, settings: Settings
) -> None:
    scratched = judged(good_alone, plates / "new/scratched", HALF, settings)
    good = judged(good_alone, plates / "new/good", HALF, settings)
    assert good_alone.model.classes == ("good", "anomaly")
    assert called_out(scratched) >= 7
    assert {one.verdict.label for one in scratched} == {"anomaly"}
    assert min(score(scratched)) > max(score(good))
    for one in good:
        if one.verdict.disposition is Disposition.DEFER:
            assert [f.reason for f in one.verdict.findings] == [Reason.NOT_CERTIFIED]
            assert "0 positive groups seen" in one.verdict.message
    assert Disposition.NEGATIVE not in {one.verdict.disposition for one in good}


def test_a_rate_that_so_few_good_plates_do_not_bound_calls_nothing_out_and_says_how_many_do(
    plates: Path, good_alone: Bundle, settings: Settings
) -> None:
    asked = judged(good_alone, plates / "new/scratched", Targets(overkill=0.05), settings)
    words = summarise_policy(good_alone.pack, certify_bundle(good_alone, Targets(overkill=0.05)))
    assert {one.verdict.disposition for one in asked} == {Disposition.DEFER}
    assert "can be bounded at 12.5 % at best; 12 more make 5 %" in asked[0].verdict.message
    assert any("7 good parts: overkill can be bounded at 12.5 %" in line for line in words)
    assert "Escape rate unknown: 0 defective parts seen." in words


def test_good_plates_pass_without_a_certificate_only_where_a_person_said_so(
    plates: Path, good_alone: Bundle, settings: Settings
) -> None:
    reported = Targets(overkill=0.2, uncertified_negatives=True)
    good = judged(good_alone, plates / "new/good", reported, settings)
    scratched = judged(good_alone, plates / "new/scratched", reported, settings)
    words = summarise_policy(good_alone.pack, certify_bundle(good_alone, reported))
    assert Counter(one.verdict.disposition for one in good)[Disposition.NEGATIVE] >= 5
    assert called_out(scratched) >= 7
    assert "PASS is given without a certificate, as was asked for." in words


def test_what_no_good_plate_shows_is_where_the_heat_is(plates: Path, good_alone: Bundle) -> None:
    file = min((plates / "new/good").iterdir())
    frame = good_alone.pack.read(file.read_bytes(), 10**7, 224)
    pixels = good_alone.pack.prepare(frame, 224).pixels.copy()
    plain = anomaly_map(good_alone.model, good_alone.network.extract(pixels), 224)
    pixels[150:180, 40:70] = 20
    marked = anomaly_map(good_alone.model, good_alone.network.extract(pixels), 224)
    row, column = np.unravel_index((marked - plain).argmax(), marked.shape)
    assert 134 <= row < 196
    assert 24 <= column < 86
    assert marked.max() > 0.0


def test_patches_are_scored_beside_the_network_and_not_kept(
    plates: Path, good_alone: Bundle
) -> None:
    data = next((plates / "new" / "scratched").iterdir()).read_bytes()
    size, model = good_alone.backbone.size, good_alone.model
    ready = good_alone.pack.prepare(good_alone.pack.read(data, 10**7, size), size)
    output = good_alone.network.extract(ready.pixels)
    step = Judge.of(good_alone, policy_of(good_alone)).extract(Sample("a", ready))

    assert isinstance(step, Extracted)
    assert output.patches.size
    assert step.output.patches.size == 0
    whole, scored = model.evidence(output, ready), model.evidence(step.output, ready)
    assert whole.logits.tobytes() == scored.logits.tobytes()
    assert (whole.good_p, whole.ood_score) == (scored.good_p, scored.ood_score)


def test_a_bundle_of_good_plates_is_evaluated_on_defects_it_has_no_name_for(
    plates: Path, good_alone: Bundle, settings: Settings
) -> None:
    policy = certify_bundle(good_alone, HALF)
    found = evaluate(good_alone, plates / "new", policy=policy, settings=settings)
    assert found.figures["auroc"] == 1.0
    assert found.figures["overkill"]["n"] == 8


def test_the_first_defect_changes_the_classes_and_breaks_nothing(
    plates: Path, settings: Settings, tmp_path: Path
) -> None:
    bundle = learned(plates, tmp_path, settings, good=5, scratched=1)
    scratched = judged(bundle, plates / "new/scratched", HALF, settings)
    assert bundle.model.classes == ("good", "scratched")
    assert called_out(scratched) >= 7
    assert {one.verdict.label for one in scratched} == {"scratched"}


def test_with_more_defects_the_head_is_heard_too_and_the_escapes_start_to_count(
    plates: Path, settings: Settings, tmp_path: Path
) -> None:
    bundle = learned(plates, tmp_path, settings, good=12, scratched=10)
    policy = certify_bundle(bundle, HALF)
    assert bundle.model.bank is not None
    assert bundle.model.bank.groups == 12
    assert describe_fit(bundle).startswith("memory of 12 good parts, head ")
    assert (policy.escape.n, policy.escape.k) == (4, 0)
    assert policy.good_only is not None
    assert policy.good_only.level == 0.2
    good = judged(bundle, plates / "new/good", HALF, settings)
    scratched = judged(bundle, plates / "new/scratched", HALF, settings)
    assert min(score(scratched)) > max(score(good))
    assert called_out(scratched) >= 7


def test_four_good_pictures_are_too_few_and_two_views_of_a_part_count_once() -> None:
    four = rows(good=4) + rows(good=1)
    with pytest.raises(DataError, match="needs 5 of them, got 4"):
        good_only.has_few_defects(four, GOOD)
    assert good_only.has_few_defects(rows(good=5), GOOD)


def test_few_defects_are_fewer_than_thirty() -> None:
    assert good_only.has_few_defects(rows(good=9, bad=29), GOOD)
    assert not good_only.has_few_defects(rows(good=9, bad=30), GOOD)
    assert not good_only.has_few_defects(rows(good=4, bad=3), GOOD)


def test_the_memory_stays_until_the_held_out_good_groups_certify_and_defects_are_many() -> None:
    held_out = [row("good", "cal", f"held-{i}") for i in range(59)]
    assert good_only.needs_bank([*rows(good=9, bad=200), *held_out[:58]], GOOD)
    assert good_only.needs_bank([*rows(good=9, bad=149), *held_out], GOOD)
    assert not good_only.needs_bank([*rows(good=9, bad=150), *held_out], GOOD)
    assert not good_only.needs_bank(rows(good=4, bad=200), GOOD)


def test_a_memory_that_goes_says_what_stands_in_for_it() -> None:
    held_out = [row("good", "cal", f"held-{i}") for i in range(60)]
    certified = good_only.describe_dropped_bank([*rows(good=9, bad=151), *held_out], GOOD)
    named = good_only.describe_dropped_bank([*rows(good=9, bad=31), *held_out[:7]], GOOD)
    assert "151 groups with something wrong to learn from (150 or more)" in certified
    assert "the 60 good groups held out can certify overkill" in certified
    assert "names its own held-out pictures and there are 31 groups" in named
    assert "only the 7 good groups held out bound overkill" in named
    assert good_only.describe_dropped_bank(rows(good=4, bad=31), GOOD) == ""


def test_with_thirty_defects_twenty_good_groups_stay_in_the_memory() -> None:
    dealt = rows(good=50, bad=30, split="cal", held_out=20)
    scarce = rows(good=25, bad=30, split="cal", held_out=20)
    assert counts(good_only.assign_good_groups(dealt, GOOD))["good", "train"] == 30
    assert counts(good_only.assign_good_groups(scarce, GOOD))["good", "train"] == 20
    assert counts(good_only.assign_good_groups(dealt[:-1], GOOD))["good", "train"] == 50


@pytest.mark.parametrize("named", [False, True])
def test_the_thirtieth_defect_drops_no_memory_or_the_cause_is_told(
    settings: Settings, tmp_path: Path, named: bool
) -> None:
    rng = np.random.default_rng(5)
    lines = ["file,label,split" if named else "file,label"]
    for number in range(42):
        label, depth = ("good", 0.0) if number < 12 else ("scratched", 0.8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), a_plate(rng, depth))
        split = f",{('train', 'cal')[number % 2]}" if named else ""
        lines.append(f"{number}.png,{label}{split}")
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    spec = TrainSpec("parts", tmp_path, tmp_path / "b")
    bundle = open_bundle(train(spec, settings), settings)
    assert any(line.startswith("No groups are given") for line in list_remarks(bundle))
    reported = [line for line in list_remarks(bundle) if "No memory of good pictures" in line]
    if named:
        assert bundle.model.bank is None
        assert "names its own held-out pictures and there are 30 groups" in reported[0]
        assert "only the 6 good groups held out bound overkill" in reported[0]
    else:
        assert bundle.model.bank is not None
        assert certify_bundle(bundle, HALF).good_only is not None
        assert reported == []


def test_good_groups_are_held_out_only_when_enough_of_them_certify_and_enough_remain() -> None:
    few = good_only.assign_good_groups(rows(good=78, bad=3, split="cal"), GOOD)
    enough = good_only.assign_good_groups(rows(good=79, bad=3, split="cal", held_out=30), GOOD)
    many = good_only.assign_good_groups(rows(good=200, bad=3, split="cal", held_out=80), GOOD)
    assert counts(few) == {("good", "train"): 78, ("bad", "cal"): 3}
    assert counts(enough) == {("good", "train"): 20, ("good", "cal"): 59, ("bad", "cal"): 3}
    assert counts(many) == {("good", "train"): 120, ("good", "cal"): 80, ("bad", "cal"): 3}


def test_a_group_with_a_defect_keeps_its_good_views_beside_it() -> None:
    mixed = [row("good", "cal", "part"), row("bad", "cal", "part"), *rows(good=6)]
    assert good_only.assign_good_groups(mixed, GOOD)[:2] == mixed[:2]


def test_the_memory_takes_a_bounded_number_of_pictures() -> None:
    crowded = [row("good", "train", f"g{i % 6}") for i in range(3000)]
    wide = [row("good", "train", f"g{i:04}") for i in range(3000)]
    chosen = good_only._for_memory(crowded, GOOD, seed=0)
    assert len(chosen) == 240
    assert Counter(crowded[i].group for i in chosen) == {f"g{i}": 40 for i in range(6)}
    assert len(good_only._for_memory(wide, GOOD, seed=0)) == good_only.BANK_GROUPS_WHEN_MANY


def test_only_labels_of_something_wrong_become_anomalies() -> None:
    mixed = [row("good", "", "a"), row("dent", "", "b"), row("ok", "", "c")]
    named = good_only.relabel_anomalies(mixed, ("good", "anomaly"), frozenset({"good", "ok"}))
    assert [one.label for one in named] == ["good", "anomaly", "ok"]
    assert good_only.relabel_anomalies(mixed, ("good", "dent"), GOOD) == mixed


def called_out(assessments: list[Assessment]) -> int:
    """Count those called out; all others must have met the gate of picture quality."""
    others = [a for a in assessments if a.verdict.disposition is not Disposition.POSITIVE]
    assert {a.verdict.findings[0].reason for a in others} <= {Reason.POOR_QUALITY}
    return len(assessments) - len(others)


def score(assessments: list[Assessment]) -> list[float]:
    return [a.prediction.positive_probability for a in assessments if a.prediction is not None]


def row(label: str, split: str, group: str) -> Row:
    return Row(Path(f"{group}.png"), label, split, group)


def rows(good: int, bad: int = 0, split: str = "train", held_out: int = 0) -> list[Row]:
    kept = [row("good", "cal" if i < held_out else "train", f"good{i}") for i in range(good)]
    return kept + [row("bad", split, f"bad{i}") for i in range(bad)]


def counts(dealt: list[Row]) -> dict[tuple[str, str], int]:
    return dict(Counter((one.label, one.split) for one in dealt))
