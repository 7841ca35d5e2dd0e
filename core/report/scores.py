"""How good the probabilities and the gate are, whatever the limits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.decision import metrics
from core.decision.cluster_intervals import share_interval
from core.evaluation import Judged
from core.report import formatting
from core.report.blocks import (
    Block,
    Cell,
    Facts,
    Figure,
    Figures,
    Gallery,
    Section,
    Table,
    Words,
    counted,
)
from core.report.curves import draw_risk, draw_roc, risk_coverage, roc
from core.report.ood_plot import draw_strangers
from core.report.reliability import draw_probabilities, draw_reliability, reliability
from core.report.report_input import Material
from core.types import Disposition

MOST_IN_MATRIX = 12  # classes beyond which a matrix is too wide to read
MOST_MISTAKES = 3
_DOT = " The dot is the policy: it bounds each kind of error apart and so need not lie on the line."
_ALIKE = (
    "There are fewer groups than pictures. Pictures of one group are alike, which the intervals "
    "allow for and the grey band of the reliability diagram does not: it is too narrow."
)
_UNREAD = Words("No picture could be read, so there are no probabilities to judge.")


def calibration(m: Material) -> Section:
    """Show whether a stated probability means what it says."""
    title = "Do the probabilities mean what they say?"
    seen = m.cases.pick(m.cases.readable)
    if not seen.labels.size:
        return Section("calibration", title, (_UNREAD,))
    p, truth, f = np.clip(seen.positive_probability, 0.0, 1.0), seen.truth, m.figures
    found = reliability(p, truth)
    limits = (
        (m.policy.t_neg, m.pack.wording[Disposition.NEGATIVE]),
        (m.policy.t_pos, m.pack.wording[Disposition.POSITIVE]),
    )
    diagram = Figure(
        draw_reliability("reliability", found, "positive"),
        "Each dot is a fifteenth of the pictures. The grey band is what a perfect predictor "
        "would show with this many: dots inside it are no evidence against the probabilities.",
    )
    by_memory = m.policy.t_pos is None and m.policy.has_positives
    memory = ", unless the memory of good pictures calls it out" if by_memory else ""
    spread = Figure(
        draw_probabilities("probabilities", p, truth, limits, m.pack.unit_words),
        f"Each half has its own scale. Up to its line it says {limits[0][1]}, from its line on "
        f"{limits[1][1]}; between them, or where a line is missing, a person decides{memory}.",
    )
    both = np.stack([1.0 - p, p], axis=1)
    rolled = metrics.ece(both, truth.astype(np.int64))
    pairs = [
        ("Calibration error (ECE) of the positive probability", formatting.number(rolled)),
        (
            "… that a perfect predictor would show",
            formatting.number(metrics.ece_floor(both, seed=0)),
        ),
    ]
    if seen.several or len(m.classes) > 2:
        of = "all labels" if seen.several else "the most probable class"
        pairs += [
            (f"ECE of {of}", formatting.number(f["ece"])),
            ("… that a perfect predictor would show", formatting.number(f["ece_floor"])),
        ]
    pairs += [
        ("Brier score", formatting.number(f["brier"])),
        ("Negative log-likelihood (nats a picture)", formatting.number(f["nll"])),
    ]
    alike = (Words(_ALIKE, "quiet"),) if np.unique(seen.group).size < seen.group.size else ()
    return Section("calibration", title, (Figures((diagram, spread)), Facts(tuple(pairs)), *alike))


def trade(m: Material) -> Section:
    """Show what moving the limits would trade."""
    title = "What the limits trade: risk, automation, ROC"
    reached = m.cases.pick(m.cases.reached)
    figures: list[Figure] = []
    blocks: list[Block] = []
    if reached.labels.size:
        decided = _policy_point(m)
        curve = risk_coverage(
            reached.positive_probability, reached.truth, reached.group, len(m.cases.labels)
        )
        figures.append(
            Figure(
                draw_risk("risk", curve, decided),
                "The surest pictures are decided first, each for its likelier side. It ends where "
                "the gates hold the rest back." + (_DOT if decided else ""),
            )
        )
    else:
        blocks.append(Words("No picture passed the gates: there is no risk to draw."))
    seen = m.cases.pick(m.cases.readable)
    if 0 < seen.truth.sum() < seen.truth.size:
        low, high = m.figures["intervals"]["auroc"]
        figures.append(
            Figure(
                draw_roc(
                    "roc",
                    roc(seen.positive_probability, seen.truth),
                    _limits_on_roc(m),
                    m.pack.unit_words,
                ),
                f"AUROC {formatting.number(m.figures['auroc'])}, "
                f"95 % interval {formatting.number(low)} to {formatting.number(high)}, "
                "over groups. Of the class alone, before gates and policy.",
            )
        )
    else:
        blocks.append(Words("A ROC curve needs both kinds of pictures; here is only one."))
    return Section("trade", title, (Figures(tuple(figures)), *blocks) if figures else tuple(blocks))


def _policy_point(m: Material) -> tuple[float, float, float, float] | None:
    """Give share automated and risk of the policy, with the risk's interval."""
    decided = m.cases.pick(m.cases.disposition != Disposition.DEFER.value)
    if not decided.labels.size:
        return None
    wrong = (decided.disposition == Disposition.POSITIVE.value) != decided.truth
    low, high = share_interval(wrong, decided.group)
    return len(decided.labels) / len(m.cases.labels), float(wrong.mean()), low, high


