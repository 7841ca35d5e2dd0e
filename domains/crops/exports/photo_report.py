"""Photos as a page to print: where to walk first, what it may be, how sure, what nobody knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.report.blocks import (
    Block,
    Figures,
    Gallery,
    Paragraph,
    Picture,
    Section,
    StatTile,
    Table,
    Tiles,
    draw_figure,
)
from core.report.page import ReportPage
from core.types import Disposition
from domains.crops.exports.layers import Positions
from domains.crops.exports.photo_layer import ExportedPhoto
from domains.crops.exports.photo_map import draw_photos
from domains.crops.exports.photo_rows import (
    ReportedPhoto,
    labels_of,
    name_photo_row,
    row_of,
    what_of,
    why_of,
)
from domains.crops.exports.report_answers import answer_sections
from domains.crops.exports.report_judge import certified_section, describe_judge
from domains.crops.locale import N_, Language, Sentence
from domains.crops.survey.judged_by import JudgedBy
from domains.crops.survey.values import PersonAnswer

_MAX_WALKED, _MAX_DRAWN = 20, 5000

_TITLE, _KIND = N_("Photos of {field}"), N_("Crop health in photos")
_SUMMARY, _MAP, _WALK = N_("In short"), N_("The field"), N_("What to look at first")
_ONE = N_("One photo calls for action. Begin with photo 1.")
_MANY = N_("{count} photos call for action. Begin with photo 1.")
_NONE = N_("No photo calls for action.")
_ACT, _LOOK, _HEALTHY = N_("To act on"), N_("To look at"), N_("Healthy")
_UNFIT, _OF = N_("Cannot be judged"), N_("of {total} photos")
_MAP_TITLE = N_("Where the photos were taken, north up")
_LEGEND = N_(
    "Orange: act. Green: healthy. Hatched: a person decides. Dotted: not judged. A thick rim: a "
    "person has decided. Numbers are the photos below, the one to begin with is 1."
)
_SOME = N_("The map shows the {count} most urgent photos.")
_PHOTO, _WHAT, _SICK = N_("Photo"), N_("What"), N_("Sick, probably")
_MAY_BE, _WHY, _PLACE = N_("What it may be"), N_("Why"), N_("Place")
_MORE_ONE, _MORE = (
    N_("One more photo is in the files."),
    N_("{count} more photos are in the files."),
)
_UNKNOWN, _REASON, _COUNT = N_("What could not be judged"), N_("Reason"), N_("Photos")
_ALL_JUDGED = N_("Every photo was judged.")
_WITHOUT = N_("Photos without a place")
_PICTURES = N_("Pictures")
_COARSE = N_("Places are rounded to about a kilometre, and there is no map.")
_LEFT_OUT = N_("Places are left out of this page.")

_RANKS = {Disposition.POSITIVE: 0, Disposition.DEFER: 1, None: 2, Disposition.NEGATIVE: 3}
_STATS: tuple[tuple[Disposition | None, str, str], ...] = (
    (Disposition.POSITIVE, _ACT, "bad"),
    (Disposition.DEFER, _LOOK, "warn"),
    (Disposition.NEGATIVE, _HEALTHY, "good"),
    (None, _UNFIT, "plain"),
)


@dataclass(frozen=True, slots=True)
class PhotoReport:
    """What is reported.

    Attributes:
        name: Of the field or the folder.
        photos: The most urgent first, as of ``order_photos``.
        judge: What judged them.
        pictures: JPEGs by case, of some.
    """

    name: str
    photos: tuple[ReportedPhoto, ...]
    judge: JudgedBy
    pictures: Mapping[str, bytes]


def order_photos(
    photos: Iterable[ExportedPhoto], answers: Mapping[str, PersonAnswer]
) -> tuple[ReportedPhoto, ...]:
    """Return photos with their answers, by case, the one to look at first before the others."""
    reported = [ReportedPhoto(one, answers.get(one.case)) for one in photos]
    return tuple(
        sorted(reported, key=lambda one: (_RANKS[one.called], -(one.photo.probability or 0.0)))
    )


def photo_page(report: PhotoReport, language: Language, positions: Positions) -> ReportPage:
    """Return photos as a page to print.

    Args:
        report: What is reported.
        language: Of all sentences but those that the model's certificate is stated in.
        positions: Whether longitudes and latitudes are written as they are, rounded or not at all.
    """
    return ReportPage(
        title=language.render(Sentence(_TITLE, {"field": report.name})),
        kind=language.text(_KIND),
        made=describe_judge(report.judge, language),
        sections=photo_sections(report, language, positions),
        language=language.code,
        is_right_to_left=language.is_right_to_left,
    )


def photo_sections(
    report: PhotoReport, language: Language, positions: Positions
) -> tuple[Section, ...]:
    """Return the sections of the page in their order."""
    text, photos = language.text, report.photos
    answered = [(one.photo.verdict, one.answer) for one in photos if one.answer]
    found = (
        ("summary", _SUMMARY, _summary(photos, language)),
        ("map", _MAP, _map(photos, language, positions)),
        ("walk", _WALK, _walk(photos, language, positions)),
        ("pictures", _PICTURES, _gallery(report, language)),
    )
    last = (
        ("unknown", _UNKNOWN, _unknown(photos, language)),
        ("without", _WITHOUT, _without(photos, language)),
    )
    return (
        *(Section(key, text(title), blocks) for key, title, blocks in found if blocks),
        *answer_sections(answered, _COUNT, language),
        *(Section(key, text(title), blocks) for key, title, blocks in last if blocks),
        certified_section(report.judge, language),
    )


def _summary(photos: Sequence[ReportedPhoto], language: Language) -> tuple[Block, ...]:
    counted = Counter(one.called for one in photos)
    count = counted[Disposition.POSITIVE]
    sentence = Sentence(_ONE, {"count": count}, plural=_MANY)
    text = language.render(sentence) if count else language.text(_NONE)
    of = language.render(Sentence(_OF, {"total": len(photos)}))
    tiles = tuple(
        StatTile(language.text(name), f"{counted[kind]:,}", of, tone if counted[kind] else "plain")
        for kind, name, tone in _STATS
    )
    return Paragraph(text, "bad" if count else "plain"), Tiles(tiles)


def _map(
    photos: Sequence[ReportedPhoto], language: Language, positions: Positions
) -> tuple[Block, ...]:
    if positions is not Positions.EXACT:
        return ()
    drawn = photos[:_MAX_DRAWN]
    drawing = draw_photos(
        [one.photo.place for one in drawn],
        [one.called for one in drawn],
        [one.answer is not None for one in drawn],
        len(_walked(photos)[:_MAX_WALKED]),
    )
    if drawing is None:
        return ()
    figure = draw_figure(drawing, language.text(_MAP_TITLE), language.text(_LEGEND))
    if len(photos) <= _MAX_DRAWN:
        return (Figures((figure,)),)
    some = language.render(Sentence(_SOME, {"count": _MAX_DRAWN}))
    return Figures((figure,)), Paragraph(some, "quiet")


def _walked(photos: Sequence[ReportedPhoto]) -> list[ReportedPhoto]:
    return [one for one in photos if one.called in (Disposition.POSITIVE, Disposition.DEFER)]


def _walk(
    photos: Sequence[ReportedPhoto], language: Language, positions: Positions
) -> tuple[Block, ...]:
    walked = _walked(photos)
    if not walked:
        return (Paragraph(language.text(_NONE)),)
    has_place = positions is not Positions.NONE
    head = [_PHOTO, _WHAT, _SICK, _MAY_BE, _WHY, *([_PLACE] if has_place else [])]
    rows = tuple(
        row_of(number, one, language, positions)
        for number, one in enumerate(walked[:_MAX_WALKED], 1)
    )
    names = tuple(language.text(name) for name in head)
    blocks: list[Block] = [Table(language.text(_WALK), names, rows)]
    if more := len(walked[_MAX_WALKED:]):
        sentence = Sentence(_MORE_ONE, {"count": more}, plural=_MORE)
        blocks.append(Paragraph(language.render(sentence), "quiet"))
    if positions is not Positions.EXACT:
        note = _COARSE if has_place else _LEFT_OUT
        blocks.append(Paragraph(language.text(note), "quiet"))
    return tuple(blocks)


def _unknown(photos: Sequence[ReportedPhoto], language: Language) -> tuple[Block, ...]:
    counted = Counter(
        why_of(one.photo, language)
        for one in photos
        if one.answer is None and one.called in (None, Disposition.DEFER)
    )
    if not counted:
        return (Paragraph(language.text(_ALL_JUDGED)),)
    return (_counts(_UNKNOWN, counted, language),)


def _without(photos: Sequence[ReportedPhoto], language: Language) -> tuple[Block, ...]:
    counted = Counter(
        language.render(one.photo.no_place) if one.photo.no_place else ""
        for one in photos
        if one.photo.place is None
    )
    return (_counts(_WITHOUT, counted, language),) if counted else ()


def _counts(title: str, counted: Counter[str], language: Language) -> Table:
    rows = tuple((reason, f"{count:,}") for reason, count in counted.most_common())
    return Table(language.text(title), (language.text(_REASON), language.text(_COUNT)), rows)


def _gallery(report: PhotoReport, language: Language) -> tuple[Block, ...]:
    shown = tuple(_pictures(report, language))
    return (Gallery(language.text(_PICTURES), shown),) if shown else ()


def _pictures(report: PhotoReport, language: Language) -> Iterator[Picture]:
    for number, one in enumerate(report.photos, 1):
        jpeg = report.pictures.get(one.photo.case)
        if jpeg is not None:
            words = (what_of(one, language), labels_of(one.photo), why_of(one.photo, language))
            yield Picture(
                jpeg, name_photo_row(number, one.photo, language), ". ".join(filter(None, words))
            )
