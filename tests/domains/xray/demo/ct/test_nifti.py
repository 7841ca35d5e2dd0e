import gzip
import struct

import numpy as np
import pytest

from domains.xray.demo.ct.nifti import read

VOXELS = np.arange(24, dtype="<i2").reshape(2, 3, 4)


def a_file(magic=b"n+1\0", slope=1.0, oriented=1):
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, 2, 3, 4, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 4, 16)
    struct.pack_into("<3f", header, 108, 352, slope, -1024)
    struct.pack_into("<h", header, 254, oriented)
    struct.pack_into("<12f", header, 280, -0.7, 0, 0, 9, 0, 0.7, 0, 9, 0, 0, 2.5, 9)
    header[344:348] = magic
    return gzip.compress(bytes(header) + VOXELS.tobytes(order="F"))


def test_voxels_axes_and_values_are_read_as_the_format_says():
    volume = read(a_file())
    assert np.array_equal(volume.voxels, VOXELS)
    assert volume.intercept == -1024
    assert np.diag(volume.directions) == pytest.approx([-0.7, 0.7, 2.5])


@pytest.mark.parametrize(
    "file", [a_file(magic=b"ni1\0"), a_file(slope=2.0), a_file(oriented=0)], ids="msO"
)
def test_what_is_something_else_is_refused(file):
    with pytest.raises(ValueError, match="expected"):
        read(file)
