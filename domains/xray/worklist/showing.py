"""What the worklist page shows, in words and rows, without a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from core.records.case_headers import Headers
from core.records.cases import CaseDetail, CaseImage
from core.service.review.case_rules import header_value
from core.service.review.order import LONGEST_WAIT, Rank
from core.service.review.reading_list import ListEntry, ReadingList
from core.types import Disposition, Finding, Reason
from domains.xray.worklist.history import moment_of
from domains.xray.worklist.persons import by_person

DISCLAIMER = "Research and decision support"
BANNER = f"{DISCLAIMER}. The order is a proposal; nothing here replaces a radiologist's read."
LONGEST_TABLE = 300
MOST_PEOPLE = 4

_WHY = {
    Reason.AMBIGUOUS: "between the limits",
    Reason.NOVEL: "unlike the training pictures",
    Reason.UNREADABLE: "could not be read",
    Reason.POOR_QUALITY: "poor picture",
    Reason.WRONG_INPUT: "not the picture it judges",
    Reason.NOT_CERTIFIED: "no certificate yet",
    Reason.AUDIT: "read blind",
    Reason.FAULT: "the system failed",
    Reason.CORRECTED: "contradicts an earlier read",
}
_RANKS = {
    Rank.URGENT: "STAT",
    Rank.OVERDUE: f"waits over {LONGEST_WAIT.total_seconds() / 3600:g} h",
}


def waiting_text(waited: timedelta) -> str:
    """Return how long a case has waited: ``4 min``, ``2 h 05``, ``3 d 04 h``."""
    minutes = max(0, int(waited.total_seconds() // 60))
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24:02} h"
    return f"{hours} h {rest:02}" if hours else f"{rest} min"


def queue_text(found: ReadingList, detail: CaseDetail, now: datetime) -> str:
    """Return how urgent a case is, where it stands on the list, and how long it has waited.

    Of a case that is read blind besides the first read, no more than its place.
    """
    ids = [line.case.item.case_id for line in found.to_read]
    own = detail.item
    if own.read:  # stands before the first of the list, as if it were that one
        return f"1 of {max(len(ids), 1):,} to read"
    place = ids.index(own.case_id) + 1 if own.case_id in ids else None
    of = f"{place:,} of {len(ids):,} to read" if place else f"{len(ids):,} more to read"
    priority = header_value(tuple(image.meta for image in detail.images), "priority")
    return " · ".join(filter(None, (priority, of, f"waiting {waiting_text(now - own.opened_at)}")))


def stat_text(found: ReadingList, case_id: str, now: datetime) -> str:
    """Return which STAT waits besides the case before the reader; empty for none."""
    lines = [one for one in found.to_read if one.rank is Rank.URGENT]
    others = [one for one in lines if one.case.item.case_id != case_id]
    if not others:
        return ""
    first = others[0]
    name = patient_text(first.case.headers) or study_text(first.case.headers)
    waited = waiting_text(now - first.case.item.opened_at)
    more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
    return f"STAT waits {waited}: {name}{more}."


def rank_text(line: ListEntry) -> str:
    """Return in a few words why a case is where it is on the list."""
    parts = [_RANKS[line.rank]] if line.rank in _RANKS else []
    if line.contradictions:
        parts.append(f"names different patients: {', '.join(line.contradictions)}")
    if header_value(line.case.headers, "study_uid") and moment_of(line.case.headers) is None:
        parts.append("no study date")
    if not line.is_hidden:
        parts += dict.fromkeys(map(finding_text, line.case.findings))
    return ", ".join(parts)


def finding_text(finding: Finding) -> str:
    """Return a finding in a few words, with its check where there is one."""
    words = _WHY[finding.reason]
    return f"{words} ({finding.check})" if finding.check else words


def table(
    lines: Sequence[ListEntry],
    wording: Mapping[Disposition, str],
    now: datetime,
    first: int = 1,
) -> dict[str, list[object]]:
    """Return lines of the list as columns; verdicts that nobody may see stay out of them."""
    shown = any(not line.is_hidden for line in lines)
    columns: dict[str, list[object]] = {
        "#": list(range(first, first + len(lines))),
        "Waiting": [waiting_text(now - line.case.item.opened_at) for line in lines],
        "Priority": [header_value(line.case.headers, "priority") for line in lines],
        "Patient": [_patient_cell(line) for line in lines],
        "Study": [_study_cell(line) for line in lines],
    }
    if shown:
        columns["Verdict"] = [
            "" if line.is_hidden else wording[line.case.item.disposition] for line in lines
        ]
        columns["Probability"] = [
            None if line.is_hidden else line.case.item.positive_probability for line in lines
        ]
    columns["Why here"] = [rank_text(line) for line in lines]
    return columns


def _patient_cell(line: ListEntry) -> str:
    """Return the patient; of a contradictory study the names alone, for one cell."""
    names = list(dict.fromkeys(map(name_text, by_person(line.case.headers))))
    return " / ".join(names) if len(names) > 1 else patient_text(line.case.headers)


def _study_cell(line: ListEntry) -> str:
    images = f"{line.case.item.images} images" if line.case.item.images > 1 else ""
    study = study_text(line.case.headers) or line.case.item.key[:12]
    return " · ".join(filter(None, (study, images)))


def patient_text(headers: Headers) -> str:
    """Return the patient as the files state: name, number, sex and age; each of several."""
    people = by_person(headers)
    if len(people) > 1:
        named = [_person_text(one) for one in people[:MOST_PEOPLE]]
        more = [f"{len(people) - MOST_PEOPLE} more"] if len(people) > MOST_PEOPLE else []
        return " / ".join([*named, *more])
    return " · ".join(filter(None, (name_text(headers), about_text(headers))))


def _person_text(headers: Headers) -> str:
    """Return everything by which one of several patients of a study differs from the others."""
    number, issuer = header_value(headers, "patient_id"), header_value(headers, "patient_issuer")
    born = header_value(headers, "patient_birth_date")
    words = (
        name_text(headers) or "no name",
        f"{number} ({issuer})" if issuer else number,
        f"born {date_text(born)}" if born else "",
        header_value(headers, "patient_sex"),
    )
    return " · ".join(filter(None, words))


def name_text(headers: Headers) -> str:
    """Return the patient's name without the carets between its parts."""
    return " ".join(header_value(headers, "patient_name").replace("^", " ").split())


