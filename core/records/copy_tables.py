"""The tables of the search for copies among reviewed pictures, each kept for one bundle."""

from __future__ import annotations

from sqlmodel import Field

from core.records.table_base import BY_ID, TableRow


class PictureOriginRow(TableRow, table=True):
    """The picture that a reviewed one was found to be a copy of; itself for none."""

    __tablename__ = "picture_origins"
    __table_args__ = BY_ID

    bundle_sha256: str = Field(primary_key=True)
    content_key: str = Field(primary_key=True)
    origin: str


class ComparedPicturesRow(TableRow, table=True):
    """What pictures compared together are known again by; ``contents`` names them as JSON."""

    __tablename__ = "compared_pictures"

    bundle_sha256: str = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    contents: str
    fingerprints: bytes
