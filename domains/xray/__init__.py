"""Chest radiographs: normal, abnormal, or a radiologist reads first."""

from core.imaging.decode import decode
from core.packs import DomainPack
from core.types import Disposition
from domains.xray.reader import prepare

pack = DomainPack(
    name="xray",
    title="Prescreening of chest radiographs, for research and decision support only.",
    wording={
        Disposition.NEGATIVE: "NORMAL",
        Disposition.POSITIVE: "ABNORMAL",
        Disposition.DEFER: "READ",
    },
    error_words=("missed abnormal", "false alarm"),
    unit_words=("abnormal patients", "normal patients"),
    negative_labels=frozenset(
        {"normal", "no finding", "no_finding", "no findings", "healthy", "negative", "none"}
    ),
    group_columns=("patient", "group"),
    views=("identity",),
    read=decode,
    prepare=prepare,
)