def _limits_on_roc(m: Material) -> list[tuple[float, float, str, str]]:
    """Place the two limits: what each would call positive if it were the only one."""
    seen = m.cases.pick(m.cases.readable)
    p, truth, wording = seen.positive_probability, seen.truth, m.pack.wording
    marked = []
    if m.policy.t_pos is not None:
        called = p >= m.policy.t_pos
        words_ = f"{wording[Disposition.POSITIVE]} limit"
        marked.append(
            (float(called[~truth].mean()), float(called[truth].mean()), words_, "positive")
        )
    if m.policy.t_neg is not None:
        called = p > m.policy.t_neg
        words_ = f"{wording[Disposition.NEGATIVE]} limit"
        marked.append(
            (float(called[~truth].mean()), float(called[truth].mean()), words_, "negative")
        )
    return marked


def confusion(m: Material) -> Section:
    """Show which classes are taken for which, and the pictures where it went worst."""
    title = "Confusion, and the pictures to look at first"
    seen = m.cases.pick(m.cases.readable)
    if not seen.labels.size:
        return Section("confusion", title, (_UNREAD,))
    matrix = _label_table(m, seen) if seen.several else _matrix(m, seen)
    rule = Table(
        "Pictures by true side (rows) and verdict of the whole rule (columns)",
        ("truly", *(m.pack.wording[d] for d in Disposition)),
        tuple(_verdict_row(m, side) for side in (True, False)),
    )
    low, high = m.figures["intervals"]["accuracy"]
    accuracy = Words(
        f"Accuracy {formatting.share(m.figures['accuracy'])} "
        f"(95 % interval {formatting.between((low, high))}), "
        f"balanced over the classes {formatting.share(m.figures['balanced_accuracy'])}."
    )
    return Section("confusion", title, (matrix, rule, accuracy, *_galleries(m)))


def _matrix(m: Material, seen: Judged) -> Table:
    counts = seen.labels.T.astype(np.int64) @ seen.said.astype(np.int64)
    if len(m.classes) > MOST_IN_MATRIX:
        return Table(
            "Pictures by true class, and what they were taken for, before gates and policy",
            ("truly", "pictures", "right (95 % interval)", "taken for"),
            tuple(_mistakes_row(m, counts, i) for i in range(len(m.classes))),
        )
    return Table(
        "Pictures by true class (rows) and most probable class (columns), before gates and policy",
        ("truly", *m.classes, "right (95 % interval)"),
        tuple(_confusion_row(m, counts, i) for i in range(len(m.classes))),
    )


def _label_table(m: Material, seen: Judged) -> Table:
    rows, said = [], seen.said
    for i, name in enumerate(m.classes):
        has, s = seen.labels[:, i], m.figures["sensitivity"][name]
        area = metrics.auroc(seen.probabilities[:, i], has)
        falsely = f"{int((said[:, i] & ~has).sum()):,} of {int((~has).sum()):,}"
        rows.append(
            (name, f"{s['n']:,}", formatting.short_rate(s), falsely, formatting.number(area))
        )
    return Table(
        "Each label for itself, before gates and policy",
        ("label", "pictures that have it", "found (95 % interval)", "said falsely", "AUROC"),
        tuple(rows),
    )


