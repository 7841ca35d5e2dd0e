"""How fine-tuning went is drawn from what the bundle kept, and left out where nothing was."""

import numpy as np
import pytest

from core.report.blocks import Cell, Figures, Table
from core.report.finetune_history import draw_history, write_finetuning
from core.report.page import render

FOLDS = [
    {
        "history": [
            {
                "loss": loss,
                "learning": learning_loss,
                "accuracy": 0.5 + 0.1 * n,
                "confidence": 0.6 + 0.1 * n,
                "precision": 0.71,
                "recall": 0.72,
                "f1": 0.73,
            }
            for n, (loss, learning_loss) in enumerate(losses)
        ],
        "chosen": chosen,
        "confusion": [[8, 2], [1, 9]],
    }
    for losses, chosen in (
        ([(0.6, 0.5), (0.4, 0.3), (0.5, 0.1)], 1),
        ([(0.7, 0.6), (0.65, 0.4)], 1),
    )
]
TUNING = {"classes": ["dent", "<i>good"], "folds": FOLDS, "summary": "Nothing tried is better."}


def tuned(input_of, tail="abc"):
    return input_of(card={"finetuning": TUNING, "backbone": {"tail": tail}})


def test_the_lines_are_the_history_and_the_dots_the_epochs_kept(read):
    drawing = read(draw_history("h", FOLDS[:1], ("loss", "learning"), "loss"))
    assert drawing.points("line accent") == pytest.approx(
        np.array([(0, 0.6), (1, 0.4), (2, 0.5)]), abs=2e-3
    )
    assert drawing.points("line faint") == pytest.approx(
        np.array([(0, 0.5), (1, 0.3), (2, 0.1)]), abs=2e-3
    )
    both = read(draw_history("h", FOLDS, ("loss", "learning"), "loss"))
    assert both.dots("ink") == pytest.approx(np.array([(1, 0.4), (1, 0.65)]), abs=2e-3)


def test_the_matrix_adds_the_folds_and_each_fold_has_its_row(input_of):
    (section,) = write_finetuning(tuned(input_of))
    kept, taken = (one for one in section.blocks if isinstance(one, Table))
    assert kept.rows[0] == ("1", "1", "0.400", *_shares(60.0, 71.0, 72.0, 73.0, 70.0))
    assert [row[0] for row in taken.rows] == ["dent", "<i>good"]
    assert taken.rows[0][1:] == (Cell("16", 0.8, "good"), Cell("4", 0.2, "bad"))
    assert taken.rows[1][1:] == (Cell("2", 0.1, "bad"), Cell("18", 0.9, "good"))
    assert any(isinstance(one, Figures) for one in section.blocks)


def _shares(*values):
    return tuple(f"{value:.1f}\u00a0%" for value in values)


def test_stages_that_were_left_out_are_named_so(input_of):
    (used,), (unused,) = (write_finetuning(tuned(input_of, tail)) for tail in ("abc", ""))
    assert "They are combined with the head" in used.blocks[1].text
    assert "they were left out" in unused.blocks[1].text


def test_what_was_tried_in_vain_is_named_where_nothing_was_fine_tuned(input_of):
    assert TUNING["summary"] not in render(input_of())
    bare = input_of(card={"finetuning": {"summary": TUNING["summary"]}})
    assert [block.text for block in write_finetuning(bare)[0].blocks] == [TUNING["summary"]]
    assert TUNING["summary"] in render(bare)


def test_a_bundle_without_fine_tuning_has_no_such_section(input_of):
    assert write_finetuning(input_of()) == ()
    assert "fine-tuned" not in render(input_of())
    assert "&lt;i&gt;good" in render(tuned(input_of))
