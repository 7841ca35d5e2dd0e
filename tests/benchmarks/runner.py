"""One side of the speed comparison: a process that runs a pass whenever a line arrives.

`python runner.py ours BUNDLE FOLDER`, `... peer - FOLDER` (the peer in torch) or `... peer MODEL
FOLDER` (its export); each line on stdin starts a pass, each line on stdout gives pictures a second
and CPU milliseconds a picture.
"""

from __future__ import annotations

import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    """Warm up, then time the passes that are asked for."""
    side, network, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    run = _ours(network, folder) if side == "ours" else _peer(network, folder)
    run()
    print("ready", flush=True)
    for _ in sys.stdin:
        cpu, started = _cpu_s(), time.perf_counter()
        count = run()
        wall_s, cpu_s = time.perf_counter() - started, _cpu_s() - cpu
        print(f"{count / wall_s} {1e3 * cpu_s / count}", flush=True)


def _ours(bundle_path: Path, folder: Path) -> Callable[[], int]:
    """The whole product path: read, hash, decode apart, gates, network, verdict, blob, row."""
    from core.imaging.zip_archive import incoming
    from core.service.assessment.recording import assess_and_record
    from core.service.bundles.open import open_bundle, policy_of
    from core.service.store import open_store
    from core.settings import Settings

    base = Settings()
    bundle = open_bundle(bundle_path, base)
    policy = policy_of(bundle)

    def run() -> int:
        home = Path(tempfile.mkdtemp(prefix="pass-", dir=base.home))
        settings = base.model_copy(update={"home": home})
        store = open_store(settings)
        answers = assess_and_record(
            bundle,
            incoming([folder], settings.max_bytes),
            store,
            policy=policy,
            settings=settings,
        )
        count = sum(1 for _ in answers)
        store.close()
        shutil.rmtree(home)
        return count

    return run


def _peer(exported: Path, folder: Path) -> Callable[[], int]:
    from ultralytics import YOLO
    from ultralytics.data.augment import classify_transforms

    if exported.is_dir():
        model = YOLO(str(exported), task="classify")
    else:
        model = YOLO("yolo11n-cls.yaml")
        # A trained file carries its transforms; a network made from its description does not.
        model.model.transforms = classify_transforms(224)

    def run() -> int:
        return sum(1 for _ in model.predict(str(folder), imgsz=224, stream=True, verbose=False))

    return run


def _cpu_s() -> float:
    """CPU seconds of this process and of the children that have ended."""
    sides = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(r.ru_utime + r.ru_stime for r in map(resource.getrusage, sides))


if __name__ == "__main__":
    main()
