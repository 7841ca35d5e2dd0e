"""Retention deletes passes alone, in the store's order, where it may, and says so on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.parts.station.recipe import RetentionOptions
from domains.parts.station.records.retention import (
    DiskState,
    PartPictures,
    bytes_to_free,
    is_sampled,
    plan_retention,
)
from domains.parts.station.result import LineReason, LineVerdict

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
KEY = b"k" * 32
NO_LIMITS = RetentionOptions(min_free_gb=0, min_free_share=0, pass_sample=0)
PASSED = LineVerdict.passed()
FAILED = LineVerdict.because(LineReason.DEFECT)


def plan(parts, options, *, free=10**12, size=1000, newest=NOON, total=10**12):
    disk = DiskState(total, free, size * sum(len(part.pictures) for part in parts))
    return plan_retention(parts, options, disk, size_of=lambda _: size, newest=newest, key=KEY)


def some_parts(count, *, kept=(), start=NOON - timedelta(days=10), step=timedelta(hours=1)):
    return [
        PartPictures(n, start + n * step, f"P{n}", (f"{n:064x}",), n in kept)
        for n in range(1, count + 1)
    ]


def numbers(made):
    return [part.number for part in made.parts]


def test_nothing_goes_while_every_budget_is_met():
    made = plan(some_parts(20), NO_LIMITS)
    assert (numbers(made), made.freed, made.missing, made.problem) == ([], 0, 0, "")


def test_the_oldest_passes_go_by_number_until_there_is_room():
    options = replace_options(min_free_gb=5e-6)
    made = plan(some_parts(20, kept={2, 3}), options, free=1500)
    assert numbers(made) == [1, 4, 5, 6]  # 3,500 bytes are missing, 1,000 each
    assert (made.freed, made.missing) == (4000, 0)


def replace_options(**changed):
    return NO_LIMITS.model_copy(update=changed)


def test_the_free_share_and_the_free_bytes_and_the_total_are_budgets():
    disk = DiskState(total=1_000_000, free=20_000, pictures=30_000)
    assert bytes_to_free(replace_options(min_free_share=0.05), disk) == 30_000
    assert bytes_to_free(replace_options(min_free_gb=2.5e-5), disk) == 5_000
    assert bytes_to_free(replace_options(max_gb=1e-5), disk) == 20_000
    assert bytes_to_free(RetentionOptions(), DiskState(10**13, 6 * 10**11, 10**12)) == 0
    assert bytes_to_free(RetentionOptions(), DiskState(10**10, 10**9, 10**9)) == 10**9  # 2 GB


def test_what_has_to_be_kept_is_kept_even_on_a_full_disk_and_a_person_is_told():
    made = plan(some_parts(5, kept={1, 2, 4, 5}), replace_options(min_free_gb=1), free=0)
    assert numbers(made) == [3]
    assert made.missing == 10**9 - 1000
    assert "lacks 1 GB, and every picture left has to be kept" in made.problem


def test_age_is_counted_from_the_last_part_not_from_the_clock():
    parts = some_parts(240)  # one an hour for ten days
    made = plan(parts, replace_options(days=2), newest=parts[-1].recorded_at)
    assert numbers(made) == list(range(1, 192))
    # The clock is not trusted: nothing goes by age.
    assert numbers(plan(parts, replace_options(days=2), newest=None)) == []


def test_the_order_is_the_stores_whatever_the_times_say():
    """A clock that was set back: part 3 looks older than part 1 and does not go before it."""
    parts = some_parts(4)
    parts[2] = replace(parts[2], recorded_at=NOON - timedelta(days=4000))
    made = plan(parts, replace_options(min_free_gb=2e-6), free=0)
    assert numbers(made) == [1, 2]


@given(
    kept=st.sets(st.integers(1, 60)),
    share=st.floats(0, 1),
    free=st.integers(0, 60_000),
    days=st.one_of(st.none(), st.floats(0.1, 12)),
)
def test_no_plan_touches_what_is_kept_or_takes_more_than_needed(kept, share, free, days):
    parts = some_parts(60, kept=kept)
    options = replace_options(min_free_gb=5e-5, pass_sample=share, days=days)
    made = plan(parts, options, free=free)
    chosen = set(numbers(made))
    assert chosen.isdisjoint(kept)
    assert not any(is_sampled(part, share, KEY) for part in made.parts)
    assert numbers(made) == sorted(chosen)
    needed = max(0, 50_000 - free)
    old = {p.number for p in parts if days and p.recorded_at < NOON - timedelta(days=days)}
    # All that could go before the last one went; the last one was needed or too old.
    free_to_go = [p.number for p in parts if not p.is_kept and not is_sampled(p, share, KEY)]
    assert numbers(made) == free_to_go[: len(chosen)]
    if made.parts and made.parts[-1].number not in old:
        assert made.freed - 1000 < needed
    assert made.missing == max(0, needed - made.freed)


def test_the_sample_is_of_the_share_asked_and_follows_the_id_alone():
    parts = [PartPictures(n, NOON, f"part {n}", (), False) for n in range(20_000)]
    drawn = np.array([is_sampled(part, 0.1, KEY) for part in parts])
    assert drawn.mean() == pytest.approx(0.1, abs=0.01)
    moved = [replace(part, number=1, recorded_at=NOON + timedelta(1)) for part in parts]
    assert [is_sampled(part, 0.1, KEY) for part in moved] == drawn.tolist()
    other = np.array([is_sampled(part, 0.1, b"other") for part in parts])
    assert (drawn & other).mean() == pytest.approx(0.01, abs=0.004)  # nobody can choose without it
    assert not is_sampled(parts[0], 0.0, KEY)
    assert is_sampled(parts[0], 1.0, KEY)
    nameless = [PartPictures(n, NOON, "", (), False) for n in range(5000)]
    assert np.mean([is_sampled(one, 0.1, KEY) for one in nameless]) == pytest.approx(0.1, abs=0.02)
