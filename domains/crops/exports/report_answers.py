"""What people answered, as a part of the page to print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from core.report.blocks import Paragraph, Section, Table
from domains.crops.locale import N_, Language, Sentence
from domains.crops.survey.values import PersonAnswer

_PEOPLE = N_("What people answered")
_VERDICT, _ANSWER, _WHO = N_("Verdict"), N_("Answer"), N_("Who")
_COUNTS = N_("An answer counts in place of the verdict, on the map and in the zones.")
_CALLED = N_("{name} called it {word}.")


def describe_answer(answer: PersonAnswer) -> Sentence:
    """Return who called it what."""
    return Sentence(_CALLED, {"name": answer.by, "word": answer.wording})


def answer_sections(
    answered: Iterable[tuple[str, PersonAnswer]], counted_as: str, language: Language
) -> Iterator[Section]:
    """Yield a section that counts what people answered beside the verdicts; none without any.

    Args:
        answered: The verdict's word, empty without one, and the answer.
        counted_as: What is counted, marked for translation.
        language: Of the section.
    """
    counted = Counter((verdict, answer.wording, answer.by) for verdict, answer in answered)
    if not counted:
        return
    rows = tuple((*named, str(count)) for named, count in sorted(counted.items()))
    head = tuple(language.text(name) for name in (_VERDICT, _ANSWER, _WHO, counted_as))
    title = language.text(_PEOPLE)
    blocks = Table(title, head, rows), Paragraph(language.text(_COUNTS), "quiet")
    yield Section("answers", title, blocks)
