"""Chest radiographs: normal, abnormal, or a radiologist reads first."""

from pathlib import Path

from core.packs import DataSet, DomainPack, JobKind, MessageOutput
from core.types import Ceiling, Disposition
from domains.xray.decoding.presentations import WRONG_PRESENTATIONS
from domains.xray.decoding.reader import describe, prepare, read


def _get_computed_chests(folder: Path) -> None:
    # Imported late: a decoder process loads this pack and needs none of it.
    from domains.xray.demo.ct import data_set

    data_set.get(folder)


pack = DomainPack(
    name="xray",
    title="Prescreening of chest radiographs, for research and decision support only.",
    wording={
        Disposition.NEGATIVE: "NORMAL",
        Disposition.POSITIVE: "ABNORMAL",
        Disposition.DEFER: "READ",
    },
    error_names=("missed abnormal", "false alarm"),
    unit_names=("abnormal patients", "normal patients"),
    negative_labels=frozenset(
        {"normal", "no finding", "no_finding", "no findings", "healthy", "negative", "none"}
    ),
    group_columns=("patient", "group"),
    subgroup_columns=(
        "site",
        "camera",
        "station",
        "view",
        "modality",
        "patient_sex",
        "photometric",
    ),
    has_unique_groups=True,
    ceiling=Ceiling(bound=0.1, groups=30),
    views=("identity",),
    read=read,
    prepare=prepare,
    read_imports=("pydicom.pixels.processing", "domains.xray.decoding.dicom"),
    describe=describe,
    suffixes=frozenset({".dcm", ".dicom", ".ima", ""}),
    wrong_presentations=WRONG_PRESENTATIONS,
    jobs=(JobKind("xray.answer", "domains.xray.answers.answer_job:answer", max_tries=None),),
    outputs=(
        MessageOutput(
            "xray.archive",
            "domains.xray.answers.archive:send",
            # The answers to a whole case, which its job puts into the outbox.
            needs_decisions=False,
            max_tries=None,
            way_out='Write what it takes into peers.toml, such as results = ["capture"], and try '
            "the job again.",
        ),
    ),
    after_decision="xray.answer",
    commands="domains.xray.commands:app",
    pages=(Path(__file__).parent / "pages" / "start.py",),
    warm_up="domains.xray.pages.panes:warm_up",
    priorities={"STAT": 20, "HIGH": 10},
    log_fields={
        # The keyword of a class that DICOM registers, never what somebody sent in its place.
        "sop_class": r"[A-Z][A-Za-z0-9]{0,95}",
        "transport": "c-store|stow",
    },
    data_sets=(
        DataSet(
            "computed_chests",
            "180 chest radiographs computed from one CT, findings inserted; CC BY 3.0; no evidence",
            _get_computed_chests,
        ),
    ),
    demo="domains.xray.demo.lane:run",
    graph="domains.xray.decoding.graph:graph",
)