def _confusion_row(m: Material, counts: NDArray[np.int64], i: int) -> tuple[str | Cell, ...]:
    return m.classes[i], *counted(counts[i].tolist(), i), _right(m, i).text


def _mistakes_row(m: Material, counts: NDArray[np.int64], i: int) -> tuple[str | Cell, ...]:
    wrong = [(int(n), m.classes[j]) for j, n in enumerate(counts[i]) if n and j != i]
    wrong.sort(key=lambda pair: (-pair[0], pair[1]))
    taken = ", ".join(f"{name} {n:,}" for n, name in wrong[:MOST_MISTAKES])
    more = sum(n for n, _ in wrong[MOST_MISTAKES:])
    others = f", others {more:,}" if more else ""
    return m.classes[i], f"{counts[i].sum():,}", _right(m, i), taken + others


def _right(m: Material, i: int) -> Cell:
    s = m.figures["sensitivity"][m.classes[i]]
    if not s["n"]:
        return Cell("none seen")
    return Cell(formatting.short_rate(s), round(1.0 - s["rate"], 3), "bad")


def _verdict_row(m: Material, side: bool) -> tuple[str | Cell, ...]:
    mine = m.cases.disposition[m.cases.truth == side]
    wrong = Disposition.NEGATIVE if side else Disposition.POSITIVE
    cells = []
    for d in Disposition:
        n = int((mine == d.value).sum())
        tone = "bad" if d is wrong else "plain" if d is Disposition.DEFER else "good"
        cells.append(Cell(f"{n:,}", round(n / max(mine.size, 1), 3), tone))
    return m.pack.unit_words[not side], *cells


def _galleries(m: Material) -> list[Block]:
    escape, overkill = m.pack.error_words
    defer = m.pack.wording[Disposition.DEFER]
    titles = {
        "escape": (f"{escape.capitalize()}: let through, surest first", f"No {escape} was seen."),
        "overkill": (
            f"{overkill.capitalize()}: called out, surest first",
            f"No {overkill} was seen.",
        ),
        "leaning": (f"Leaned the wrong way, but went to a person ({defer})", ""),
        "strange": ("Strangest to the gate", ""),
    }
    blocks: list[Block] = []
    for kind, (title, none) in titles.items():
        if m.worst.get(kind):
            blocks.append(Gallery(title, m.worst[kind]))
        elif none:
            blocks.append(Words(none))
    return blocks


def strangers(m: Material) -> Section:
    """Show how well the gate tells what does not belong."""
    title = "Pictures that do not belong"
    rate, low, high, n = m.policy.flagged
    seen = (
        f"Of {n:,} ordinary held-out pictures the gate held back {formatting.share(rate)} "
        f"(95 % interval {formatting.between((low, high))}); it"
        if n
        else "No ordinary picture was held out to count how many the gate holds back; it"
    )
    own = f"{seen} was set to {formatting.share(m.policy.targets.ood_alpha)}."
    home = m.cases.ood_score[~np.isnan(m.cases.ood_score)]
    if not m.away:
        none = "No strangers were given, so nothing is known about how many it would notice: "
        return Section(
            "strangers", title, (Words(own), Words(none + "give --ood NAME=FOLDER.", "warn"))
        )
    rows, drawn = [], []
    for number, (name, scores) in enumerate(m.away.items()):
        g = m.figures["ood"][name]
        flagged = formatting.short_rate(g)
        rows.append(
            (
                name,
                f"{g['n']:,}",
                flagged,
                formatting.number(g["auroc"]),
                formatting.number(g["fpr95"]),
            )
        )
        if home.size and scores.size:
            svg = draw_strangers(f"strangers-{number}", home, scores, m.ood_limit, name)
            caption = "Each half has its own scale; what lies right of the line goes to a person."
            drawn.append(Figure(svg, caption))
    head = ("strangers", "pictures", "held back (95 % interval)", "AUROC", "FPR95")
    table = Table(
        "How the gate told them from the ordinary pictures of this evaluation", head, tuple(rows)
    )
    honest = "Strangers of another kind may be harder. Near ones are never a solved problem."
    figures = (Figures(tuple(drawn)),) if drawn else ()
    return Section("strangers", title, (Words(own), table, *figures, Words(honest, "quiet")))
