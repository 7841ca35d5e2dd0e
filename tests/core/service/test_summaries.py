"""What a policy says of itself, where little or nothing was held out and where much was."""

from __future__ import annotations

import numpy as np
import pytest

from core.decision.policy import Cases, certify
from core.packs import pack_named
from core.service.summaries import describe_auroc, summarise_policy
from core.types import Targets

UNKNOWN = "Escape rate unknown: 0 defective parts seen."
NONE_SEEN = (
    "Cannot certify an escape rate of 5 %: 0 defective parts seen, 59 more without an escape are "
    "needed; nothing could be certified today."
)
NO_GOOD_SEEN = (
    "Cannot certify an overkill rate of 5 %: 0 good parts seen, 59 more without an overkill are "
    "needed; nothing could be certified today."
)
NOT_HELD_OUT = "No picture was held out, so nothing says how many go to a person (REVIEW)."
ALL_THE_SAME = "PASS is given without a certificate, as was asked for."
BY_MEMORY = (
    "On average at most 5 % of good parts are called out: each new one is ranked among 24 good "
    "parts, each scored by a memory of the others. This holds over draws of those 24, not with a "
    "confidence."
)
FEW_BY_MEMORY = "5 good parts: overkill can be bounded at 16.7 % at best; 14 more make 5 %."
GOOD_HELD_OUT = (
    "At most 5 % of good parts that pass the gates are called out, with 95 % confidence: "
    "0 overkills in 80, upper bound 3.68 %."
)
DEFECTS_HELD_OUT = (
    "At most 5 % of defective parts that pass the gates are let through, with 95 % confidence: "
    "0 escapes in 80, upper bound 3.68 %."
)
TEN_GOOD = (
    "Cannot certify an overkill rate of 5 %: 10 good parts seen, 49 more without an overkill are "
    "needed; 25.9 % could be certified today."
)
NO_ESCAPES_UNDER_THE_CEILING = (
    "Cannot certify an escape rate of 20 %: 0 defective parts seen, 20 more without an escape are "
    "needed; nothing could be certified today."
)
NO_BOUND = (
    "Nothing bounds the overkill rate: 0 good parts seen, 1 more without an overkill is needed."
)


def passed(k, n, high):
    return (
        f"Among {n} with a PASS in the held-out data, {k} % were defective parts (95 % interval "
        f"0 to {high} %)."
    )


def gate(n, high):
    return (
        f"The out-of-distribution gate sends 0 % of {n} ordinary pictures to review "
        f"(95 % interval 0 to {high} %)."
    )


def to_a_person(share):
    return f"{share} % of the held-out pictures go to a person (REVIEW)."


def cases(good, defects):
    n = good + defects
    positive = np.arange(n) >= good
    p = np.where(positive, 0.9, 0.1)
    return Cases(p, np.ones(n), np.ones(n, np.bool_), positive, np.arange(n).astype(str))


@pytest.mark.parametrize(
    ("held_out", "memory", "asked", "result"),
    [
        ((0, 0), 0, {}, [NONE_SEEN, NO_GOOD_SEEN, UNKNOWN, NOT_HELD_OUT]),
        ((0, 0), 24, {}, [NONE_SEEN, NO_GOOD_SEEN, BY_MEMORY, UNKNOWN, NOT_HELD_OUT]),
        (
            (0, 0),
            0,
            {"uncertified_negatives": True},
            [NONE_SEEN, NO_GOOD_SEEN, UNKNOWN, ALL_THE_SAME, NOT_HELD_OUT],
        ),
        (
            (0, 0),
            0,
            {"review_budget": 0.2},
            [NO_ESCAPES_UNDER_THE_CEILING, NO_BOUND, UNKNOWN, NOT_HELD_OUT],
        ),
        (
            (10, 0),
            5,
            {},
            [NONE_SEEN, TEN_GOOD, FEW_BY_MEMORY, UNKNOWN, gate(10, 30.9), to_a_person(100)],
        ),
        ((80, 0), 24, {}, [NONE_SEEN, GOOD_HELD_OUT, UNKNOWN, gate(80, 4.51), to_a_person(100)]),
        (
            (80, 0),
            24,
            {"uncertified_negatives": True},
            [
                *(NONE_SEEN, GOOD_HELD_OUT, UNKNOWN, ALL_THE_SAME),
                *(passed(0, 80, 4.51), gate(80, 4.51), to_a_person(0)),
            ],
        ),
        (
            (80, 80),
            0,
            {},
            [
                *(DEFECTS_HELD_OUT, GOOD_HELD_OUT),
                *(passed(0, 80, 4.51), gate(160, 2.28), to_a_person(0)),
            ],
        ),
    ],
)
def test_a_policy_says_what_it_certifies_and_what_nothing_says(held_out, memory, asked, result):
    learned = cases(30, 30 if held_out[1] or not memory else 0)
    policy = certify(cases(*held_out), learned, Targets(**asked), bundle="b", good_groups=memory)
    assert summarise_policy(pack_named("parts"), policy) == result


def test_an_auroc_of_one_side_alone_is_none_and_not_nan():
    assert describe_auroc(0.98765) == "AUROC 0.988"
    assert describe_auroc(float("nan")) == "no AUROC (one side alone)"
