"""A source whose pictures change raises an alarm that shows the pictures; its neighbours do not."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.decision.policy import certify, to_json
from core.jobs.monitor_process import MonitorProcess
from core.records import alarms, audit, deployments
from core.records.store import decision, new_decision, record
from core.service.monitoring.monitor import Monitor, watched
from core.service.monitoring.scopes import policy_place
from core.settings import Settings
from core.types import Targets
from tests.core.decision.policy_cases import population
from tests.core.jobs.running import until
from tests.core.records.conftest import ENGINES, an_assessment, empty_store

SHA = "b" * 64
BUNDLE = "widgets@0123456789ab"
RNG = np.random.default_rng(4)


@pytest.fixture(params=ENGINES)
def settings(request, tmp_path):
    return Settings(home=tmp_path, store_url=empty_store(request.param))


@pytest.fixture
def policy(settings):
    """A policy in the archive, whose bundle nobody needs to open."""
    made = certify(population(2000, 0), population(500, 1), Targets(escape=0.1), bundle=BUNDLE)
    place = policy_place(SHA, made.id, settings)
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(to_json(made)))
    return made


@pytest.fixture
def deployed(store, policy):
    return deployments.deploy(
        store, "parts", "", bundle=BUNDLE, bundle_sha256=SHA, policy_id=policy.id, by="Ada"
    )


@pytest.fixture
def judge(store, deployed, policy):
    """Record pictures of a source with their brightness and camera; gives the decisions."""

    def call(source, name, brightness, camera="Line 4"):
        made = [
            new_decision(
                replace(
                    an_assessment(f"{name} {number}".encode(), policy=policy.id),
                    measures={"brightness": float(value), "camera": camera},
                ),
                pack="parts", name="a.png", sender=source,
            )
            for number, value in enumerate(brightness)
        ]  # fmt: skip
        return record(store, made)

    return call


def follow(store, settings):
    monitor = Monitor(store, settings)
    while monitor.turn():
        pass


def test_a_darker_source_is_named_with_the_twelve_pictures_that_add_most(
    store, settings, judge, deployed
):
    judge("camera:left", "l", RNG.normal(120, 4, 240))
    judge("camera:top", "t", RNG.normal(120, 4, 200))
    follow(store, settings)
    assert alarms.list_alarms(store) == []
    dark = judge("camera:top", "dark", RNG.normal(90, 4, 40))
    follow(store, settings)
    (alarm,) = alarms.list_alarms(store)
    assert (alarm.kind, alarm.source) == ("drift", "brightness from camera:top")
    assert len(set(alarm.evidence["pictures"])) == 12
    # The darkest of the ordinary ones may be among them.
    assert len(set(alarm.evidence["pictures"]) & set(dark)) >= 11
    assert decision(store, alarm.evidence["pictures"][0]).id in dark
    assert alarm.is_voiding
    assert deployments.newest(store, "parts").policy_id == alarm.evidence["suspended_policy"]
    assert audit.verify(store).faults == ()


def child_of_this_process(module: str) -> int:
    """Return the process id of the one child that runs a module."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((one / "stat").read_text().rpartition(")")[2].split()[1])
            is_of_module = module in (one / "cmdline").read_text()
        except OSError:
            continue  # it has ended meanwhile
        if parent == os.getpid() and is_of_module:
            found.append(int(one.name))
    (pid,) = found
    return pid


def test_a_process_of_its_own_watches_where_no_worker_does(store, settings, judge, deployed):
    judge("camera:top", "t", RNG.normal(120, 4, 200))
    watching = MonitorProcess(settings, again_s=0.1)
    watching.start()
    try:
        until(lambda: watched(store, settings, "parts")[0].state.streams)
        assert watching.problem == ""
        os.kill(child_of_this_process("core.jobs.monitor_main"), signal.SIGKILL)
        until(lambda: watching.problem)
        assert "Nobody watches whether the certificate still holds" in watching.problem
        assert "SIGKILL" in watching.problem
        judge("camera:top", "dark", RNG.normal(90, 4, 40))
        until(lambda: alarms.list_alarms(store))
        until(lambda: not watching.problem)  # it says so after the turn in which it raised one
    finally:
        watching.close()
    (alarm,) = alarms.list_alarms(store)
    assert deployments.newest(store, "parts").policy_id == alarm.evidence["suspended_policy"]
    assert audit.verify(store).faults == ()


def test_another_camera_on_the_same_place_is_found(store, settings, judge):
    judge("camera:top", "t", RNG.normal(120, 4, 150))
    judge("camera:top", "new", RNG.normal(120, 4, 30), camera="Line 5")
    follow(store, settings)
    (alarm,) = alarms.list_alarms(store)
    assert alarm.source == "camera from camera:top"


def test_what_is_to_void_nothing_only_tells_people(store, settings, judge, deployed):
    own = settings.model_copy(update={"voiding_alarms": "escapes,ood"})
    judge("camera:top", "t", RNG.normal(120, 4, 200))
    judge("camera:top", "dark", RNG.normal(90, 4, 40))
    follow(store, own)
    (alarm,) = alarms.list_alarms(store)
    assert not alarm.is_voiding
    assert deployments.newest(store, "parts") == deployed
    assert [one.scope.policy.id for one in watched(store, own, "parts")] == [deployed.policy_id]
    follow(store, own)
    assert len(alarms.list_alarms(store)) == 1


def test_a_policy_deployed_anew_begins_anew_but_another_stage_of_it_does_not(
    store, settings, judge, deployed
):
    judge("camera:top", "t", RNG.normal(120, 4, 20))
    follow(store, settings)
    again = {"bundle": BUNDLE, "bundle_sha256": SHA, "by": "Ada"}
    deployments.deploy(store, "parts", "", policy_id=deployed.policy_id, audit_share=0.1, **again)
    follow(store, settings)
    (one,) = watched(store, settings, "parts")
    assert (one.state.ood.steps, one.scope.epoch_id) == (20, deployed.id)
    deployments.deploy(store, "parts", "", policy_id="another", **again)
    assert watched(store, settings, "parts") == []
    third = deployments.deploy(store, "parts", "", policy_id=deployed.policy_id, **again)
    follow(store, settings)
    (one,) = watched(store, settings, "parts")
    assert (one.state.ood.steps, one.scope.epoch_id) == (0, third.id)
