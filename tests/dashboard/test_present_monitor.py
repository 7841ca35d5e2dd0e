"""What the page Monitor says of its figures."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

from core.decision.drift import NumberStream
from core.decision.martingales import Martingale
from core.decision.monitoring import FoundPositive, estimate_escapes
from core.decision.policy import certify
from core.records.monitored import WatchedRows
from core.service.monitoring.monitor import Watched
from core.service.monitoring.scopes import Scope
from core.service.monitoring.signals import EscapeTest
from core.service.monitoring.state import MonitorState
from core.types import Targets
from dashboard import monitor_figures
from dashboard.present import monitor
from tests.core.decision.policy_cases import population

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)


def watched(escapes=None, covered=(), state=None, audited=40):
    policy = certify(population(2000, 0), population(500, 1), Targets(escape=0.1), bundle="b@1")
    rows = WatchedRows("parts", "left", frozenset(), "1" * 64, policy.id, AT)
    scope = Scope(rows, policy, "b@1", "e", None)
    return Watched(scope, state or MonitorState(), escapes, covered, audited)


def test_the_live_rate_stands_beside_the_certified_one_with_its_interval():
    found = [FoundPositive(True, 0.02)] * 2 + [FoundPositive(False, 0.02)] * 98
    test = EscapeTest(estimate_escapes(found), 0.0, 0.0, ())
    line = monitor.describe_escapes(watched(test))
    assert line.startswith("Certified at most 10 %; live 50.5 % (95 % interval ")
    assert "people have read 40 of these, and 2 of the 100 positive cases" in line
    none = EscapeTest(estimate_escapes([]), 0.0, 0.0, ())
    assert "found no positive case" in monitor.describe_escapes(watched(none))
    assert "cannot be measured" in monitor.describe_escapes(watched())


def test_coverage_is_counted_and_drawn_in_blocks():
    covered = (True,) * 57 + (False,) * 3
    assert "57 of 60 pictures: 95 %" in monitor.describe_coverage(watched(covered=covered))
    figure = monitor_figures.coverage(covered)
    assert list(figure.data[0].x) == [20, 40, 60]
    assert list(figure.data[0].y) == [1.0, 1.0, 0.85]
    assert "Nobody has named" in monitor.describe_coverage(watched())


def test_drift_is_listed_the_most_unusual_first():
    calm, changed = NumberStream(), NumberStream()
    for number in range(180):
        calm = calm.after(float(number * 7919 % 101), 0.5)
        changed = changed.after(float(number * 7919 % 101) + 200.0 * (number > 140), 0.5)
    state = MonitorState(streams={"camera": {"hue": calm, "brightness": changed}})
    head, first, second = monitor.drift_rows(watched(state=state))
    assert head[0] == "Source"
    assert first[:3] == ("camera", "brightness", "80")
    assert second[1] == "hue"


def test_evidence_is_drawn_on_a_log_axis_with_the_line_of_the_alarm():
    point = {"at": "2026-11-29T12:00:00+00:00", "ood": 2.302585, "drift": 0.0, "escapes": -1.0}
    figure = monitor_figures.martingales([point])
    assert figure.layout.yaxis.type == "log"
    assert round(figure.data[1].y[0], 4) == 10.0
    assert round(figure.layout.shapes[0].y0, 6) == 50.0
    # plotly.js places annotations on log axes by the exponent, and the axis has room for them.
    assert round(10 ** figure.layout.annotations[0].y, 6) == 50.0


def test_what_chance_alone_explains_is_not_said_to_be_rare():
    def bets(*log_wealths):
        return [Martingale(40, (one,)) for one in log_wealths]

    usual, rare = (replace(MonitorState(), ood=one) for one in bets(0.3, math.log(1200)))
    assert monitor.describe_ood(watched(state=usual)) == (
        "40 cases, no more unlike the pictures of the certificate than chance makes them."
    )
    assert "at most once in 1,200 times" in monitor.describe_ood(watched(state=rare))
    assert monitor.describe_evidence(0.3) == "nothing unusual"
    assert monitor.describe_evidence(math.log(1200)) == "once in 1,200"
