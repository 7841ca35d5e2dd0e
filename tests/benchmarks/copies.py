"""Which copies of known pictures ``evaluate`` recognises among other pictures.

Known are the pictures of train and cal. Copies of cal pictures, one change a kind, come one among
many pictures that are none, so that nothing but the strict limits counts; the manifest's test
pictures of other groups are no copies. What the spectra alone recognise stands first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import cv2
import numpy as np

from core.checking.exposures import SIDE, Reader
from core.checking.facts import detail_of
from core.checking.fine_detail import sample_detail
from core.checking.fingerprints import Fingerprints
from core.checking.kept_keypoints import KeptKeypoints
from core.checking.keypoints import RECORD, KeypointRows, detect, to_record
from core.checking.known_copies import match_copies
from core.imaging.attempt import attempt
from core.labelled import Row
from core.packs import DomainPack, pack_named
from core.settings import Settings
from core.types import U8, Prepared
from tests.benchmarks.sets import HOME, asked, rows_of

COUNT, OTHERS, SEED = 10, 100, 7
RARE = 20  # pictures that are no copies to each that is one


def turn(picture: U8, degrees: float) -> U8:
    """Turn a picture about its middle, black beyond its edges."""
    height, width = picture.shape[:2]
    onto = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), degrees, 1.0)
    return np.asarray(cv2.warpAffine(picture, onto, (width, height), flags=cv2.INTER_CUBIC))


def crop(picture: U8, side: float, rng: np.random.Generator) -> U8:
    """Cut a part out anywhere, so much of each side."""
    height, width = picture.shape[:2]
    h, w = round(side * height), round(side * width)
    y, x = (int(rng.integers(0, room + 1)) for room in (height - h, width - w))
    return picture[y : y + h, x : x + w]


def save(picture: U8, quality: int) -> U8:
    """Save a picture as JPEG and read it."""
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))


def scale(picture: U8, factor: float) -> U8:
    """Scale a picture."""
    how = cv2.INTER_AREA if factor < 1.0 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=how))


def clip(values: np.ndarray) -> U8:
    """Give pixels."""
    return np.clip(values, 0, 255).astype(np.uint8)


KINDS: Mapping[str, Callable[[U8, np.random.Generator], U8]] = {
    "mirrored": lambda p, _: p[:, ::-1],
    "upside down": lambda p, _: p[::-1],
    "quarter turn": lambda p, _: np.rot90(p),
    "turned 3": lambda p, rng: turn(p, float(rng.choice((-3, 3)))),
    "turned 8": lambda p, rng: turn(p, float(rng.choice((-8, 8)))),
    "cropped 95": lambda p, rng: crop(p, 0.95, rng),
    "cropped 90": lambda p, rng: crop(p, 0.9, rng),
    "half size": lambda p, _: scale(p, 0.5),
    "1.5 size": lambda p, _: scale(p, 1.5),
    "JPEG 50": lambda p, _: save(p, 50),
    "noise 8": lambda p, rng: clip(p + rng.normal(0, 8, p.shape)),
    "blurred": lambda p, _: np.asarray(cv2.GaussianBlur(p, (0, 0), max(p.shape) / 200)),
    "20 % brighter": lambda p, _: clip(p * 1.2),
    "30 % darker": lambda p, _: clip(p * 0.7),
    "cropped 90, mirrored, JPEG 70": lambda p, rng: save(
        np.ascontiguousarray(crop(p, 0.9, rng)[:, ::-1]), 70
    ),
}


def main() -> None:
    """Print for each set how many copies of each kind are known, and how many others."""
    print(f"{COUNT} copies a kind, {OTHERS} test pictures at most, seed {SEED}")
    print("known again by spectra alone: with keypoints and finest detail as well")
    for name in asked():
        _measure(name)


def _measure(name: str) -> None:
    pack_name, rows = rows_of(name, Settings(home=HOME))
    pack, rng = pack_named(pack_name), np.random.default_rng(SEED)
    met = [row for row in rows if row.split in ("train", "cal")]
    groups = {row.group for row in met}
    new = [row for row in rows if row.split == "test" and row.group not in groups]
    drawn = [new[at] for at in rng.permutation(len(new))[:OTHERS]]
    cal = [at for at, row in enumerate(met) if row.split == "cal"]
    known = known_fingerprints(pack, met)
    others = [_grey(pack, row.file.read_bytes()) for row in drawn]
    for reads in (False, True):
        started = time.process_time()
        joined = _match(known, others, reads=reads)
        spent = (time.process_time() - started) / max(1, len(others))
        print(
            f"{name}: known {len(met)}, {'now' if reads else 'spectra'}: others taken for copies: "
            f"{sum(one >= 0 for one in joined)} of {len(others)}, {spent:.3f} CPU s a picture"
        )
        for at, one in enumerate(joined):
            if reads and one >= 0:
                print(f"  {drawn[at].file.name} for one of {met[one].file.name}")
    _measure_kinds(name, pack, met, cal, known, rng)


def _measure_kinds(
    name: str,
    pack: DomainPack,
    met: Sequence[Row],
    cal: Sequence[int],
    known: Fingerprints,
    rng: np.random.Generator,
) -> None:
    for kind, change in KINDS.items():
        places = rng.permutation(cal)[:COUNT].tolist()
        copies = [_grey(pack, png_of(change(open_picture(met[at]), rng))) for at in places]
        found = []
        for reads in (False, True):
            matched = _match(known, copies, reads=reads)
            hits = (
                one >= 0 and met[one].group == met[at].group
                for one, at in zip(matched, places, strict=True)
            )
            found.append(sum(hits))
        print(f"{name}, {kind}: {found[0]}: {found[1]} of {len(places)}", flush=True)


def known_fingerprints(pack: DomainPack, rows: Sequence[Row]) -> Fingerprints:
    """Give what pictures are known again by."""
    details, fine = [], []
    for row in rows:
        grey = _grey(pack, row.file.read_bytes())
        details.append(detail_of(grey))
        fine.append(sample_detail(grey))
    group = np.unique([row.group for row in rows], return_inverse=True)[1]
    kept = KeptKeypoints.of(_keypoints(details), np.stack(fine))
    return Fingerprints.of(np.stack(details), group, group, kept)


def _keypoints(details: Sequence[U8]) -> KeypointRows:
    return KeypointRows(np.array([to_record(detect(one)) for one in details], RECORD))


def _match(known: Fingerprints, pictures: Sequence[U8], *, reads: bool) -> Sequence[int]:
    """Match pictures among flat ones, which are no copies of anything."""
    flat = [np.full((SIDE, SIDE), 9, np.uint8)] * (RARE * len(pictures))
    details = np.stack([detail_of(one) for one in [*pictures, *flat]])
    keypoints = _keypoints(details) if reads else None
    found = match_copies(known, details, keypoints, _reader(pictures))
    return [int(one) for one in found[: len(pictures)]]


def _reader(pictures: Sequence[U8]) -> Reader:
    def read(numbers: Sequence[int]) -> Iterator[U8]:
        return (pictures[number] for number in numbers)

    return read


def open_picture(row: Row) -> U8:
    """Read a picture in colour."""
    return np.asarray(cv2.imread(str(row.file), cv2.IMREAD_COLOR))


def png_of(picture: U8) -> bytes:
    """Write a picture as PNG."""
    return bytes(cv2.imencode(".png", np.ascontiguousarray(picture))[1].tobytes())


def _grey(pack: DomainPack, data: bytes) -> U8:
    prepared, _ = attempt(pack, data, SIDE, Settings().max_pixels)
    if not isinstance(prepared, Prepared):
        raise ValueError(f"expected a picture, got: {prepared.message}")
    return np.asarray(cv2.cvtColor(prepared.pixels, cv2.COLOR_RGB2GRAY))
