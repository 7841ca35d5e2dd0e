"""The pictures that a person should see first."""

from dataclasses import replace

import numpy as np

from core.report.worst import pick_worst


def test_every_kind_holds_its_own_and_the_surest_come_first(judged_of, policy_of):
    cases = judged_of(policy_of())
    p = cases.positive_probability
    made = np.where(p < 0.3, "negative", np.where(p > 0.7, "positive", "defer"))
    cases = replace(cases, disposition=made)
    looks = pick_worst(cases, each=4)
    rows = {kind: [x.row for x in looks if x.kind == kind] for kind in {x.kind for x in looks}}
    truth = cases.truth
    escapes = np.flatnonzero(truth & (made == "negative"))
    assert rows["escape"] == sorted(escapes, key=lambda i: p[i])[:4]
    overkills = np.flatnonzero(~truth & (made == "positive"))
    assert rows["overkill"] == sorted(overkills, key=lambda i: -p[i])[:4]
    assert rows["leaning"]
    assert all(made[i] == "defer" and (p[i] > 0.5) != truth[i] for i in rows["leaning"])
    taken = set(rows["escape"] + rows["overkill"] + rows["leaning"])
    rest = [i for i in np.argsort(-cases.ood_score) if i not in taken]
    assert rows["ood"] == rest[:4]


def test_no_picture_is_shown_twice_and_no_kind_too_often(judged_of, policy_of):
    looks = pick_worst(judged_of(policy_of()))
    assert len({x.row for x in looks}) == len(looks) <= 24
    assert [x.kind for x in looks] == sorted(
        (x.kind for x in looks), key=["escape", "overkill", "leaning", "ood"].index
    )
