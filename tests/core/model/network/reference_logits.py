"""What the packaged networks gave in the packages that they were published with."""

import cv2
import numpy as np
from skimage import data

# Computed with efficientnet-lite-pytorch 0.1.0, the package that the weights were published with:
# five most probable ImageNet classes (285 Egyptian cat, 967 espresso, 657 missile), and every
# fiftieth of the 1,000 logits.
REFERENCE = {
    "ramp": (
        [149, 782, 499, 818, 844],
        [
            0.18915, -1.79428, -0.37387, 2.70264, -0.79929, -0.89079, -0.62164, 1.05313, 0.14063,
            -1.04185, -0.88672, -0.0209, 1.40186, 1.81481, 0.14047, -0.77332, -0.02138, -0.85063,
            0.32375, 0.02325,
        ],
    ),
    "chelsea": (
        [285, 282, 281, 287, 904],
        [
            -0.88164, 0.16542, 0.41457, -1.17762, -0.12863, -1.10282, -0.37479, -1.30791,
            0.04789, -0.22926, -0.63801, -0.31325, 0.05798, 0.98163, 3.08994, 2.77448, -1.20161,
            -1.57188, -0.39407, 0.43634,
        ],
    ),
    "coffee": (
        [967, 968, 925, 504, 809],
        [
            0.25959, -2.07558, 0.38048, -1.23839, 1.25039, 0.80839, 0.5779, -0.02966, -0.20909,
            -0.16345, 0.09467, 2.81239, -0.1732, -0.50151, 0.16457, -1.32327, 0.11213, -1.1595,
            0.41598, 0.63765,
        ],
    ),
    "rocket": (
        [657, 744, 540, 812, 517],
        [
            -0.05208, -1.28008, -0.18038, -0.15714, 1.38214, 0.09345, -1.50568, -0.32441,
            -0.97735, -0.20644, -1.04922, -1.56839, 0.57257, 1.19675, -0.32152, -0.40362,
            -0.24307, -0.81937, 3.81626, -0.06174,
        ],
    ),
}  # fmt: skip


# The same of EfficientNet-Lite2 at its own 260 pixels: every hundredth logit.
REFERENCE_LITE2 = {
    "chelsea": (
        [285, 282, 281, 287, 622],
        [
            -1.51924, -0.67424, -0.26152, -0.34675, -0.03578, -0.11107, -0.05534, 0.97156,
            -0.02204, -0.395,
        ],
    ),
    "rocket": (
        [540, 657, 744, 517, 812],
        [
            -0.35541, -0.22473, -0.29028, -0.62423, -0.23387, -0.65622, 0.70441, -0.69533,
            -0.18115, 1.76919,
        ],
    ),
}  # fmt: skip


def picture(name, side=224):
    """uint8 ``side side 3``: a computed ramp (224), or the central square of a real picture."""
    if name == "ramp":
        rise = np.arange(224)
        return np.stack([*np.meshgrid(rise, rise[::-1]), np.full((224, 224), 90)], -1).astype("u1")
    whole = getattr(data, name)()[:, :, :3]
    height, width = whole.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    square = np.ascontiguousarray(whole[top : top + edge, left : left + edge])
    return cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA)
