"""The memory bank of good patches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.decision.good_only import leave_one_out_p
from core.model.estimators import bank as banks
from core.model.estimators.bank import Bank, class_scores
from core.model.fitting import bank_fitting
from core.model.fitting.bank_fitting import collect_patches, fit_bank

CHANNELS = 6
Groups = list[list[np.ndarray]]


def pictures(rng: np.random.Generator, count: int, places: int = 49) -> Groups:
    """Draw groups of one picture each, whose channels vary together."""
    mixing = np.eye(CHANNELS) + 0.6 * np.eye(CHANNELS, k=1)
    spread = np.linspace(0.5, 3.0, CHANNELS)
    return [
        [((rng.normal(size=(places, CHANNELS)) * spread) @ mixing + rng.normal()).astype("f4")]
        for _ in range(count)
    ]


def slow_distances(groups: Groups, patches: np.ndarray) -> np.ndarray:
    """Every place to every group's nearest patch, one by one, in float64 and with all patches."""
    known = [np.concatenate([one - one.mean(axis=0) for one in g]).astype("f8") for g in groups]
    covariance = np.mean([g.T @ g / len(g) for g in known], axis=0)
    spread = np.diag(covariance)
    shrunk = (1 - bank_fitting.SHRINK) * covariance + bank_fitting.SHRINK * np.diag(spread)
    floor = bank_fitting._FLOOR * spread.mean() + bank_fitting._TINY
    precision = np.linalg.inv(shrunk + floor * np.eye(CHANNELS))
    new = patches.astype("f8") - patches.mean(axis=0)
    columns = []
    for group in known:
        apart = new[:, None] - group[None]
        columns.append(np.sqrt(np.einsum("pmc,cd,pmd->pm", apart, precision, apart).min(axis=1)))
    return np.stack(columns, axis=1)


def slow_score(groups: Groups, patches: np.ndarray) -> float:
    away = slow_distances(groups, patches).min(axis=1)
    return float(np.sort(away)[-banks.TOP_PATCHES :].mean())


def test_scores_are_mahalanobis_distances_measured_one_by_one() -> None:
    rng = np.random.default_rng(0)
    groups, (new,) = pictures(rng, 5), pictures(rng, 1)[0]
    good = collect_patches(groups)
    assert good.bank().score(new) == pytest.approx(slow_score(groups, new), rel=1e-4)
    for left_out in range(5):
        others = groups[:left_out] + groups[left_out + 1 :]
        assert good.bank(left_out).score(new) == pytest.approx(slow_score(others, new), rel=1e-4)


def test_each_good_group_is_scored_by_the_memory_that_the_others_make() -> None:
    rng = np.random.default_rng(1)
    groups = [[*a, *b] for a, b in zip(pictures(rng, 5), pictures(rng, 5), strict=True)]
    for place, score in enumerate(fit_bank(groups).group_scores):
        others = groups[:place] + groups[place + 1 :]
        worst = max(slow_score(others, one) for one in groups[place])
        assert score == pytest.approx(worst, rel=1e-4)


def test_what_good_parts_vary_in_together_counts_less_than_what_breaks_it() -> None:
    rng = np.random.default_rng(2)
    one = rng.normal(size=(20, 196, 1)).astype("f4")
    both = np.concatenate([one, one + 0.1 * rng.normal(size=one.shape)], axis=2).astype("f4")
    memory = fit_bank([[picture] for picture in both])
    along, across = both[0].copy(), both[0].copy()
    along[:10] += (2.0, 2.0)
    across[:10] += (2.0, -2.0)
    # Each channel alone has moved as far in both.
    assert memory.score(across) > 1.7 * memory.score(along)


def test_a_remembered_picture_is_not_unusual_at_all_unless_its_group_is_left_out() -> None:
    groups = pictures(np.random.default_rng(2), 5)
    good = collect_patches(groups)
    assert good.bank().score(groups[3][0]) == pytest.approx(0.0, abs=1e-2)
    assert good.bank(0).score(groups[3][0]) == pytest.approx(0.0, abs=1e-2)
    assert good.bank(3).score(groups[3][0]) > 0.5


def test_a_memory_never_grows_beyond_its_bound() -> None:
    rng = np.random.default_rng(3)
    most = bank_fitting.MAX_GROUPS
    sizes = [
        len(collect_patches(pictures(rng, count, places)).bank().vectors)
        for count, places in ((5, 49), (5, 4900), (100, 196), (most, 400))
    ]
    assert sizes[0] == 5 * 49
    assert max(sizes) <= bank_fitting.MAX_VECTORS
    assert min(sizes[1:]) >= bank_fitting.MAX_VECTORS - most


