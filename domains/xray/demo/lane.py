"""The demo's X-ray lane: computed radiographs, sent by C-STORE, judged, read back."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from itertools import cycle, islice
from pathlib import Path

from core.errors import ConfigError
from core.jobs.worker import work
from core.model.bundle.bundle import Bundle
from core.records.case_list import list_cases
from core.records.case_status import QueueState
from core.records.connection import Store
from core.records.queue import ASSESS
from core.service.bundles.open import certify_bundle, open_bundle, policy_of
from core.service.progress import Progress
from core.service.store import open_store
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Targets
from domains.xray.demo import text as words
from domains.xray.demo.ct.chest import Chest
from domains.xray.demo.ct.data_set import write
from domains.xray.demo.ct.dx_objects import Label, digital_xray
from domains.xray.demo.ct.packaged_ct import load_chest
from domains.xray.demo.ct.projection import Plate
from domains.xray.demo.ct.studies import FINDINGS, PLATE, Study, draw, radiographs
from domains.xray.demo.text import Answered

STARTER = Path(__file__).parents[3] / "data" / "bundles" / "xray-children"
FAULTS = ("lateral", "lateral called frontal", "inverted", "on its side")
TARGETS = Targets(escape=0.1, overkill=0.1)
_STAT = 17  # every so many studies one is urgent
_OOD_SEED, _LOCAL_SEED, _QUEUE_SEED = 1001, 2001, 1002


@dataclass(frozen=True)
class Plan:
    """How much the lane does.

    Attributes:
        starter: Folder of the bundle made for other people; left out where there is none.
        ood_studies: Studies of an adult that the children's bundle is shown.
        train: Labelled pictures that the place's own bundle is fitted on.
        cal: Labelled pictures that it is certified on.
        queue: Studies that it judges.
        sick: How many of them have a finding.
        plate: Size of all pictures.
    """

    starter: Path = STARTER
    ood_studies: int = 8
    train: int = 60
    cal: int = 130
    queue: int = 40
    sick: int = 14
    plate: Plate = PLATE


@dataclass(frozen=True)
class Sent:
    """One study as it goes out.

    Attributes:
        study: What was computed.
        label: What stands on it.
        encoded: The object.
    """

    study: Study
    label: Label
    encoded: bytes


def run(settings: Settings, progress: Progress) -> list[str]:
    """Return how computed radiographs are judged and ordered, before and after local learning.

    Args:
        settings: Where things run; everything is written below the home folder.
        progress: Called with how far the work is.

    Returns:
        The table's lines; one line that says why where no CT is installed.
    """
    try:
        chest = load_chest()
    except ConfigError as exc:
        return words.left_out(exc)
    return lane(chest, Plan(), settings, progress)


def lane(chest: Chest, plan: Plan, settings: Settings, progress: Progress) -> list[str]:
    """Return what ``run`` does with any chest, as much of it as a plan says."""
    lines = words.opening()
    with open_store(settings) as store:
        if (plan.starter / "bundle.json").exists():
            starter = open_bundle(plan.starter, settings)
            studies = draw(_OOD_SEED, plan.ood_studies, FINDINGS)
            sent = _written(chest, studies, plan.plate, progress)
            lines += words.before(_judged(sent, store, starter, settings, progress))
        own = _learned(chest, plan, settings, progress)
        findings = list(islice(cycle(FINDINGS), plan.sick))
        studies = draw(_QUEUE_SEED, plan.queue, findings, FAULTS)
        sent = _written(chest, studies, plan.plate, progress)
        answered = _judged(sent, store, own, settings, progress)
    return [*lines, *words.after(answered, policy_of(own), plan.train, plan.cal)]


def _learned(chest: Chest, plan: Plan, settings: Settings, progress: Progress) -> Bundle:
    """Return a bundle certified on computed pictures, then deleted: 220 MB easily made again."""
    demo, counts = settings.home / "demo", {"train": plan.train, "cal": plan.cal}
    demo.mkdir(parents=True, exist_ok=True)
    out = demo / "computed"
    with tempfile.TemporaryDirectory(prefix="computed-chests-", dir=demo) as name:
        write(Path(name), chest, counts, _LOCAL_SEED, plan.plate, progress)
        # All are of one chest: two that were computed from nearly the same place count once.
        spec = TrainSpec("xray", Path(name), out, leave_out_copies=True)
        train(spec, settings, progress)
    bundle = open_bundle(out, settings)
    certify_bundle(bundle, TARGETS)
    return bundle


def _written(
    chest: Chest, studies: Sequence[Study], plate: Plate, progress: Progress
) -> list[Sent]:
    """Return computed studies, written as DX objects that are named by what they show.

    A node takes no other picture under a name that it knows, and a new release of a library may
    round otherwise: then the names are others, too.
    """
    pictures = []
    for picture in radiographs(chest, studies, plate):
        pictures.append(picture)
        progress("Computing radiographs", len(pictures), len(studies))
    name = sha256(b"".join(picture.tobytes() for picture in pictures)).hexdigest()[:8]
    sent = []
    for study, picture in zip(studies, pictures, strict=True):
        priority = "ROUTINE" if study.number % _STAT else "STAT"
        label = Label(name, study.number, projection=study.projection, priority=priority)
        sent.append(Sent(study, label, digital_xray(picture, plate.pitch_mm, label)))
    return sent


def _judged(
    sent: Sequence[Sent], store: Store, bundle: Bundle, settings: Settings, progress: Progress
) -> list[Answered]:
    """Return the cases of studies that were sent to a node of our own and judged by a worker."""
    with _node(store) as port:
        _send([one.encoded for one in sent], port)

    def tell(waiting: Mapping[tuple[str, str], int]) -> None:
        left = sum(count for (kind, _), count in waiting.items() if kind == ASSESS)
        progress("Judging", max(len(sent) - left, 0), len(sent))

    # Chests that the bundle does not know are sent on purpose: an alarm is kept, it voids nothing.
    without_voiding = settings.model_copy(update={"voiding_alarms": ""})
    work([bundle], store, without_voiding, stop=threading.Event(), once=True, progress=tell)
    cases = {
        one.item.key: one
        for one in list_cases(store, "xray", [QueueState.WAITING, QueueState.NEGATIVE])
    }
    return [
        Answered(one.study, one.label.priority, cases[one.label.study_uid])
        for one in sent
        if one.label.study_uid in cases
    ]


@contextmanager
def _node(store: Store) -> Iterator[int]:
    """Yield a free port of this machine, where a node listens as by `assay xray listen`."""
    from core.service.intake.limits import Budget, Limits
    from core.service.intake.listener import GRACE_S
    from domains.xray.node.object_intake import ObjectIntake
    from domains.xray.node.peers import Peers
    from domains.xray.node.scp import DicomListener

    limits = Limits()
    # The computed studies bear the day of a fixed year, which is soon long ago.
    intake = ObjectIntake(store, "", limits, oldest_days=0)
    listener = DicomListener(("127.0.0.1", 0), Peers(), intake, Budget(limits.total_bytes))
    listener.start()
    try:
        yield listener.port
    finally:
        listener.stop(GRACE_S)


def _send(objects: Sequence[bytes], port: int) -> None:
    from pydicom import dcmread

    from domains.xray.answers.delivery import require_kept, store_by_dimse
    from domains.xray.node.peers import Node, Peer

    peer = Peer(name="ASSAY", ae_title="ASSAY", host="127.0.0.1", port=port)
    datasets = [dcmread(BytesIO(encoded)) for encoded in objects]
    require_kept(store_by_dimse(datasets, peer, Node(ae_title="COMPUTED")), peer)
