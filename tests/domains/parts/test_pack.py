import subprocess
import sys

import cv2
import numpy as np

from domains.parts import pack


def test_the_pack_reads_bytes_to_a_reduced_frame():
    waves = np.tile(np.sin(np.linspace(0, 60, 1280)) * 90 + 128, (960, 1)).astype(np.uint8)
    data = cv2.imencode(".jpg", cv2.merge([waves, waves, waves]))[1].tobytes()

    frame = pack.read(data, 10**8, 224)

    assert frame.pixels.shape == (240, 320, 3)
    assert frame.source_size == (960, 1280)


def test_importing_the_pack_loads_no_network_and_no_page():
    heavy = "{'torch', 'sklearn', 'scipy', 'streamlit', 'onnxruntime', 'pandas', 'pydantic'}"
    code = f"import sys, domains.parts, core.imaging.child; print({heavy} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
