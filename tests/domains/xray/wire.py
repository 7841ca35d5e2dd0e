"""Both ends of the wire for the node's tests: objects, an opened node, real senders."""

from __future__ import annotations

import shutil
import socket
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.transport import AssociationSocket
from sqlalchemy import func, select

from core.records.connection import open_store, reading
from core.records.tables import JOBS, RECEIPTS
from core.service.intake.limits import Limits
from core.settings import Settings
from domains.xray.node.bounded_socket import BoundedSocket
from domains.xray.node.node import NodeOptions, bind_listeners
from domains.xray.node.peers import Peers

DX = "1.2.840.10008.5.1.4.1.1.1.1"
VERIFICATION = "1.2.840.10008.1.1"
ROOM = Limits(silence_s=5.0, free_bytes=0)


_shut = AssociationSocket._shutdown_socket


def _shut_for_good(self: AssociationSocket) -> None:
    """Close what pynetdicom as a sender leaves to the collector when it was hung up on."""
    left = self.socket
    _shut(self)
    if left is not None and not isinstance(left, BoundedSocket):
        left.close()


AssociationSocket._shutdown_socket = _shut_for_good


def an_object(name: str, *, study: str = "1.2.3", sop_class: str = DX, side: int = 8, **tags):
    """Make a grey picture; ``name`` is the last part of its SOP Instance UID."""
    made = Dataset()
    made.SOPClassUID = sop_class
    made.SOPInstanceUID = f"{study}.{name}"
    made.StudyInstanceUID = study
    made.Modality = "DX"
    made.PatientName = "Doe^Jane"
    made.Rows = made.Columns = side
    made.SamplesPerPixel = 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit = 7
    made.PixelRepresentation = 0
    rng = np.random.default_rng(int(name))
    made.PixelData = rng.integers(0, 256, (side, side), np.uint8).tobytes()
    made["PixelData"].VR = "OB"
    for keyword, value in tags.items():
        setattr(made, keyword, value)
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return made


def file_of(dataset: Dataset) -> bytes:
    """Write it as pydicom writes files."""
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@contextmanager
def a_node(
    home: Path, *, peers: Peers | None = None, limits: Limits = ROOM, site: str = "", **options
):
    """Open a node of our own; yields the store, then folder, DIMSE and web listeners."""
    home.mkdir(parents=True, exist_ok=True)
    store = open_store(home / "assay.sqlite")
    opened = bind_listeners(
        NodeOptions(**options), peers or Peers(), store, Settings(), site=site, limits=limits
    )
    for listener in opened:
        listener.start()
    try:
        yield store, *opened
    finally:
        for listener in opened:
            if listener.is_alive:
                listener.stop(1.0)
        store.close()


@contextmanager
def calling(
    port: int,
    *classes: str,
    called: str = "ASSAY",
    calling: str = "PACS",
    address: str = "127.0.0.1",
    **tls,
):
    """Associate as a PACS would; gives the association, accepted or not."""
    ae = AE(calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 20
    for one in classes or (DX, VERIFICATION):
        ae.add_requested_context(one, [ExplicitVRLittleEndian])
    association = ae.associate(address, port, ae_title=called, **tls)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def kept(store) -> list[tuple[str, str, str]]:
    """List key, state and source of every receipt, in order of coming."""
    columns = (RECEIPTS.c.key, RECEIPTS.c.state, RECEIPTS.c.source)
    query = select(*columns).order_by(RECEIPTS.c.received_at)
    with reading(store) as connection:
        return [tuple(row) for row in connection.execute(query)]


def queued(store) -> int:
    """Count the jobs to assess an object."""
    with reading(store) as connection:
        query = select(func.count()).select_from(JOBS).where(JOBS.c.kind == "assess")
        return connection.scalar(query)


def dcmtk(name: str) -> str:
    """Find a program of dcmtk, which CI installs."""
    found = shutil.which(name)
    assert found, f"dcmtk's {name} is not installed"
    return found


def raw(port: int) -> socket.socket:
    """Connect without a word."""
    return socket.create_connection(("127.0.0.1", port), timeout=20)
