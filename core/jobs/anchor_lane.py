"""A worker's turn that notes the newest audit event outside the store, every ten minutes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from core.errors import ConfigError
from core.logs import Event, Word
from core.records.connection import Store
from core.service.anchors import note_anchor

INTERVAL_S = 600.0

logger = logging.getLogger(__name__)


@dataclass
class AnchorLane:
    """Notes anchors.

    Attributes:
        store: The store.
        file: Where they are noted.
    """

    store: Store
    file: Path
    _due: float = field(default=0.0, init=False)

    def turn(self) -> bool:
        """Return False, since there is no job here, after noting an anchor if it is time.

        Raises:
            StoreError: The database failed.
        """
        if monotonic() >= self._due:
            self._due = monotonic() + INTERVAL_S
            self.note()
        return False

    def note(self) -> None:
        """Note the newest event; where the file cannot be written that is logged.

        Raises:
            StoreError: The database failed.
        """
        try:
            note_anchor(self.store, self.file)
        except ConfigError as exc:
            logger.error(Event(Word.NOT_KEPT, {"error": type(exc).__name__}))
