"""What was sent is counted once, and anew whenever a file has arrived."""

import cv2
import numpy as np

from core.service.intake.resumable import Announced, Batch, BatchLimits
from domains.crops.pages import sent_files as module
from domains.crops.pages.sent_files import SentFiles, sent_files

PHOTO = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()


def send(batch, name, data, *, until=None):
    upload = batch.announce(Announced(name, len(data)))
    with batch.appending(upload.id, 0) as appender:
        appender.write(data[:until])
    return upload


def test_each_arrival_counts_and_nothing_is_opened_twice(tmp_path, monkeypatch):
    opened = []
    is_photo = module.is_photo
    monkeypatch.setattr(
        module, "is_photo", lambda upload: opened.append(upload.id) or is_photo(upload)
    )
    folder = tmp_path / "upload"
    assert sent_files(folder) == SentFiles(0, ())
    batch = Batch(folder, BatchLimits(free_bytes=0))
    send(batch, "a.jpg", PHOTO)
    half = send(batch, "b.jpg", PHOTO + b" ", until=20)
    mosaic = send(batch, "m.tif", b"II*\0 a mosaic")
    found = sent_files(folder)
    assert (found.photos, [one.id for one in found.mosaics]) == (1, [mosaic.id])

    looked = len(opened)
    assert sent_files(folder) == found
    assert len(opened) == looked
    with batch.appending(half.id, 20) as appender:
        appender.write((PHOTO + b" ")[20:])
    assert sent_files(folder).photos == 2
