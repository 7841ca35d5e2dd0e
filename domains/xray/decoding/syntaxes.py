"""The transfer syntaxes that Assay reads, and which library decodes each: facts, no imports."""

from __future__ import annotations

NATIVE = "native"
OPENJPEG = "openjpeg"

DEFLATED = "1.2.840.10008.1.2.1.99"

# GDCM is trusted with JPEG lossless only, which nothing else free reads; pydicom's own RLE never
# crashed on mutated files where the faster one did.
DECODERS = {
    "1.2.840.10008.1.2": NATIVE,  # implicit VR little endian
    "1.2.840.10008.1.2.1": NATIVE,  # explicit VR little endian
    "1.2.840.10008.1.2.2": NATIVE,  # explicit VR big endian, retired
    "1.2.840.10008.1.2.5": "pydicom",  # RLE lossless
    "1.2.840.10008.1.2.4.50": "pillow",  # JPEG baseline
    "1.2.840.10008.1.2.4.51": "pillow",  # JPEG extended, of 8 bits only
    "1.2.840.10008.1.2.4.57": "gdcm",  # JPEG lossless
    "1.2.840.10008.1.2.4.70": "gdcm",  # JPEG lossless, first-order prediction
    "1.2.840.10008.1.2.4.80": "pyjpegls",  # JPEG-LS lossless
    "1.2.840.10008.1.2.4.81": "pyjpegls",  # JPEG-LS near-lossless
    "1.2.840.10008.1.2.4.90": OPENJPEG,  # JPEG 2000 lossless
    "1.2.840.10008.1.2.4.91": OPENJPEG,  # JPEG 2000
    "1.2.840.10008.1.2.4.201": OPENJPEG,  # HTJ2K lossless
    "1.2.840.10008.1.2.4.202": OPENJPEG,  # HTJ2K lossless, RPCL
    "1.2.840.10008.1.2.4.203": OPENJPEG,  # HTJ2K
}
LOSSLESS = DECODERS.keys() - {
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.203",
}
RLE = "1.2.840.10008.1.2.5"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
