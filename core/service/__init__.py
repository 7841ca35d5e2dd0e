"""The use cases. Command line, dashboard and every pack's surface call these and nothing below."""

from core.service.assessing import assess_paths
from core.service.bundles import open_bundle

__all__ = ["assess_paths", "open_bundle"]
