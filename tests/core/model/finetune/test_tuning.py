from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import ConfigError, DataError
from core.model.finetune.learning import scores
from core.model.finetune.maps import Maps
from core.model.finetune.plan import FinetunePlan
from core.model.finetune.tuning import finetune
from core.model.network import backbone as backbones
from core.model.network.backbone import Files
from core.model.network.tail import arrays_of, fill, fresh_tail

pytestmark = pytest.mark.slow

N, GROUPS = 60, np.array([f"part{number // 2}" for number in range(60)])
LABELS = np.arange(N) // 2 % 3
PLAN = FinetunePlan(folds=2, epochs=3, batch=16)


def drawn(seed=0, *, strength=2.5):
    """Maps of three products, each with noise of its own in some channels."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(3, N, 112, 4, 4))
    for row, label in enumerate(LABELS):
        values[:, row, 20 * label : 20 * label + 20] *= strength
    return Maps(values.astype(np.float16), 2, f"drawn {seed} {strength}")


MAPS = drawn()


def soft(certainty=0.9):
    return np.where(np.eye(3, dtype=bool)[LABELS], certainty, (1 - certainty) / 2).astype(
        np.float32
    )


def tuned(folder, *, maps=MAPS, targets=None, groups=GROUPS, plan=PLAN, say=lambda _: None, **more):
    return finetune(
        maps,
        soft() if targets is None else targets,
        groups,
        backbone=backbones.describe(),
        files=Files(),
        folder=folder,
        progress=lambda *_: None,
        say=say,
        plan=plan,
        **more,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return tuned(tmp_path_factory.mktemp("whole"))


def same(one, other):
    weights = [
        np.array_equal(a.weights[name], b.weights[name])
        for a, b in zip(one.folds, other.folds, strict=True)
        for name in a.weights
    ]
    return all(weights) and np.array_equal(one.oof, other.oof)


def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been_killed(whole, tmp_path):
    lines = []

    def killed_after(count):
        def say(line):
            lines.append(line)
            if len(lines) == count:
                raise KeyboardInterrupt

        return say

    for count in (1, 3, 4):
        with pytest.raises(KeyboardInterrupt):
            tuned(tmp_path, say=killed_after(count))
    torch.manual_seed(11)  # what else draws numbers in the process must not matter
    again = tuned(tmp_path, say=lines.append)
    assert len(lines) == sum(len(fold.history) - 1 for fold in again.folds)
    assert same(whole, again)
    assert [f.history for f in whole.folds] == [f.history for f in again.folds]
    assert all(
        np.array_equal(a.confusion, b.confusion)
        for a, b in zip(whole.folds, again.folds, strict=True)
    )


def test_a_finished_run_learns_nothing_twice_unless_something_changed(whole, tmp_path):
    lines = []
    tuned(tmp_path)
    assert same(whole, tuned(tmp_path, say=lines.append))
    assert lines == []
    other = tuned(tmp_path, plan=replace(PLAN, seed=1), say=lines.append)
    assert len(lines) == 6
    assert not same(whole, other)


def test_tails_tell_what_they_never_saw(whole):
    assert (whole.oof.argmax(axis=1) == LABELS).mean() > 0.9
    assert len(whole.folds) == 2


def test_a_fold_knows_nothing_of_its_own_pictures(whole, tmp_path):
    targets = soft()
    held_out = whole.fold == 0
    targets[held_out] = soft(0.5)[held_out]
    other = tuned(tmp_path, targets=targets)
    assert np.array_equal(other.fold, whole.fold)
    assert np.array_equal(other.oof[held_out], whole.oof[held_out])
    assert not np.array_equal(other.oof[~held_out], whole.oof[~held_out])


def test_where_the_first_fold_is_not_worth_it_the_others_do_not_learn(whole, tmp_path):
    asked = []

    def is_worthwhile(held_out, result):
        asked.append((held_out, result))
        return False

    lines = []
    stopped = tuned(tmp_path, is_worthwhile=is_worthwhile, say=lines.append)
    first = whole.fold == 0
    assert len(stopped.folds) == 1
    assert len(lines) == len(whole.folds[0].history) - 1
    assert np.array_equal(asked[0][0], np.flatnonzero(first))
    assert np.array_equal(asked[0][1], whole.oof[first])
    assert same(whole, tuned(tmp_path, is_worthwhile=lambda *_: True))


def test_groups_are_never_on_two_sides(whole):
    for group in np.unique(GROUPS):
        assert len(set(whole.fold[group == GROUPS].tolist())) == 1


def test_out_of_fold_scores_are_the_mean_over_the_views_of_the_fold_s_own_tail(whole):
    tail = fresh_tail(backbones.describe(), Files(), 3)
    fill(tail, whole.folds[1].weights)
    held_out = np.flatnonzero(whole.fold == 1)
    with torch.inference_mode():
        each = [tail(torch.from_numpy(MAPS.values[v, held_out].astype(np.float32))) for v in (0, 1)]
    assert np.allclose(whole.oof[held_out], torch.stack(each).mean(0).numpy(), atol=1e-4)


def test_the_chosen_epoch_has_the_least_loss_and_its_confusion_matrix_counts_its_accuracy(whole):
    for fold in whole.folds:
        losses = [epoch.loss for epoch in fold.history]
        chosen = fold.history[fold.chosen]
        assert chosen.loss == min(losses)
        assert [epoch.number for epoch in fold.history] == [0, 1, 2, 3]
        assert np.trace(fold.confusion) / fold.confusion.sum() == pytest.approx(chosen.accuracy)


def test_stages_that_only_get_worse_stay_untouched_below_a_head_that_knows(tmp_path):
    done = tuned(tmp_path, plan=replace(PLAN, epochs=2, rate=1.0, head_rate=1.0))
    untouched = arrays_of(fresh_tail(backbones.describe(), Files(), 3))
    for fold in done.folds:
        assert fold.chosen == 0
        assert fold.history[1].loss > fold.history[0].loss
        assert np.array_equal(fold.weights["narrow.0.weight"], untouched["narrow.0.weight"])
    assert (done.oof.argmax(axis=1) == LABELS).mean() > 0.9


def test_learning_stops_when_nothing_gets_better(tmp_path):
    plan = replace(PLAN, epochs=12, patience=2, rate=5e-3, head_rate=5e-2)
    noise = np.eye(3, dtype=np.float32)[np.random.default_rng(5).permutation(LABELS)]
    done = tuned(tmp_path, maps=drawn(1, strength=1.0), targets=noise, plan=plan)
    for fold in done.folds:
        assert len(fold.history) - 1 == min(12, fold.chosen + 2)
    assert min(len(fold.history) for fold in done.folds) < 12


def test_uncertain_labels_give_uncertain_scores(tmp_path):
    def confidence(scores):
        shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (shifted.max(axis=1) / shifted.sum(axis=1)).mean()

    plan = replace(PLAN, epochs=4, batch=4, head_rate=3e-3)
    sure, unsure = (
        tuned(tmp_path / f"{certainty}", targets=soft(certainty), plan=plan)
        for certainty in (0.98, 0.5)
    )
    assert confidence(unsure.oof) < confidence(sure.oof) - 0.02


def test_several_labels_a_picture_are_learned_side_by_side(tmp_path):
    rng = np.random.default_rng(6)
    marks = rng.random((N, 2)) < 0.5
    values = rng.normal(size=(3, N, 112, 4, 4))
    for label in (0, 1):
        values[:, marks[:, label], 20 * label : 20 * label + 20] *= 4
    maps = Maps(values.astype(np.float16), 1, "several")
    done = tuned(
        tmp_path,
        maps=maps,
        targets=marks.astype(np.float32),
        groups=np.arange(N).astype(str),
        is_multilabel=True,
    )
    assert ((done.oof > 0) == marks).mean() > 0.9
    assert done.folds[0].confusion.shape == (2, 2, 2)


def test_time_is_bounded_by_fewer_epochs_for_more_pictures():
    plan = FinetunePlan(folds=3, epochs=9, most_steps=60_000, least_epochs=3)
    steps = {n: plan.for_pictures(n).epochs * n * 2 for n in (100, 3_300, 5_000, 9_000)}
    assert plan.for_pictures(100).epochs == 9
    assert max(steps.values()) <= 60_000
    assert plan.for_pictures(1_000_000).epochs == 3
    assert plan.for_pictures(3_300, 28 * 28).epochs == 3
    assert plan.for_pictures(1_000, 28 * 28).epochs == 7


def test_too_few_groups_are_refused(tmp_path):
    with pytest.raises(DataError, match="groups"):
        tuned(tmp_path, groups=np.where(np.arange(N) < 6, "a", "b"))


def test_a_damaged_checkpoint_is_refused_and_says_what_to_do(tmp_path):
    tuned(tmp_path, plan=replace(PLAN, epochs=1))
    (tmp_path / "fold0.safetensors").write_bytes(b"torn")
    with pytest.raises(ConfigError, match=r"damaged.*Remove its folder"):
        tuned(tmp_path, plan=replace(PLAN, epochs=1))


def test_targets_of_another_length_are_refused(tmp_path):
    with pytest.raises(ValueError, match="targets"):
        tuned(tmp_path, targets=soft()[:-1])


def test_scores_do_not_depend_on_which_pictures_are_asked_for_together():
    tail = fresh_tail(backbones.describe(), Files(), 2)
    torch.nn.init.ones_(tail.head.weight)
    together = scores(tail, MAPS, np.arange(20))
    alone = np.concatenate([scores(tail, MAPS, np.array([row])) for row in range(20)])
    assert np.allclose(together, alone, atol=1e-3)
