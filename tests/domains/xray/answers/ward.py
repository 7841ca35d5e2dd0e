"""A home folder in which cases are judged and answered, step by step, without a worker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from pydicom import Dataset, dcmread
from sqlalchemy import update

from core.imaging.files import wrap_bytes
from core.jobs.context import JobContext
from core.records import deployments, outbox
from core.records.connection import writing
from core.records.deployment import Stage
from core.records.job import Job, State
from core.records.outbox import DELIVER, Message
from core.records.store import decision
from core.records.tables import JOBS
from core.records.values import StoredDecision, name_of
from core.service.assessment.recording import assess_and_record
from core.service.bundles.archive import keep
from core.service.bundles.open import open_bundle, policy_of
from core.service.delivery.deliver import deliver
from core.service.store import open_store
from core.settings import Settings
from domains.xray.answers.answer_job import answer
from domains.xray.answers.versions import ARCHIVE
from tests.domains.xray.radiographs import a_chest, an_object, part10


def a_radiograph(name: str, *, spot: bool, **tags: object) -> bytes:
    """Draw a chest; equal names give equal ones."""
    chest = a_chest(sum(name.encode()) * 31 + len(name)).astype(np.float32)
    # Ribs and vessels of its own: without them all would be one chest photographed again.
    rng = np.random.default_rng(list(name.encode()))
    vessels = cv2.GaussianBlur(rng.normal(size=chest.shape), (0, 0), 2.5)
    chest = np.clip(chest + 150 * vessels / vessels.std(), 0, 4095).astype(np.float32)
    if spot:
        cv2.circle(chest, (80, 120), 18, 3500, -1)
    return part10(an_object(chest.astype(np.uint16), **tags))


class Ward:
    def __init__(self, bundle: Path, settings: Settings) -> None:
        self.settings = settings
        self.store = open_store(settings)
        self.bundle = open_bundle(bundle, settings)
        self.policy = policy_of(self.bundle)
        keep(self.bundle, self.policy, settings)

    def close(self) -> None:
        self.store.close()

    def cancel_jobs(self) -> None:
        """End every job that is not over."""
        over = (State.DONE, State.CANCELLED)
        left = update(JOBS).where(JOBS.c.state.not_in(over))
        with writing(self.store) as connection:
            connection.execute(left.values(state=State.CANCELLED))

    def judge(self, *files: bytes) -> list[StoredDecision]:
        """Judge files as a worker does; what they say themselves makes cases of them."""
        incoming = [wrap_bytes(f"{place}.dcm", data) for place, data in enumerate(files)]
        done = assess_and_record(
            self.bundle, incoming, self.store, policy=self.policy, settings=self.settings
        )
        return [decision(self.store, one.decision) for one in done]

    def release(self, stage: Stage, site: str) -> None:
        """Release stage after stage up to this one."""
        for one in list(Stage)[1 : stage.step + 1]:
            deployments.deploy(
                self.store,
                "xray",
                site,
                one,
                by="Dr Test",
                evidence={},
                bundle=self.bundle.label,
                bundle_sha256=self.bundle.sha256,
                policy_id=self.policy.id,
            )

    def peers(self, *peers: Mapping[str, object]) -> None:
        """Make these the receivers, and nobody else."""
        lines = []
        for peer in peers:
            lines += ["[[peers]]", "send_results_to = true"]
            lines += [f"{name} = {json.dumps(value)}" for name, value in peer.items()]
        (self.settings.home / "peers.toml").write_text("\n".join(lines) + "\n")

    def answer(self, study: str) -> list[Message]:
        """Do the ``xray.answer`` job of a study's case; give the messages that it wrote."""
        before = {message.id for message in self.outbox(study)}
        job = Job("", "xray.answer", name_of("xray", study), "xray", {}, 0, 1)
        answer(JobContext(job, self.store, self.settings))
        return [message for message in self.outbox(study) if message.id not in before]

    def outbox(self, study: str) -> list[Message]:
        """List the messages about a study's case, those delivered too, in order added."""
        return outbox.messages(self.store, "xray", ARCHIVE, name_of("xray", study))

    def files(self, message: Message) -> list[bytes]:
        """Give the files that go with a message, the report first."""
        return [message.read(part) for part in message.parts]

    def objects(self, message: Message) -> list[Dataset]:
        return [dcmread(BytesIO(content)) for content in self.files(message)]

    def deliver(self, message: Message) -> None:
        """Try once to deliver a message."""
        job = Job(job_of(message), DELIVER, message.id, "xray", {}, 0, 1)
        deliver(job, self.store, self.settings)


def job_of(message: Message) -> str:
    """Give the id of the job that delivers a message."""
    return name_of(DELIVER, message.id)
