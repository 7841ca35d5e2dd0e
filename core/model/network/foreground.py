"""Features pooled over the foreground alone, inside the network's module."""

from __future__ import annotations

import torch
from torch.nn.functional import adaptive_avg_pool2d, max_pool2d

from core.imaging.foreground import BRIGHTNESS, CLOSED, GREENNESS, LEAST, OPENED, SATURATION

_FLOOR = 1e-3  # weight of a place without foreground, so that none divides by nothing


def pool_foreground(pixels: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
    """Return the mean of a map ``1 c h w`` over the foreground of uint8 pixels ``1 H W 3``."""
    side = (int(found.shape[2]), int(found.shape[3]))
    weight = adaptive_avg_pool2d(_foreground(pixels), side) + _FLOOR
    return (found * weight).sum((2, 3)) / weight.sum((2, 3))


def _foreground(pixels: torch.Tensor) -> torch.Tensor:
    """Return ``find_foreground`` of uint8 ``1 H W 3`` as float32 ``1 1 H W``."""
    red, green, blue = (pixels[..., i].float() for i in range(3))
    most = torch.maximum(torch.maximum(red, green), blue)
    least = torch.minimum(torch.minimum(red, green), blue)
    coloured = (255.0 * (most - least) >= SATURATION * most) & (most >= BRIGHTNESS) & (blue < most)
    is_green = 2.0 * green - red - blue > GREENNESS * (red + green + blue)
    mask = (coloured | is_green).float()[:, None]
    mask = _dilate(_erode(mask, OPENED), OPENED)
    mask = _erode(_dilate(mask, CLOSED), CLOSED)
    return torch.where(mask.mean() >= LEAST, mask, torch.ones_like(mask))


def _dilate(mask: torch.Tensor, side: int) -> torch.Tensor:
    return max_pool2d(mask, side, 1, side // 2)


def _erode(mask: torch.Tensor, side: int) -> torch.Tensor:
    return 1.0 - max_pool2d(1.0 - mask, side, 1, side // 2)
