"""What a person asks, read into values."""

import pytest

from core.errors import ConfigError
from core.service.arguments import parse_population, targets_from
from core.types import Targets


def test_a_population_is_read_as_written():
    asked = parse_population(["age_years=1..5", "weight_kg=-2.5..1e2"])
    assert asked == {"age_years": (1.0, 5.0), "weight_kg": (-2.5, 100.0)}


@pytest.mark.parametrize("wrong", ["age", "age=", "=1..2", "age=5..1", "age=1..2..3", "age=x..2"])
def test_a_population_that_cannot_be_read_is_refused_with_an_example(wrong):
    with pytest.raises(ConfigError, match=r"LOW\.\.HIGH"):
        parse_population([wrong])


def asked(**what):
    names = ("escape", "overkill", "confidence", "ood_alpha", "review_budget")
    return targets_from(Targets(), **{**dict.fromkeys(names), **what})


@pytest.mark.parametrize("rate", [-0.1, 0.0, 1.0, 1.5])
def test_what_is_no_rate_is_refused(rate):
    with pytest.raises(ConfigError, match="make no sense"):
        asked(escape=rate)
