"""A multipart/related body cut into its parts while it arrives; one part in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from core.errors import InputError

DICOM = "application/dicom"


class MalformedBody(InputError):
    """The body is not what its content type says."""


def boundary_of(content_type: str) -> bytes:
    """Return the boundary of ``multipart/related; type="application/dicom"``.

    Raises:
        MalformedBody: It is another type, or has no boundary.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/related" or options.get(b"type", b"").lower() != DICOM.encode():
        raise MalformedBody(f'The content type must be multipart/related; type="{DICOM}".')
    if not 0 < len(boundary) <= 70:
        raise MalformedBody("A boundary has 1 to 70 characters.")
    return boundary


class Parts:
    """Collects parts as chunks are fed in; the body of one that is too large is dropped.

    Args:
        boundary: What stands between the parts.
        most: Largest part in bytes.
    """

    def __init__(self, boundary: bytes, most: int) -> None:
        self._most = most
        self._body = bytearray()
        self._too_large = self._ended = False
        self._done: list[bytes | None] = []
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._close,
            },
        )

    @property
    def buffered(self) -> int:
        """Bytes of the unfinished part."""
        return len(self._body)

    def feed(self, chunk: bytes) -> Iterator[bytes | None]:
        """Yield every part that ends in a chunk, None for one that is too large.

        Raises:
            MalformedBody: The chunk does not go on as a multipart body does.
        """
        try:
            self._parser.write(chunk)
        except MultipartParseError as exc:
            raise MalformedBody("The body is no multipart body.") from exc
        done, self._done = self._done, []
        yield from done

    def close(self) -> None:
        """Note that nothing more comes.

        Raises:
            MalformedBody: The closing boundary is missing: the last part is not whole.
        """
        if not self._ended:
            raise MalformedBody("The body ended before its closing boundary.")

    def _begin(self) -> None:
        self._body, self._too_large = bytearray(), False

    def _data(self, data: bytes, start: int, end: int) -> None:
        if len(self._body) + end - start > self._most:
            self._body, self._too_large = bytearray(), True
        if not self._too_large:
            self._body += data[start:end]

    def _end(self) -> None:
        self._done.append(None if self._too_large else bytes(self._body))
        self._body = bytearray()

    def _close(self) -> None:
        self._ended = True
