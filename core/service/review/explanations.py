"""What a reviewer is shown beside a verdict: the picture, where it was decided, known cases."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import StoreError, UnreadableImage
from core.imaging.depth import Depths
from core.imaging.files import wrap_bytes
from core.imaging.sandbox import Sandbox
from core.packs import entry_of
from core.records import blobs
from core.records.clearings import was_cleared
from core.records.connection import Store
from core.records.values import StoredDecision
from core.service.bundles.archived import depths_on_shelf, place_on_shelf
from core.settings import Settings
from core.types import F32, U8, Prepared, Unreadable

if TYPE_CHECKING:
    from core.model.bundle.bundle import Bundle
    from core.model.explain import Neighbour

VIEW = 720
RETAKE = "Take or send the picture again."


@dataclass(frozen=True)
class Explanation:
    """Why a picture was judged as it was.

    Attributes:
        picture: uint8 ``VIEW VIEW 3``, the whole picture stretched to a square.
        source_size: Height and width of the original in pixels.
        heat: float32 ``VIEW VIEW``; above 0 raises the positive probability, below lowers it.
        neighbours: The nearest known cases, nearest first.
    """

    picture: U8
    source_size: tuple[int, int]
    heat: F32
    neighbours: tuple[Neighbour, ...]


class Explainer:
    """Opens bundles from the shelf once and explains decisions; safe to share between threads.

    Pictures are untrusted, so they are decoded in disposable processes here too.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._bundles: dict[str, Bundle] = {}
        self._tried: set[str] = set()
        self._sandboxes: dict[tuple[object, ...], Sandbox] = {}
        self._stack = ExitStack()
        self._lock = threading.RLock()
        # Opening a bundle takes seconds, and no picture waits for that.
        self._views = threading.RLock()
        self._closed = False

    def picture(self, decision: StoredDecision) -> Prepared:
        """Return the picture that a decision was made on; needs no bundle.

        Returns:
            uint8 ``VIEW VIEW 3``, the whole picture stretched to a square.

        Raises:
            UnreadableImage: The picture does not read, which was the verdict.
            StoreError: The picture's bytes are missing or altered.
        """
        depths = depths_on_shelf(decision.bundle_sha256, self._settings)
        return self._prepare(decision.pack, self.received(decision), VIEW, depths)

    def view(self, pack: str, data: bytes) -> Prepared:
        """Return a picture that nothing has judged, as a decision's is shown.

        Args:
            pack: Name of the pack that reads it.
            data: The whole file.

        Returns:
            uint8 ``VIEW VIEW 3``, the whole picture stretched to a square.

        Raises:
            UnreadableImage: It does not read.
        """
        return self._prepare(pack, data, VIEW, {})

    def received(self, decision: StoredDecision) -> bytes:
        """Return the bytes that a decision was made on.

        Raises:
            UnreadableImage: None were kept, since they could not be read.
            StoreError: They are missing or altered.
        """
        if not decision.sha256:
            raise UnreadableImage(decision.message, hint=RETAKE)
        try:
            return blobs.get(self._store.blobs, decision.sha256)
        except StoreError as exc:
            if was_cleared(self._store, decision.sha256):
                raise StoreError(
                    "This picture was deleted by retention; its verdict stays on record.",
                    hint="Retention deletes pictures that passed: its budgets say when.",
                ) from exc
            raise StoreError(
                "The file of this picture is missing from the store, or was altered.",
                hint=f"Bring {self._store.blobs} back from a backup, or take the picture again.",
            ) from exc

    def explain(self, decision: StoredDecision) -> Explanation:
        """Return the explanation of one decision.

        Raises:
            UnreadableImage: The picture does not read, which was the verdict.
            StoreError: The picture's bytes are missing or altered.
            BundleError: The bundle that judged is not on the shelf, or was altered.
        """
        # With the bundle: a picture alone needs neither.
        from core.model.explain import anomaly_map, heat_map, nearest

        data = self.received(decision)
        with self._lock:
            bundle = self._bundle(decision.bundle_sha256)
            depths = bundle.model.depths
            view = self._prepare(bundle.pack.name, data, VIEW, depths)
            small = self._prepare(bundle.pack.name, data, bundle.backbone.size, depths)
            output = bundle.network.extract(small.pixels)
            evidence = bundle.model.evidence(output, small)
            maps = [] if bundle.model.uses_bank_alone else bundle.network.maps(small.pixels)
        heat = (
            anomaly_map(bundle.model, output, VIEW)
            if bundle.model.uses_bank_alone
            else heat_map(
                bundle.model, bundle.known, evidence, bundle.backbone.pooled_taps, maps, VIEW
            )
        )
        found = tuple(nearest(bundle.known, evidence))
        return Explanation(view.pixels, view.source_size, heat, found)

    def bundle(self, sha256: str) -> Bundle:
        """Return the bundle that judged, opened once.

        Raises:
            BundleError: It is not on the shelf, or was altered.
        """
        with self._lock:
            return self._bundle(sha256)

    def has_tried(self, sha256: str) -> bool:
        """Return whether a bundle is open, or was found not to open: asking costs no seconds."""
        return sha256 in self._tried

    def has_to_open(self, sha256: str) -> bool:
        """Return whether a bundle that is there is still to be opened, which takes seconds."""
        return sha256 not in self._tried and place_on_shelf(sha256, self._settings).is_dir()

    def start(self, pack: str) -> None:
        """Start the process that decodes a pack's pictures, without waiting for it."""
        with self._views:
            self._sandbox(pack, VIEW, {})

    def close(self) -> None:
        """End the decoder processes; whoever still waits for a picture is refused."""
        with self._lock, self._views:
            self._closed = True
            self._stack.close()
            self._sandboxes.clear()

    def _bundle(self, sha256: str) -> Bundle:
        from core.service.bundles.archive import take

        if sha256 not in self._bundles:
            try:
                self._bundles[sha256] = take(sha256, self._settings)
            finally:
                self._tried.add(sha256)
        return self._bundles[sha256]

    def _prepare(self, pack: str, data: bytes, size: int, depths: Depths) -> Prepared:
        with self._views:
            (sample,) = self._sandbox(pack, size, depths).samples([wrap_bytes("case", data)])
        if isinstance(sample.frame, Unreadable):
            raise UnreadableImage(sample.frame.message, hint=RETAKE)
        if not isinstance(sample.frame, Prepared):
            raise ValueError(f"expected a prepared picture, got {type(sample.frame).__name__}")
        return sample.frame

    def _sandbox(self, pack: str, size: int, depths: Depths) -> Sandbox:
        if self._closed:
            # A thread that comes late must not start processes that nobody would end.
            raise ValueError("the explainer is closed")
        key = (pack, size, tuple(sorted(depths.items())))
        if key not in self._sandboxes:
            sandbox = Sandbox(entry_of(pack), size, self._settings, depths)
            self._sandboxes[key] = self._stack.enter_context(sandbox)
        return self._sandboxes[key]
