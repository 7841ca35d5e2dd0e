"""One tile of a survey: its picture, what was found, and the answer of whoever is asked."""

from __future__ import annotations

from core.packs import pack_named
from core.records.case_filter import CaseFilter
from core.records.cases import CaseDetail
from core.service.review.review import ReviewSession
from core.types import Finding, Reason
from dashboard import widgets
from dashboard.case_links import case_link
from domains.crops.locale import N_, Language, Sentence
from domains.crops.pages.case_answer import draw_answers, open_case, picture_html, state_of
from domains.crops.survey.values import PACK, Survey, SurveyTile
from domains.crops.tile_file import name_mosaic
from domains.crops.verdict_reasons import verdict_sentences

_TILE, _MAY_BE = N_("Tile {row}, {column}"), N_("What it may be")
_MISSING = N_("The picture of this tile was cleared away. Survey the mosaic again to see it.")
_OPEN = N_("Open it for review")


def draw(session: ReviewSession, survey: Survey, tile: SurveyTile, language: Language) -> None:
    """Draw a tile; with its case, where a person is asked about it.

    Args:
        session: The open store.
        survey: The survey.
        tile: One of its tiles.
        language: Of the page.
    """
    where = language.render(Sentence(_TILE, {"row": tile.row + 1, "column": tile.column + 1}))
    widgets.text(where, "heading")
    detail = open_case(session, tile.case) if tile.case else None
    if detail is not None:
        _draw_picture(session, detail, where, language)
    elif jpeg := survey.pictures.get((tile.row, tile.column)):
        widgets.picture(jpeg, where, height="40vh")
    widgets.text(_what(tile, language))
    if detail is not None:
        widgets.text(state_of(session, detail, language))
        draw_answers(session, detail, "tile", language)
        case_link(pack_named(PACK), tile.case, language.text(_OPEN))
    if tile.verdict and tile.verdict.labels:
        widgets.text(language.text(_MAY_BE), "quiet")
        for label, probability in tile.verdict.labels[:3]:
            widgets.text(f"{label.replace('_', ' ')}: {100 * probability:.0f} %")
    for name, value in tile.indices.items():
        widgets.text(f"{name} {value:.3f}", "quiet")


def cases_of_survey(survey: Survey) -> CaseFilter:
    """Return the filter that means the tiles of a survey that wait for a person."""
    return CaseFilter(packs=(PACK,), sites=(name_mosaic(survey.sha256),))


def _draw_picture(
    session: ReviewSession, detail: CaseDetail, where: str, language: Language
) -> None:
    for made in filter(None, (image.decision for image in detail.images[-1:])):
        shown = picture_html(session, made, where, language.text(_MISSING))
        kind = made.disposition.value
        widgets.html(f'<figure class="crops-photo crops-tile {kind}">{shown}</figure>')


def _what(tile: SurveyTile, language: Language) -> str:
    if tile.verdict is None:
        return f"{language.text(tile.status.sentence)} {tile.detail}".strip()
    found = [Finding(Reason(code), "") for code in tile.verdict.reasons]
    sentences = (language.render(one) for one in verdict_sentences(found))
    return " ".join((tile.verdict.wording, *sentences))
