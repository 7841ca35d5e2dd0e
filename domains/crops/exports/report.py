"""A survey as a page to print: where to walk, what it may be, and what nobody knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

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
from core.types import Disposition, Finding, Reason
from domains.crops.exports.areas import describe_area
from domains.crops.exports.field_map import draw_field
from domains.crops.exports.layers import Positions
from domains.crops.exports.report_answers import answer_sections, describe_answer
from domains.crops.exports.report_judge import certified_section, describe_judge
from domains.crops.locale import N_, Language, Sentence
from domains.crops.survey.judged_by import JudgedBy
from domains.crops.survey.values import Survey, SurveyTile, Zone
from domains.crops.verdict_reasons import verdict_sentences

_MAX_ZONES = 20
_MAX_LABELS = 5

_TITLE = N_("Survey of {field}")
_KIND = N_("Crop health from above")
_SUMMARY, _MAP, _ZONES = N_("In short"), N_("The field"), N_("Where to walk")
_UNKNOWN = N_("What could not be judged")
_ONE_ZONE = N_("One zone calls for action. Walk to zone 1 first.")
_MANY_ZONES = N_("{count} zones call for action. Walk to zone 1 first.")
_NO_ZONE = N_("No zone calls for action.")
_ACT, _LOOK, _HEALTHY = N_("To act on"), N_("To look at"), N_("Healthy")
_UNJUDGED = N_("Not judged")
_TILES_ONE, _TILES_MANY = N_("{count} tile"), N_("{count} tiles")
_MAP_TITLE = N_("The field from above, north up")
_LEGEND_ANSWERED = N_(
    "Orange: act. Green: healthy. Hatched: a person decides. Framed: a person has decided. Dotted: "
    "not judged. Numbers are the zones below, the one to walk to first is 1."
)
_COULD_NOT = N_("A person could not tell.")
_LEGEND = N_(
    "Orange: act. Green: healthy. Hatched: a person decides. Dotted: not judged. "
    "Numbers are the zones below, the one to walk to first is 1."
)
_ZONE, _WHAT, _AREA = N_("Zone"), N_("What"), N_("Area")
_SHARE, _MAY_BE, _PLACE = N_("Sick tiles"), N_("What it may be"), N_("Place")
_BETWEEN = N_("{low} % to {high} %")
_MORE_ZONES = N_("{count} more zones are in the files.")
_ONE_MORE_ZONE = N_("One more zone is in the files.")
_REASON, _COUNT = N_("Reason"), N_("Tiles")
_ALL_JUDGED = N_("Every tile was judged.")
_PICTURES, _TILE = N_("Pictures"), N_("Tile {row}, {column}")
_COARSE = N_("Places are left out of this page.")

_WORDS: Mapping[Disposition | None, str] = {
    Disposition.POSITIVE: _ACT,
    Disposition.DEFER: _LOOK,
    Disposition.NEGATIVE: _HEALTHY,
    None: _UNJUDGED,
}


def report_page(survey: Survey, language: Language, positions: Positions) -> ReportPage:
    """Return a survey as a page to print.

    Args:
        survey: What is reported, with what people answered.
        language: Of all sentences but those that the model's certificate is stated in.
        positions: Whether longitudes and latitudes are written; other than exact leaves them out.
    """
    answered = [
        (tile.verdict.wording if tile.verdict else "", tile.answer)
        for tile in survey.tiles
        if tile.answer
    ]
    judge = JudgedBy(survey.bundle, survey.policy, survey.certificates, survey.is_certified)
    sections = [
        Section("summary", language.text(_SUMMARY), _summary(survey, language)),
        Section("map", language.text(_MAP), _map(survey, language)),
        Section("zones", language.text(_ZONES), _zones(survey, language, positions)),
        *answer_sections(answered, _COUNT, language),
        Section("unknown", language.text(_UNKNOWN), _unknown(survey, language)),
        certified_section(judge, language),
    ]
    if pictures := tuple(_pictures(survey, language)):
        gallery = Gallery(language.text(_PICTURES), pictures)
        sections.insert(-2, Section("pictures", language.text(_PICTURES), (gallery,)))
    return ReportPage(
        title=language.render(Sentence(_TITLE, {"field": survey.name})),
        kind=language.text(_KIND),
        made=describe_judge(judge, language),
        sections=sections,
        language=language.code,
        is_right_to_left=language.is_right_to_left,
    )


def _summary(survey: Survey, language: Language) -> tuple[Block, ...]:
    count = sum(zone.disposition is Disposition.POSITIVE for zone in survey.zones)
    first = Sentence(_ONE_ZONE, {"count": count}, plural=_MANY_ZONES) if count else None
    text = language.render(first) if first else language.text(_NO_ZONE)
    kinds: tuple[tuple[Disposition | None, str], ...] = (
        (Disposition.POSITIVE, "bad"),
        (Disposition.DEFER, "warn"),
        (Disposition.NEGATIVE, "good"),
        (None, "plain"),
    )
    tiles = tuple(_stat(survey, kind, tone, language) for kind, tone in kinds)
    return Paragraph(text, "bad" if count else "plain"), Tiles(tiles)


def _stat(survey: Survey, kind: Disposition | None, tone: str, language: Language) -> StatTile:
    chosen = [tile for tile in survey.tiles if tile.called is kind and tile.valid > 0]
    area = sum(tile.area_m2 for tile in chosen)
    return StatTile(
        language.text(_WORDS[kind]),
        describe_area(area, language),
        language.render(Sentence(_TILES_ONE, {"count": len(chosen)}, plural=_TILES_MANY)),
        tone if chosen else "plain",
    )


def _map(survey: Survey, language: Language) -> tuple[Block, ...]:
    has_answers = any(tile.answer for tile in survey.tiles)
    legend = language.text(_LEGEND_ANSWERED if has_answers else _LEGEND)
    drawing = draw_field(survey, _MAX_ZONES)
    return (Figures((draw_figure(drawing, language.text(_MAP_TITLE), legend),)),)


def _zones(survey: Survey, language: Language, positions: Positions) -> tuple[Block, ...]:
    walked = [
        zone
        for zone in survey.zones
        if zone.disposition in (Disposition.POSITIVE, Disposition.DEFER)
    ]
    if not walked:
        return (Paragraph(language.text(_NO_ZONE)),)
    is_exact = positions is Positions.EXACT
    head = [_ZONE, _WHAT, _AREA, _SHARE, _MAY_BE, *([_PLACE] if is_exact else [])]
    rows = tuple(_zone(zone, survey, language, is_exact) for zone in walked[:_MAX_ZONES])
    blocks: list[Block] = [
        Table(language.text(_ZONES), tuple(language.text(name) for name in head), rows)
    ]
    if len(walked) > _MAX_ZONES:
        count = len(walked) - _MAX_ZONES
        more = Sentence(_ONE_MORE_ZONE, {"count": count}, plural=_MORE_ZONES)
        blocks.append(Paragraph(language.render(more), "quiet"))
    if not is_exact:
        blocks.append(Paragraph(language.text(_COARSE), "quiet"))
    return tuple(blocks)


def _zone(zone: Zone, survey: Survey, language: Language, is_exact: bool) -> tuple[str, ...]:
    low, high = round(100 * zone.lowest_share), round(100 * zone.highest_share)
    place = zone.outline.representative_point()
    return (
        str(zone.number),
        language.text(_WORDS[zone.disposition]),
        describe_area(zone.area_m2, language),
        language.render(Sentence(_BETWEEN, {"low": low, "high": high})),
        ", ".join(_labels([survey.tiles[one] for one in zone.tiles])),
        *((f"{place.y:.6f}, {place.x:.6f}",) if is_exact else ()),
    )


def _labels(tiles: Sequence[SurveyTile]) -> list[str]:
    """Return the labels of the positive tiles, the most frequent first."""
    counted = Counter(
        tile.verdict.label
        for tile in tiles
        if tile.verdict and tile.disposition is tile.called is Disposition.POSITIVE
    )
    return [name for name, _ in counted.most_common(_MAX_LABELS)]


def _unknown(survey: Survey, language: Language) -> tuple[Block, ...]:
    counted = Counter(_reason(tile, language) for tile in survey.tiles if _is_open(tile))
    if not counted:
        return (Paragraph(language.text(_ALL_JUDGED)),)
    rows = tuple((reason, str(count)) for reason, count in counted.most_common())
    head = (language.text(_REASON), language.text(_COUNT))
    return (Table(language.text(_UNKNOWN), head, rows),)


def _is_open(tile: SurveyTile) -> bool:
    return tile.called in (None, Disposition.DEFER)


def _reason(tile: SurveyTile, language: Language) -> str:
    if tile.answer is not None:
        return language.text(_COULD_NOT)
    if tile.verdict is None:
        return language.text(tile.status.sentence)
    found = [Finding(Reason(code), "") for code in tile.verdict.reasons]
    return " ".join(language.render(one) for one in verdict_sentences(found))


def _pictures(survey: Survey, language: Language) -> Iterator[Picture]:
    """Yield the tiles most probably sick, each with its place in the grid and what it may be."""
    tiles = {(tile.row, tile.column): tile for tile in survey.tiles}
    for (row, column), jpeg in survey.pictures.items():
        verdict, answer = tiles[row, column].verdict, tiles[row, column].answer
        name = language.render(Sentence(_TILE, {"row": row + 1, "column": column + 1}))
        words = [f"{verdict.wording}, {verdict.label}"] if verdict else []
        if answer is not None:
            words.append(language.render(describe_answer(answer)))
        yield Picture(jpeg, name, ". ".join(words))
