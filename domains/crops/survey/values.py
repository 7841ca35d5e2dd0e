"""What a survey says of a field: its tiles with their verdicts, and zones of neighbouring tiles.

Positions are longitude and latitude in degrees on WGS 84, in this order. They run on across the
antimeridian, beyond 180 degrees, so that neighbours stay neighbours; ``outline`` cuts them there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shapely.geometry import MultiPolygon, Polygon

from core.types import Disposition, Tile
from domains.crops.locale import N_
from domains.crops.survey.outlines import cut

PACK = "crops"

Position = tuple[float, float]


class TileStatus(StrEnum):
    """Whether a tile was looked at, and if not, why."""

    JUDGED = "judged"
    MEASURED = "measured"
    NO_CROP = "no crop"
    LITTLE_VALID = "little valid"
    UNREADABLE = "unreadable"

    @property
    def sentence(self) -> str:
        """What it means in English, marked for translation."""
        return _SENTENCES[self]


_SENTENCES = {
    TileStatus.JUDGED: N_("The model looked at it."),
    TileStatus.MEASURED: N_("Measured; no model was asked."),
    TileStatus.NO_CROP: N_("Hardly anything green: soil, a road, water, or a crop that is gone."),
    TileStatus.LITTLE_VALID: N_("Too little of it lies on the mosaic."),
    TileStatus.UNREADABLE: N_("This part of the file could not be read."),
}


@dataclass(frozen=True, slots=True)
class TileVerdict:
    """The Assessor's verdict on a tile, without the arrays that it rests on.

    Attributes:
        disposition: Negative, positive or defer.
        wording: The pack's word for it: HEALTHY, ACT or LOOK.
        label: The most probable class.
        labels: The most probable classes with their calibrated probabilities, best first.
        positive_probability: Calibrated; None where the picture never reached the model.
        reasons: Codes of why it is a defer.
        message: The same as a sentence.
        checks: Of each reason, which check found it; empty for those that name none.
        label_set: The labels that it may be, with the coverage that was asked for.
    """

    disposition: Disposition
    wording: str
    label: str
    labels: tuple[tuple[str, float], ...]
    positive_probability: float | None
    reasons: tuple[str, ...]
    message: str
    checks: tuple[str, ...] = ()
    label_set: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """What a person who looked called a tile or a photo.

    Attributes:
        disposition: Negative, positive, or defer where they could not tell.
        wording: The pack's word for it.
        by: Their name.
    """

    disposition: Disposition
    wording: str
    by: str


@dataclass(frozen=True, slots=True)
class SurveyTile:
    """One tile of a mosaic.

    Attributes:
        row: Its row in the grid of tiles, from the mosaic's first row.
        column: Its column.
        place: Digest of the mosaic, and the pixel that is the tile's first.
        height: Rows of pixels.
        width: Columns of pixels.
        ring: Corners in order around it, the first not repeated.
        area_m2: Area on the ground.
        status: Whether it was looked at.
        valid: Share of its pixels that hold a value.
        crop: Share of the valid pixels that are green; None where colours were not read.
        indices: Vegetation indices by name, of the means over its valid pixels.
        verdict: None where no model looked at it.
        detail: What was measured where the status is none of a verdict.
        case: Id of the case by which a person is asked about it; empty where nobody is.
        answer: What a person called it; None while nobody has.
    """

    row: int
    column: int
    place: Tile
    height: int
    width: int
    ring: tuple[Position, ...]
    area_m2: float
    status: TileStatus
    valid: float
    crop: float | None
    indices: Mapping[str, float]
    verdict: TileVerdict | None = None
    detail: str = ""
    case: str = ""
    answer: PersonAnswer | None = None

    @property
    def called(self) -> Disposition | None:
        """What a person called it, else what the verdict is; None without either."""
        return self.answer.disposition if self.answer else self.disposition

    @property
    def disposition(self) -> Disposition | None:
        """What the verdict is; None without one."""
        return self.verdict.disposition if self.verdict else None

    @property
    def outline(self) -> Polygon | MultiPolygon:
        """Its area on the map, cut at the antimeridian, rings as RFC 7946 wants them."""
        return cut(Polygon(self.ring))


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """Neighbouring tiles that call for the same thing.

    Every tile of the zone was looked at, so that its share of tiles has no sampling error. What is
    open are the tiles that a person decides: the share of positive tiles lies between
    ``lowest_share``, should all of them be negative, and ``highest_share``.

    Attributes:
        number: From 1, the one to walk to first before the others.
        disposition: What most of its tiles are; None where no tile of it was judged.
        tiles: Places of its tiles in ``Survey.tiles``.
        area: Its area on the map, running on across the antimeridian.
        area_m2: Area on the ground.
        positive: How many of its tiles are positive.
        uncertain: How many a person has to decide, or could not tell.
        answered: How many a person answered, whose answers count in place of the verdicts.
        certificate: What is certified about such verdicts, and for what; never more than that.
    """

    number: int
    disposition: Disposition | None
    tiles: tuple[int, ...]
    area: Polygon | MultiPolygon
    area_m2: float
    positive: int
    uncertain: int
    certificate: str
    answered: int = 0

    @property
    def share(self) -> float:
        """Share of its tiles that are positive."""
        return self.positive / len(self.tiles)

    @property
    def lowest_share(self) -> float:
        """Share of positive tiles should every uncertain one be negative."""
        return self.share

    @property
    def highest_share(self) -> float:
        """Share of positive tiles should every uncertain one be positive."""
        return (self.positive + self.uncertain) / len(self.tiles)

    @property
    def outline(self) -> Polygon | MultiPolygon:
        """Its area on the map, cut at the antimeridian, rings as RFC 7946 wants them."""
        return cut(self.area)


@dataclass(frozen=True, slots=True)
class Grid:
    """How a mosaic was cut.

    Attributes:
        rows: Rows of tiles.
        columns: Columns of tiles.
        height: Rows of pixels of a tile; those of the last row may have fewer.
        width: Columns of pixels of a tile.
        tile_m: Side of a tile on the ground that was asked for, in metres.
        pixel_m: Ground size of a pixel, down and across, in metres.
    """

    rows: int
    columns: int
    height: int
    width: int
    tile_m: float
    pixel_m: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """A surveyed mosaic.

    Attributes:
        name: The file's name.
        sha256: Digest of its bytes.
        crs: Its coordinate system as WKT 2.
        accuracy_m: Of the way from there to WGS 84; None where it is not known.
        bands: Names of its bands.
        grid: How it was cut.
        tiles: Row by row.
        zones: The one to walk to first before the others.
        bundle: Name of the bundle that judged; empty where none did.
        policy: Id of the policy; empty where none judged.
        certificates: The sentences of the policy's certificates.
        is_certified: Whether the policy bounds how often a tile that calls for something is missed.
        refused: Indices that cannot be had from this mosaic, each with the reason.
        pictures: JPEGs of the tiles most probably sick by row and column, the worst first.
        waiting: How many tiles a person was asked about and nobody had answered at its end.
        not_asked: How many more need a person and are not asked about.
        withdrawn: How many tiles of an earlier survey, cut otherwise, waited and wait no longer.
    """

    name: str
    sha256: str
    crs: str
    accuracy_m: float | None
    bands: tuple[str, ...]
    grid: Grid
    tiles: tuple[SurveyTile, ...]
    zones: tuple[Zone, ...]
    bundle: str
    policy: str
    certificates: tuple[str, ...]
    is_certified: bool
    refused: Mapping[str, str]
    pictures: Mapping[tuple[int, int], bytes] = field(default_factory=dict)
    waiting: int = 0
    not_asked: int = 0
    withdrawn: int = 0

    @property
    def center(self) -> Position:
        """Middle of the box around all tiles."""
        corners = [corner for tile in self.tiles for corner in tile.ring]
        lons, lats = [lon for lon, _ in corners], [lat for _, lat in corners]
        return (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2