def test_few_remembered_patches_cover_the_picture_better_than_a_random_draw() -> None:
    rng = np.random.default_rng(4)
    points = np.concatenate([rng.normal(0, 0.1, (2000, 4)), rng.normal(5, 0.1, (5, 4))])
    points = points.astype(np.float32)
    coreset = points[bank_fitting._k_center(points, 20)]
    apart = np.linalg.norm(points[:, None] - coreset[None], axis=2)
    drawn = np.linalg.norm(points[:, None] - points[rng.permutation(2000)[:20]][None], axis=2)
    assert apart.min(axis=1).max() < 0.1 * drawn.min(axis=1).max()


def test_a_mark_raises_the_score_and_the_heat_where_it_is() -> None:
    rng = np.random.default_rng(5)
    groups, (new,) = pictures(rng, 8, 196), pictures(rng, 1, 196)[0]
    memory = fit_bank(groups)
    marked = new.copy()
    marked[30:36] += 12.0
    assert memory.score(marked) > 2 * memory.score(new)
    heat = memory.anomaly_map(marked)
    assert heat.shape == (14, 14)
    assert set(np.argsort(heat.ravel())[-6:]) == set(range(30, 36))
    assert heat.ravel()[30:36].min() > 0.0


def test_one_more_good_group_never_raises_a_score_beyond_what_the_covariance_may_give() -> None:
    """The bound that the p-value rests on, with every kind of new picture."""
    rng = np.random.default_rng(6)
    for scale in (0.01, 1.0, 100.0):
        groups, (new,) = pictures(rng, 6), pictures(rng, 1)[0]
        new *= np.float32(scale)
        good, joined = collect_patches(groups), collect_patches([*groups, [new]])
        for place, (own,) in enumerate(groups):
            bound = good.bank(place).score(own) * banks.covariance_slack(6)
            assert joined.bank(place).score(own) <= bound * (1 + 1e-5)


def test_its_p_value_is_never_smaller_than_the_exact_one_of_full_conformal_prediction() -> None:
    rng = np.random.default_rng(7)
    strict = 0
    for scale in np.linspace(0.8, 1.6, 30):
        groups, (new,) = pictures(rng, 9), pictures(rng, 1)[0]
        new *= np.float32(scale)
        memory, together = fit_bank(groups), fit_bank([*groups, [new]])
        own = together.group_scores[-1]
        exact = np.count_nonzero(together.group_scores >= own) / 10
        p = memory.good_p(memory.score(new))
        assert own == pytest.approx(memory.score(new), rel=1e-5)
        assert p >= exact
        strict += p < 1.0
    assert strict >= 10


def test_its_p_value_is_the_rank_among_the_good_groups() -> None:
    memory = fit_bank(pictures(np.random.default_rng(8), 9))
    bounds = memory.group_scores * (9 / 8) ** 0.5
    middle = float(np.median(bounds))
    assert memory.good_p(middle) == leave_one_out_p(middle, bounds) == 0.6
    assert memory.good_p(50.0) == 0.1


def test_with_good_groups_to_spare_the_p_value_is_the_plain_rank_among_them() -> None:
    memory = fit_bank(pictures(np.random.default_rng(7), 4))
    memory = replace(memory, reference=np.array([1.0, 2.0, 3.0]))
    assert memory.good_p(2.5) == 0.5


@pytest.mark.parametrize(("n", "alpha", "least"), [(19, 0.05, 2), (39, 0.2, 40)])
def test_the_overkill_that_is_allowed_is_kept_and_used(n: int, alpha: float, least: int) -> None:
    rng, called, runs = np.random.default_rng(9), 0, 300
    for _ in range(runs):
        *groups, new = pictures(rng, n + 1, 16)
        memory = fit_bank(groups)
        called += memory.good_p(memory.score(new[0])) <= alpha
    # 99.99 % quantiles of 300 draws at 0.05 and 0.2.
    assert least <= called <= {0.05: 31, 0.2: 87}[alpha]


def test_log_odds_rise_with_the_score_and_are_zero_at_the_middle_good_group() -> None:
    memory = replace(
        fit_bank(pictures(np.random.default_rng(9), 4)), group_scores=np.array([1.0, 2, 3, 4])
    )
    scores = [memory.log_odds(s) for s in (1.0, 2.5, 4.0, 400.0)]
    assert scores[1] == 0.0
    assert scores == sorted(scores)


def test_as_an_expert_it_gives_the_sides_their_odds_and_tells_no_classes_apart() -> None:
    scores = class_scores(1.5, (True, False, True))
    chance = np.exp(scores) / np.exp(scores).sum()
    assert chance[0] == chance[2]
    assert chance[[0, 2]].sum() == pytest.approx(1 / (1 + np.exp(-1.5)))


def test_what_cannot_be_a_memory_is_refused() -> None:
    groups = pictures(np.random.default_rng(10), 3)
    with pytest.raises(ValueError, match="2 to"):
        fit_bank(groups[:1])
    memory: Bank = fit_bank(groups)
    with pytest.raises(ValueError, match="patches"):
        memory.score(np.zeros((49, CHANNELS + 1), np.float32))
