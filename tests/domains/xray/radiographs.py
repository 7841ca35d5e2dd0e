"""Drawn chest radiographs as DICOM files in every encoding, with canaries for a person's data."""

import io
import tempfile
from pathlib import Path

import cv2
import gdcm
import numpy as np
from openjpeg.utils import encode_array
from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from domains.xray.decoding.reader import read

CANARY = "CANARY"
MAX_PIXELS = 10**8
DX = "1.2.840.10008.5.1.4.1.1.1.1"
CR = "1.2.840.10008.5.1.4.1.1.1"


def a_chest(seed: int = 0, side: int = 256, bits: int = 12) -> np.ndarray:
    """Draw two dark lungs beside a bright spine and heart, uint16 ``side side``, bones bright."""
    rng = np.random.default_rng(seed)
    chest = np.full((side, side), 0.55, np.float32)
    for x in (0.3, 0.72):
        place = (int(x * side), side // 2)
        cv2.ellipse(chest, place, (side // 7, side // 3), 0, 0, 360, 0.2, -1)
    cv2.circle(chest, (int(0.56 * side), int(0.6 * side)), side // 8, 0.75, -1)
    chest[:, : side // 16] = chest[:, -side // 16 :] = 0.05
    chest = cv2.GaussianBlur(chest, (0, 0), side / 100) + rng.normal(0, 0.01, chest.shape)
    return np.round(np.clip(chest, 0, 1) * (2**bits - 1)).astype(np.uint16)


def an_object(pixels: np.ndarray, bits: int = 12, **tags: object) -> Dataset:
    """Describe pixels, ``h w``, as a frontal chest DX; ``None`` leaves a tag out."""
    dataset = Dataset()
    stated = {
        "SOPClassUID": DX,
        "SOPInstanceUID": "1.2.3.4.1",
        "StudyInstanceUID": "1.2.3.4",
        "SeriesInstanceUID": "1.2.3.4.0",
        "PatientName": f"{CANARY}^NAME",
        "PatientID": f"{CANARY}ID",
        "PatientBirthDate": "19610203",
        "AccessionNumber": f"{CANARY}ACC",
        "StudyDescription": f"{CANARY} study",
        "StudyDate": "20260102",
        "StudyTime": "101112",
        "Modality": "DX",
        "BodyPartExamined": "CHEST",
        "ViewPosition": "PA",
        "PresentationIntentType": "FOR PRESENTATION",
        "PatientAge": "045Y",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "BitsAllocated": 8 * pixels.dtype.itemsize,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        **tags,
    }
    for keyword, value in stated.items():
        if value is not None:
            setattr(dataset, keyword, value)
    dataset.PixelData = pixels.tobytes()
    return dataset


def part10(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Write a data set whose pixels are encoded already as a DICOM file."""
    native = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)
    dataset["PixelData"].VR = "OW" if syntax in native and dataset.BitsAllocated == 16 else "OB"
    dataset["PixelData"].is_undefined_length = syntax not in native
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", DX)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3")
    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def encodings(pixels: np.ndarray, bits: int = 12, **tags: object) -> dict[str, bytes]:
    """Write the same pixels losslessly in every syntax that something here can write."""
    plain = an_object(pixels, bits, **tags)
    swapped = an_object(pixels, bits, **tags)
    swapped.PixelData = pixels.byteswap().tobytes()
    rle, jpegls, j2k = (an_object(pixels, bits, **tags) for _ in range(3))
    for dataset, syntax, plugin in (
        (rle, RLELossless, "pydicom"),
        (jpegls, JPEGLSLossless, "pyjpegls"),
    ):
        dataset.file_meta = FileMetaDataset()
        dataset.compress(syntax, pixels, encoding_plugin=plugin, generate_instance_uid=False)
    j2k.PixelData = encapsulate(
        [encode_array(pixels, bits_stored=bits, photometric_interpretation=2)]
    )
    return {
        "implicit little endian": part10(plain, ImplicitVRLittleEndian),
        "explicit big endian": part10(swapped, ExplicitVRBigEndian),
        "RLE": part10(rle, RLELossless),
        "JPEG-LS": part10(jpegls, JPEGLSLossless),
        "JPEG 2000": part10(j2k, JPEG2000Lossless),
        "JPEG lossless": by_gdcm(part10(plain), gdcm.TransferSyntax.JPEGLosslessProcess14_1),
        "explicit little endian": part10(plain),
    }


def by_gdcm(file: bytes, syntax: int) -> bytes:
    """Let GDCM re-encode a DICOM file."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.dcm"), Path(folder, "out.dcm")
        source.write_bytes(file)
        reader = gdcm.ImageReader()
        reader.SetFileName(str(source))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(target))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        return target.read_bytes()


def display_values(file: bytes) -> np.ndarray:
    """Give the display values, ``h w``, from 0 to 1."""
    frame = read(file, MAX_PIXELS, 224)
    assert frame.pixels.dtype == np.uint16
    assert frame.bit_depth == 16
    return frame.pixels[:, :, 0] / 65_535
