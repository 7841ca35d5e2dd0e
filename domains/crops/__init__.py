"""Photographs of leaves: healthy, to act on, or someone looks."""

from pathlib import Path

from core.packs import DomainPack, JobKind
from core.types import Disposition, Targets
from domains.crops.classes import SUBJECTS, SUPERCLASSES
from domains.crops.reader import prepare, read

pack = DomainPack(
    name="crops",
    title="Crop health from photographs of leaves, with certified rates of missed disease.",
    wording={
        Disposition.NEGATIVE: "HEALTHY",
        Disposition.POSITIVE: "ACT",
        Disposition.DEFER: "LOOK",
    },
    error_names=("missed disease", "false alarm"),
    unit_names=("sick plants", "healthy plants"),
    negative_labels=frozenset(
        {"healthy", "*_healthy", "good", "normal", "none", "no_disease", "rice_nitrogen_adequate"}
    ),
    group_columns=("group", "field", "plot"),
    superclasses=SUPERCLASSES,
    subjects=SUBJECTS,
    # A rose must be LOOK: at 1 % one flower in eight passed the gate, at 5 % none.
    targets=Targets(ood_alpha=0.05),
    views=("identity", "mirror"),
    read=read,
    prepare=prepare,
    pages=(Path(__file__).parent / "pages" / "field.py",),
    reviews_on_pages=False,
    demo="domains.crops.demo.lane:run",
    commands="domains.crops.commands:app",
    jobs=(
        JobKind("crops.photos", "domains.crops.fields.photo_job:run", 12 * 3600.0, lane="survey"),
        JobKind("crops.indices", "domains.crops.survey.index_job:run", 12 * 3600.0, lane="survey"),
        JobKind("survey", "domains.crops.survey.job:run", 12 * 3600.0, max_tries=2, lane="survey"),
    ),
)
