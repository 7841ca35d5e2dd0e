"""Tiles that need a person reach one: as cases, once, and their answers hold."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyogrio
import pytest

from core.people import Person
from core.records import blobs, failed_jobs
from core.records.audit import verify
from core.records.audit_draw import is_drawn
from core.records.case_answers import case_answers
from core.records.case_filter import CaseFilter
from core.records.case_page import page_of_cases
from core.records.case_status import QueueState
from core.records.clearings import clear_pictures
from core.records.job import State
from core.records.reviewed_cases import reviewed_cases
from core.records.store import decisions
from core.records.values import case_id_of, now
from core.records.worklist import case_detail
from core.service.assessment.replay import replay
from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.review.review import decide, next_matching
from core.service.store import open_store
from core.types import Disposition, Reason, Targets, Tile
from domains.crops.exports.layers import Positions
from domains.crops.exports.stored import read_survey
from domains.crops.exports.write import SurveyExport, export_prescription, export_survey
from domains.crops.survey import tile_cases
from domains.crops.survey.command import describe_summary
from domains.crops.survey.job import submit
from domains.crops.survey.spec import SurveySpec
from domains.crops.survey.survey import run_survey
from domains.crops.survey.tile_cases import MOST_ASKED, choose
from domains.crops.survey.values import SurveyTile, TileStatus, TileVerdict
from tests.core.jobs.running import work_once
from tests.domains.crops.exports.fields import a_table

ADA = Person.alone("Ada")
EVERYBODY = CaseFilter(states=())


@pytest.fixture(scope="module")
def settings(field, tmp_path_factory):
    return field.settings_at(tmp_path_factory.mktemp("farm") / "home")


@pytest.fixture(scope="module")
def store(settings):
    opened = open_store(settings)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def spec(field, tmp_path_factory):
    return SurveySpec(field.mosaic, tmp_path_factory.mktemp("survey") / "out", product="north")


@pytest.fixture(scope="module")
def result(field, store, settings, spec):
    """What the job of the worker gave, with what is deployed; one case in five is drawn."""
    deploy_bundle(
        field.bundle, store, settings, product="north", signed=Signed(ADA), audit_share=0.2
    )
    job = submit(store, spec, by=ADA)
    work_once(store, settings, lanes=["survey"])
    found = failed_jobs.job_status(store, job)
    assert found.state is State.DONE, found.problem
    return found.result


@pytest.fixture(scope="module")
def survey(result, spec):
    return read_survey(spec.out)


@pytest.fixture(scope="module")
def recorded(store, survey):
    """By case what is on record, before anybody answers."""
    return {one.case_id: one for one in page_of_cases(store, EVERYBODY, limit=1000)}


def details(store, cases):
    return [case_detail(store, case) for case in cases]


@pytest.mark.slow
@pytest.mark.trained
class TestSurvey:
    """One survey of a field, and what follows from it, in this order."""

    def test_every_hatched_and_every_sick_tile_waits_and_no_healthy_one_is_marked(
        self, store, survey, recorded, result
    ):
        needing = [t for t in survey.tiles if t.disposition not in (None, Disposition.NEGATIVE)]
        assert len(needing) > 20
        assert {t.disposition for t in needing} == {Disposition.DEFER, Disposition.POSITIVE}
        assert len({t.case for t in needing}) == len(needing)
        assert all(not t.case for t in survey.tiles if t not in needing)
        for tile in needing:
            item = recorded[tile.case]
            assert item.disposition is tile.disposition
            assert item.positive_probability == tile.verdict.positive_probability
        assert (result["waiting"], result["not_asked"]) == (len(needing), 0)
        lines = "\n".join(describe_summary(dict(result), Path("out")))
        assert f"{len(needing)} of 169 tiles wait for a person" in lines

    def test_the_audit_draw_is_made_of_all_tiles_and_shows_on_no_map(
        self, store, survey, recorded, spec
    ):
        (policy,) = {one.policy_id for one in decisions(store)}
        share = min(0.2, tile_cases.MOST_DRAWN / sum(t.verdict is not None for t in survey.tiles))
        drawn = {
            case_id_of("crops", "north", tile_cases.case_key(tile, 2.0))
            for tile in survey.tiles
            if tile.disposition is Disposition.NEGATIVE
        }
        drawn = {case for case in drawn if is_drawn(policy, case, share)}
        assert len(drawn) > 5
        assert recorded.keys() - {tile.case for tile in survey.tiles} == drawn
        for detail in details(store, drawn):
            (image,) = detail.images
            assert [one.reason for one in image.decision.findings] == [Reason.AUDIT]
            assert image.decision.audit_probability == share
        text = (spec.out / "tiles.geojson").read_text()
        assert Reason.AUDIT.value not in text
        assert not any(case in text for case in drawn)

    def test_a_verdict_comes_out_the_same_from_the_file_that_is_kept(
        self, store, settings, recorded
    ):
        made = decisions(store)
        assert len(made) == len(recorded)
        of_each = {one.disposition: one for one in made}
        assert len(of_each) == 3
        for one in of_each.values():
            assert replay(one.id, store, settings) == []
        assert verify(store).faults == ()

    def test_all_tiles_are_one_group_and_found_by_the_name_of_their_mosaic(
        self, store, survey, recorded
    ):
        (bundle,) = {one.bundle_sha256 for one in decisions(store)}
        cases = reviewed_cases(store, "crops", bundle)
        assert len(cases) == len(recorded)
        assert {one.group for one in cases} == {survey.sha256}
        site = CaseFilter(sites=(f"mosaic {survey.sha256[:12]}",))
        assert len(page_of_cases(store, site, limit=1000)) == len(recorded)
        assert page_of_cases(store, CaseFilter(sites=("elsewhere",)), limit=1000) == []
        assert next_matching(store, site) is not None

    def test_an_answer_stays_and_no_rerun_asks_again_or_passes_against_it(
        self, store, settings, survey, recorded, spec
    ):
        acting = next(t for t in survey.tiles if t.disposition is Disposition.POSITIVE)
        hatched = next(t for t in survey.tiles if t.disposition is Disposition.DEFER)
        for tile in (acting, hatched):
            item = case_detail(store, tile.case).item
            assert decide(store, item, Disposition.NEGATIVE, by=ADA)

        again = run_survey(spec, settings, store=store)

        tiles = {(t.row, t.column): t for t in read_survey(spec.out).tiles}
        assert again["waiting"] == len([t for t in survey.tiles if t.case]) - 2
        cases = {one.case_id for one in page_of_cases(store, EVERYBODY, limit=1000)}
        assert cases == recorded.keys()
        for before in (acting, hatched):
            after = tiles[before.row, before.column]
            assert after.case == before.case
            assert after.disposition is not Disposition.NEGATIVE
            assert case_detail(store, after.case).reviews[-1].disposition is Disposition.NEGATIVE

    def test_a_prescription_takes_the_answers_for_the_verdicts(self, store, survey, spec, tmp_path):
        made = export_prescription(spec.out, a_table(), "isoxml4", tmp_path / "rx.zip", store)
        verdicts = export_prescription(spec.out, a_table(), "isoxml4", tmp_path / "verdicts.zip")

        assert (made.answered, verdicts.answered) == (2, 0)
        assert len(made.by_default) == len(verdicts.by_default) - 2
        assert all(
            one.rate == a_table().rate(Disposition.NEGATIVE)
            for one in made.tiles
            if one.is_answered
        )

    def test_exports_show_the_answers_and_zones_follow_them(self, store, survey, spec, tmp_path):
        given = SurveyExport(spec.out, tmp_path, ("gpkg", "report"), Positions.EXACT)
        export_survey(given, store)
        tiles, zones = (
            pyogrio.raw.read(tmp_path / "survey.gpkg", layer=name) for name in ("tiles", "zones")
        )
        columns = dict(zip(tiles[0]["fields"], tiles[3], strict=True))
        answered = columns["answer"] == "HEALTHY"
        assert answered.sum() == 2
        assert set(columns["answered_by"][answered]) == {"Ada"}
        assert set(columns["verdict"][answered]) <= {"LOOK", "ACT"}
        read = dict(zip(zones[0]["fields"], zones[3], strict=True))
        assert sum(read["answered"]) == 2
        healthy = sum(zone.positive + zone.uncertain for zone in survey.zones)
        assert sum(read["positive"]) + sum(read["uncertain"]) == healthy - 2
        assert "What people answered" in (tmp_path / "report.html").read_text()

    def test_a_cleared_picture_comes_back_with_the_next_survey(self, store, settings, survey, spec):
        tile = next(t for t in survey.tiles if t.disposition is Disposition.DEFER)
        (image,) = case_detail(store, tile.case).images
        cleared = clear_pictures(
            store,
            [image.content_key],
            pack="crops",
            series="s",
            number=1,
            at=now(),
            reason="retention",
        )
        assert cleared == [image.content_key]
        assert not blobs.has(store.blobs, image.content_key)
        run_survey(spec, settings, store=store)
        assert blobs.has(store.blobs, image.content_key)


@pytest.mark.slow
@pytest.mark.trained
def test_a_bundle_that_is_not_deployed_asks_and_draws_nothing(field, tmp_path):
    settings = field.settings_at(tmp_path / "home")
    spec = SurveySpec(field.mosaic, tmp_path / "out", tile_m=4.0, bundle=field.bundle)
    with open_store(settings) as store:
        summary = run_survey(spec, settings, store=store)
        made = decisions(store)
        assert replay(made[0].id, store, settings) == []
    called = summary["dispositions"]
    assert summary["waiting"] == len(made) == called["positive"] + called["defer"] > 5
    assert {one.audit_probability for one in made} == {None}
    assert Counter(one.disposition for one in made)[Disposition.NEGATIVE] == 0


@pytest.mark.slow
@pytest.mark.trained
def test_of_many_tiles_the_most_urgent_are_asked_about_and_the_others_are_counted(
    field, tmp_path, monkeypatch
):
    monkeypatch.setattr(tile_cases, "MOST_ASKED", 10)
    settings = field.settings_at(tmp_path / "home")
    spec = SurveySpec(field.mosaic, tmp_path / "out", tile_m=2.0, bundle=field.bundle)
    with open_store(settings) as store:
        summary = run_survey(spec, settings, store=store)
        assert len(decisions(store)) == 10
    tiles = read_survey(tmp_path / "out").tiles
    deferred = [t.verdict.positive_probability for t in tiles if t.disposition is Disposition.DEFER]
    asked = [t.verdict.positive_probability for t in tiles if t.case]
    assert sorted(asked) == sorted(deferred)[-10:]
    called = summary["dispositions"]
    assert summary["not_asked"] == called["positive"] + called["defer"] - 10 > 0
    lines = describe_summary(json.loads((tmp_path / "out" / "survey.json").read_text()), tmp_path)
    assert any(line.startswith(f"{summary['not_asked']} more need a person") for line in lines)


@pytest.mark.slow
@pytest.mark.trained
def test_what_a_later_policy_decides_waits_no_longer(field, tmp_path):
    settings = field.settings_at(tmp_path / "home")
    bundle = shutil.copytree(field.bundle, tmp_path / "bundle")
    spec = SurveySpec(field.mosaic, tmp_path / "out", bundle=bundle)
    with open_store(settings) as store:
        certify_bundle(open_bundle(bundle, settings), Targets(escape=0.001, overkill=0.2))
        before = run_survey(spec, settings, store=store)
        certify_bundle(open_bundle(bundle, settings), Targets(escape=0.2, overkill=0.2))
        after = run_survey(spec, settings, store=store)
        waiting = {one.case_id for one in page_of_cases(store, CaseFilter(), limit=1000)}
    assert before["dispositions"]["negative"] == 0
    assert after["dispositions"]["negative"] > 5
    assert waiting == {tile.case for tile in read_survey(tmp_path / "out").tiles if tile.case}
    assert len(waiting) == after["waiting"] < before["waiting"]


@pytest.mark.slow
@pytest.mark.trained
def test_tiles_of_another_size_take_the_place_of_those_that_wait_and_give_it_back(field, tmp_path):
    settings = field.settings_at(tmp_path / "home")

    def survey_of(tile_m):
        spec = SurveySpec(field.mosaic, tmp_path / "out", tile_m=tile_m, bundle=field.bundle)
        summary = run_survey(spec, settings, store=store)
        return summary, {one.case for one in read_survey(spec.out).tiles if one.case}

    def waiting():
        return {one.case_id for one in page_of_cases(store, CaseFilter(), limit=1000)}

    with open_store(settings) as store:
        first, small = survey_of(4.0)
        answered = next_matching(store, CaseFilter(packs=("crops",)))
        assert decide(store, answered, Disposition.POSITIVE, by=ADA)
        second, large = survey_of(6.0)
        assert (first["withdrawn"], second["withdrawn"]) == (0, len(small) - 1)
        assert waiting() == large
        (gone, *_) = small - {answered.case_id}
        detail = case_detail(store, gone)
        assert detail.item.queue_state is QueueState.WITHDRAWN
        assert "surveyed again" in detail.reviews[-1].comment
        assert case_answers(store, [gone])[gone].answer is None
        assert any("withdrawn" in line for line in describe_summary(second, tmp_path))

        again, same = survey_of(4.0)
        assert same == small
        assert waiting() == small - {answered.case_id}
        assert again["withdrawn"] == len(large)
        assert decide(store, case_detail(store, gone).item, Disposition.NEGATIVE, by=ADA)
        assert verify(store).faults == ()


def a_tile(number, disposition, chance):
    verdict = TileVerdict(disposition, "", "", (), chance, (), "")
    place = Tile("ab" * 32, 0, 100 * number)
    return SurveyTile(
        0, number, place, 100, 100, ((0, 0), (0, 1), (1, 1)), 1.0, TileStatus.JUDGED, 1.0, 1.0, {},
        verdict,
    )  # fmt: skip


def test_a_flood_leaves_room_for_what_was_drawn_or_answered():
    kinds = (Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER)
    tiles = [a_tile(n, kinds[n % 3], (n * 7919 % 40_000) / 40_000) for n in range(40_000)]
    tiles[8] = replace(tiles[8], verdict=replace(tiles[8].verdict, positive_probability=None))
    ids = [str(n) for n in range(40_000)]

    chosen = choose(tiles, ids, {"0", "1", "8"})

    deferred = sorted(
        (n for n in range(2, 40_000, 3) if n != 8),
        key=lambda n: -tiles[n].verdict.positive_probability,
    )
    assert chosen == sorted({0, 1, 8, *deferred[: MOST_ASKED - 1]})
    few = choose(tiles[:300], ids[:300], set())
    assert few == [n for n in range(300) if n % 3]