def about_text(headers: Headers) -> str:
    """Return the patient's number, sex and age."""
    words = (header_value(headers, f"patient_{word}") for word in ("id", "sex", "age"))
    return " · ".join(filter(None, words))


def study_text(headers: Headers) -> str:
    """Return the study: date, time, description, accession number."""
    moment = " ".join(filter(None, (date_text_of(headers), time_text(headers))))
    words = (moment, header_value(headers, "study_description"), header_value(headers, "accession"))
    return " · ".join(filter(None, words))


def date_text_of(headers: Headers) -> str:
    """Return the study's date as 2026-11-21, or as the file does where it is no such date."""
    return date_text(header_value(headers, "study_date"))


def date_text(date: str) -> str:
    """Return a date as 2026-11-21, or as it stands where it is no such date."""
    plain = len(date) == 8 and date.isdecimal()
    return f"{date[:4]}-{date[4:6]}-{date[6:]}" if plain else date


def time_text(headers: Headers) -> str:
    """Return the study's time as 14:05."""
    time = header_value(headers, "study_time")
    return f"{time[:2]}:{time[2:4]}" if time[:4].isdecimal() and len(time) >= 4 else ""


def image_text(image: CaseImage) -> str:
    """Return view and date of one image, for the button that shows it."""
    own = (image.meta,)
    words = filter(
        None, (header_value(own, "modality"), header_value(own, "view"), date_text_of(own))
    )
    return " ".join(words) or image.name[-24:]


def pane_title(image: CaseImage) -> str:
    """Return whose picture a pane shows, and of when."""
    own = (image.meta,)
    lines = (patient_text(own), study_text(own), image_text(image))
    return "\n".join(filter(None, lines))


def order_text(found: ReadingList) -> str:
    """Return in which order the list is."""
    if found.failure:
        return (
            f"First come, first served behind the STAT, since the proposed order failed: "
            f"{found.failure}"
        )
    if not found.is_proposed:
        return "First come, first served behind the STAT; verdicts are recorded and not shown."
    hours = f"{LONGEST_WAIT.total_seconds() / 3600:g} h"
    order = (
        f"Proposed order: STAT, whoever waits over {hours}, likely abnormal, not judged, likely "
        "normal."
    )
    if len(set(found.stages.values())) == 1:
        return order
    return f"{order} Cases whose verdict is not shown stand among those not judged, in turn."


def legend(wording: Mapping[Disposition, str]) -> str:
    """Return what the colours of the heat map mean."""
    return f"heat map: orange raises the score for {wording[Disposition.POSITIVE]}, blue lowers it"


def left_out_text(lines: int) -> str:
    """Return how many lines of a long list the table leaves out; empty for none."""
    left = lines - LONGEST_TABLE
    return f"{left:,} more stand behind these." if left > 0 else ""


def covered_text(*, hidden: bool) -> str:
    """Return why no verdict is shown."""
    if hidden:
        return "Read it as if nothing had judged it: the verdict is recorded and not shown."
    return "The verdict is uncovered after you have answered."


def answered_text(detail: CaseDetail, wording: Mapping[Disposition, str]) -> str:
    """Return what the reader answered before the verdict was uncovered, and whether they agree."""
    answer = detail.reviews[-1].disposition
    if answer is None:
        return ""
    answered = f"You answered {wording[answer]}."
    if detail.item.disposition is Disposition.DEFER:
        return f"{answered} The verdict left it to you."
    same = answer is detail.item.disposition
    return f"{answered} The verdict {'is the same' if same else 'differs'}; change it or go on."


def unjudged_text(waiting: int) -> str:
    """Return what has come and stands on no list yet; empty when nothing does."""
    if not waiting:
        return ""
    images = "1 received image is" if waiting == 1 else f"{waiting:,} received images are"
    return f"{images} not judged yet and not on this list; until then read from the archive."


def spacing_of(meta: Mapping[str, str]) -> tuple[float, float] | None:
    """Return the millimetres from row to row and from column to column; None where none stand."""
    try:
        row, column = (float(one) for one in meta.get("spacing_mm", "").split(" x "))
    except ValueError:
        return None
    return row, column
