"""What a person asks, read into values."""

import pytest

from core.errors import ConfigError
from core.service.asking import parse_population, targets_from
from core.types import Ceiling, Targets


def test_a_population_is_read_as_written():
    asked = parse_population(["age_years=1..5", "weight_kg=-2.5..1e2"])
    assert asked == {"age_years": (1.0, 5.0), "weight_kg": (-2.5, 100.0)}


@pytest.mark.parametrize("wrong", ["age", "age=", "=1..2", "age=5..1", "age=1..2..3", "age=x..2"])
def test_a_population_that_cannot_be_read_is_refused_with_an_example(wrong):
    with pytest.raises(ConfigError, match=r"LOW\.\.HIGH"):
        parse_population([wrong])


def asked(ceiling=Ceiling(bound=0.2, confidence=0.95), **what):
    names = ("escape", "overkill", "confidence", "ood_alpha", "review_budget")
    return targets_from(Targets(), ceiling=ceiling, **{**dict.fromkeys(names), **what})


def test_an_escape_rate_above_the_ceiling_is_refused_and_the_largest_named():
    assert asked(escape=0.2).escape == 0.2
    with pytest.raises(ConfigError, match=r"rate of 50 % .* certifies 20 % at most") as refused:
        asked(escape=0.5)
    assert "--escape 0.2" in refused.value.hint
    with pytest.raises(ConfigError, match="certifies 10 % at most"):
        asked(Ceiling(bound=0.1, groups=30), escape=0.2)


def test_a_certificate_of_little_confidence_is_refused():
    assert asked(confidence=0.99).confidence == 0.99
    with pytest.raises(ConfigError, match=r"confidence of 50 % .* with 95 % at least"):
        asked(confidence=0.5)


@pytest.mark.parametrize("rate", [-0.1, 0.0, 1.0, 1.5])
def test_what_is_no_rate_is_refused_whatever_the_ceiling(rate):
    with pytest.raises(ConfigError, match="make no sense"):
        asked(escape=rate)
