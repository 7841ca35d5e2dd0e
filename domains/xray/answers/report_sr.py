"""An answer as a DICOM Structured Report: TID 1500, Comprehensive SR.

The document is preliminary and unverified: it supplements what is in the study and replaces no
report of a person's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.records.values import StoredDecision
from domains.xray.answers import report_items as items
from domains.xray.answers.answer import CaseResult, JudgedImage, UidMaker
from domains.xray.answers.objects import MODEL, NOTICE, REPORT_SERIES, complete, skip_validation
from domains.xray.decoding.source import MAKER, Source

if TYPE_CHECKING:
    from highdicom.sr import (
        ContentItem,
        Measurement,
        MeasurementReport,
        MeasurementsAndQualitativeEvaluations,
        ObservationContext,
        QualitativeEvaluation,
    )
    from pydicom import Dataset

COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"

_ASKED_BY_HIGHDICOM = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
)


def report(answer: CaseResult, uids: UidMaker) -> Dataset:
    """Return the report of a case into the study that it belongs to.

    Args:
        answer: What is to be reported; at least one image belongs to the study.
        uids: Makes the UIDs.

    Returns:
        A Comprehensive SR; equal arguments give equal elements.
    """
    with skip_validation():
        dataset = _document(answer, uids)
        _declare_scheme(dataset)
        complete(dataset, answer.study, answer.made_at, answer.deciding.code_version)
    return dataset


def _document(answer: CaseResult, uids: UidMaker) -> Dataset:
    from highdicom.sr import ComprehensiveSR
    from pydicom.valuerep import DT

    # The patient is written afterwards: highdicom logs a name that it doubts.
    dataset = ComprehensiveSR(
        evidence=[_evidence(one.source) for one in answer.shown if one.source],
        content=_content(answer, uids),
        series_instance_uid=uids.series(answer, "report"),
        series_number=REPORT_SERIES,
        sop_instance_uid=uids.report(answer),
        instance_number=answer.version,
        manufacturer=MAKER,
        is_complete=True,
        is_final=False,
        is_verified=False,
        previous_versions=[_predecessor(answer, uids)] if answer.predecessor else None,
    )
    for equipment in dataset.ContributingEquipmentSequence:
        equipment.ContributionDateTime = DT(f"{answer.made_at:%Y%m%d%H%M%S%z}")
    return dataset


def _content(answer: CaseResult, uids: UidMaker) -> MeasurementReport:
    from highdicom.sr import MeasurementReport
    from pydicom.sr.coding import Code

    return MeasurementReport(
        observation_context=_observer(answer.deciding, uids),
        procedure_reported=Code("399208008", "SCT", "Plain chest X-ray"),
        imaging_measurements=[
            _case_group(answer, uids),
            *(_image_group(answer, one, uids) for one in answer.shown),
        ],
    )


def _observer(decision: StoredDecision, uids: UidMaker) -> ObservationContext:
    from highdicom.sr import (
        DeviceObserverIdentifyingAttributes,
        ObservationContext,
        ObserverContext,
    )
    from pydicom.sr.codedict import codes

    device = DeviceObserverIdentifyingAttributes(
        uid=uids.uid("device"),
        name=f"{MAKER} {decision.code_version}",
        manufacturer_name=MAKER,
        model_name=MODEL,
    )
    return ObservationContext(observer_device_context=ObserverContext(codes.DCM.Device, device))


def _case_group(answer: CaseResult, uids: UidMaker) -> MeasurementsAndQualitativeEvaluations:
    """Return the verdict on the study, and what is promised of such verdicts."""
    deciding = answer.deciding
    certificates = (answer.escape, answer.overkill)
    figures = [figure for one in certificates for figure in items.figures(one)]
    return _group(
        "Study",
        uids.report(answer),
        deciding,
        measurements=items.probability(answer.probability) + figures,
        evaluations=[items.disposition(deciding), *map(items.certificate_item, certificates)],
        texts=[
            items.words("NOTICE", "Intended use", NOTICE),
            items.words("MODEL", "Model bundle", deciding.bundle),
            items.words("MODEL_SHA256", "SHA-256 of the model bundle", deciding.bundle_sha256),
            items.words("POLICY", "Decision policy", deciding.policy_id),
            *items.reasons(deciding.findings),
        ],
    )


def _image_group(
    answer: CaseResult, image: JudgedImage, uids: UidMaker
) -> MeasurementsAndQualitativeEvaluations:
    """Return the verdict on one image."""
    return _group(
        f"Image {image.number}",
        uids.uid("image", answer.case_id, image.decision.id),
        image.decision,
        measurements=items.probability(image.decision.positive_probability),
        evaluations=[items.disposition(image.decision)],
        texts=items.reasons(image.decision.findings),
        source=image.source,
    )


def _group(
    title: str,
    uid: str,
    decision: StoredDecision,
    *,
    measurements: list[Measurement],
    evaluations: list[QualitativeEvaluation],
    texts: list[ContentItem],
    source: Source | None = None,
) -> MeasurementsAndQualitativeEvaluations:
    """Return one measurement group, TID 1501."""
    from highdicom.sr import (
        AlgorithmIdentification,
        MeasurementsAndQualitativeEvaluations,
        SourceImageForMeasurementGroup,
        TrackingIdentifier,
    )

    algorithm = AlgorithmIdentification(
        name=decision.bundle,
        version=decision.code_version,
        parameters=[f"bundle {decision.bundle_sha256}", f"policy {decision.policy_id}"],
        manufacturer=MAKER,
    )
    images = (
        [SourceImageForMeasurementGroup(source.sop_class, source.sop_instance)] if source else None
    )
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=uid, identifier=title),
        algorithm_id=algorithm,
        measurements=measurements,
        qualitative_evaluations=evaluations,
        source_images=images,
    )
    group[0].ContentSequence.extend(texts)
    return group


def _evidence(source: Source) -> Dataset:
    """Return an image as highdicom asks for it: its names, and nothing of the patient."""
    from pydicom import Dataset

    evidence = Dataset()
    for name in _ASKED_BY_HIGHDICOM:
        setattr(evidence, name, "")
    evidence.StudyInstanceUID, evidence.SeriesInstanceUID = source.study, source.series
    evidence.SOPClassUID, evidence.SOPInstanceUID = source.sop_class, source.sop_instance
    return evidence


def _predecessor(answer: CaseResult, uids: UidMaker) -> Dataset:
    from pydicom import Dataset

    before = Dataset()
    before.StudyInstanceUID = answer.study.study
    before.SeriesInstanceUID = uids.series(answer, "report")
    before.SOPClassUID, before.SOPInstanceUID = COMPREHENSIVE_SR, answer.predecessor
    return before


def _declare_scheme(dataset: Dataset) -> None:
    from pydicom import Dataset

    scheme = Dataset()
    scheme.CodingSchemeDesignator = items.SCHEME
    scheme.CodingSchemeName = "Assay prescreening verdicts"
    scheme.CodingSchemeResponsibleOrganization = "The Assay project"
    dataset.CodingSchemeIdentificationSequence = [scheme]
