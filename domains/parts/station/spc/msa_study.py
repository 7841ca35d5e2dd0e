"""The readings of an agreement study, from a CSV file with one line a reading."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError
from domains.parts.station.part import InspectedPart

COLUMNS = ("part", "reference", "appraiser", "trial", "result")
PASS_WORDS = frozenset({"1", "pass", "passed", "good", "ok", "accept", "accepted", "yes", "go"})
FAIL_WORDS = frozenset(
    {"0", "fail", "failed", "stop", "bad", "nok", "ng", "reject", "rejected", "no", "no-go"}
)

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class MsaStudy:
    """Every appraiser's reading of every part in every trial, with the reference.

    Attributes:
        parts: Names of the ``n`` parts.
        appraisers: Names of the ``a`` appraisers, in the order of the file.
        reference: bool ``n``: whether the part is bad.
        rejected: bool ``n x a x t``: whether the appraiser rejected it.
    """

    parts: tuple[str, ...]
    appraisers: tuple[str, ...]
    reference: NDArray[np.bool_]
    rejected: NDArray[np.bool_]

    @property
    def is_small(self) -> bool:
        """Whether there are fewer than AIAG's 50 parts, 3 appraisers and 3 trials."""
        parts, appraisers, trials = self.rejected.shape
        return bool(parts < 50 or appraisers < 3 or trials < 3)


def read_study(path: Path) -> MsaStudy:
    """Return a study, read from its file.

    Args:
        path: A CSV file with the columns part, reference, appraiser, trial and result; separated by
            comma or semicolon. Results and references are pass or fail, good or bad, 1 or 0.

    Raises:
        DataError: It cannot be read, or a reading is missing, doubled or no pass or fail; every
            problem is named at once.
    """
    return to_study(read_rows(path))


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the readings of a file, one a line.

    Args:
        path: A CSV file with the columns part, reference, appraiser, trial and result; separated by
            comma or semicolon. Results and references are pass or fail, good or bad, 1 or 0.

    Raises:
        DataError: It cannot be read, or has not these columns.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise DataError(
            f"The study {path} cannot be read: {exc}.", hint="Give a CSV file."
        ) from exc
    head, _, _ = text.partition("\n")
    reader = csv.DictReader(text.splitlines(), delimiter=";" if ";" in head else ",")
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise DataError(
            f"The study {path} has no column {', '.join(missing)}; expected {', '.join(COLUMNS)}.",
            hint="Write one line a reading.",
        )
    return list(reader)


def station_rows(
    rows: Iterable[Mapping[str, str]], parts: Iterable[InspectedPart], station: str
) -> list[dict[str, str]]:
    """Return the readings of the station as one more appraiser of a study.

    Its readings are what it did with the study's parts, known by their ids, in the order in which
    they were shown; whatever is no PASS is a rejection, as it is on the line.

    Args:
        rows: The other appraisers' readings.
        parts: The station's parts since the study began.
        station: Name of the station, which is the appraiser's.

    Raises:
        DataError: It saw none of the parts, or one more often than there are trials.
    """
    references: dict[str, str] = {}
    trials: dict[str, None] = {}
    for row in rows:
        references.setdefault((row.get("part") or "").strip(), row.get("reference") or "")
        trials.setdefault((row.get("trial") or "").strip())
    shown: dict[str, list[InspectedPart]] = {}
    for one in sorted(parts, key=lambda part: part.trigger.number):
        if one.part_id in references:
            shown.setdefault(one.part_id, []).append(one)
    if not shown:
        raise DataError(
            f"The store holds no reading of the study's parts by a station {station!r}.",
            hint="Parts are known by their ids; give the station's name, and an earlier --since.",
        )
    too_often = [name for name, times in shown.items() if len(times) > len(trials)]
    if too_often:
        raise DataError(
            f"The station saw {', '.join(too_often[:_SHOWN])} more than {len(trials)} times.",
            hint="Give with --since when the study began.",
        )
    return [
        {
            "part": name,
            "reference": references[name],
            "appraiser": station,
            "trial": trial,
            "result": one.result.value,
        }
        for name, times in shown.items()
        for trial, one in zip(trials, times, strict=False)
    ]


def to_study(rows: Iterable[Mapping[str, str]]) -> MsaStudy:
    """Return the study that rows of readings make up.

    Raises:
        DataError: A reading is missing, doubled or no pass or fail; or the study is too small.
    """
    readings: dict[tuple[str, str, str], bool] = {}
    references: dict[str, bool] = {}
    problems = list(_gather(rows, readings, references))
    parts, appraisers, trials = (
        tuple(dict.fromkeys(key[place] for key in readings)) for place in range(3)
    )
    cells = [(p, a, t) for p in parts for a in appraisers for t in trials]
    problems += [f"no reading of {_name(cell)}" for cell in cells if cell not in readings]
    if not problems:
        problems = list(_too_small(references, appraisers, trials))
    if problems:
        more = f" and {len(problems) - _SHOWN:,} more" if len(problems) > _SHOWN else ""
        raise DataError(
            f"The study cannot be analysed: {'; '.join(problems[:_SHOWN])}{more}.",
            hint="Every appraiser reads every part in every trial; a part has one reference.",
        )
    shape = len(parts), len(appraisers), len(trials)
    return MsaStudy(
        parts,
        appraisers,
        np.array([references[part] for part in parts], np.bool_),
        np.array([readings[cell] for cell in cells], np.bool_).reshape(shape),
    )


def _gather(
    rows: Iterable[Mapping[str, str]],
    readings: dict[tuple[str, str, str], bool],
    references: dict[str, bool],
) -> Iterator[str]:
    for line, row in enumerate(rows, 2):
        values = {name: (row.get(name) or "").strip() for name in COLUMNS}
        empty = [name for name, value in values.items() if not value]
        if empty:
            yield f"line {line}: no {', '.join(empty)}"
            continue
        result, reference = (_is_bad(values[name]) for name in ("result", "reference"))
        if result is None or reference is None:
            word = values["result"] if result is None else values["reference"]
            yield f"line {line}: expected pass or fail, got {word!r}"
            continue
        cell = values["part"], values["appraiser"], values["trial"]
        if cell in readings:
            yield f"line {line}: a second reading of {_name(cell)}"
        if references.setdefault(cell[0], reference) != reference:
            yield f"line {line}: part {cell[0]} has another reference than before"
        readings[cell] = result


def _too_small(
    references: Mapping[str, bool], appraisers: tuple[str, ...], trials: tuple[str, ...]
) -> Iterator[str]:
    if len(trials) < 2:
        yield f"expected 2 trials or more, got {len(trials)}"
    if len(appraisers) < 2:
        yield f"expected 2 appraisers or more, got {len(appraisers)}"
    if len(set(references.values())) < 2:
        yield "expected good and bad parts by the reference, got one kind"


def _is_bad(word: str) -> bool | None:
    folded = word.casefold()
    if folded in FAIL_WORDS:
        return True
    return False if folded in PASS_WORDS else None


def _name(cell: tuple[str, str, str]) -> str:
    return f"part {cell[0]} by {cell[1]} in trial {cell[2]}"
