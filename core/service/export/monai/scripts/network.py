"""The exported model as a torch module, run by ONNX Runtime on the CPU."""

from __future__ import annotations

import numpy as np
import onnxruntime
import torch

OUTPUTS = ("probabilities", "positive_probability", "ood_score", "ood_p", "disposition")


class OnnxClassifier(torch.nn.Module):
    """From pictures of any size to scores and a verdict; preparation is part of the graph."""

    def __init__(self, path: str) -> None:
        super().__init__()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the verdicts on pictures, judged one by one.

        Args:
            images: ``n 3 h w``, RGB from 0 to 255. Where it is a MetaTensor whose ``meta`` has a
                ``source_size``, that is the (height, width) that the file had.

        Returns:
            float32 ``n k+4``: the classes' probabilities, the positive probability, the OOD score,
            the OOD p-value, and the verdict: 0 negative, 1 positive, 2 for a person.
        """
        sizes = getattr(images, "meta", {}).get("source_size")
        pictures = np.asarray(images.detach().cpu()).transpose(0, 2, 3, 1).astype(np.uint8)
        rows = []
        for place, pixels in enumerate(pictures):
            size = pixels.shape[:2] if sizes is None else np.asarray(sizes[place])
            inputs = {
                "pixels": np.ascontiguousarray(pixels),
                "source_size": np.asarray(size, np.int64),
            }
            answers = self.session.run(list(OUTPUTS), inputs)
            rows.append(np.concatenate([np.ravel(one).astype(np.float32) for one in answers]))
        return torch.from_numpy(np.stack(rows))
