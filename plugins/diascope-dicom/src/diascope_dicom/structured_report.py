"""Write an answer as a structured report: PS3.16 TID 1500, in an Enhanced SR.

Enhanced SR is sufficient: reports hold numbers, codes and image references, but no coordinates.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from diascope.card import Label
from diascope.sample import Prediction, ScoreKind
from diascope_dicom.algorithm import (
    MANUFACTURER,
    NOT_A_DEVICE,
    Algorithm,
)
from diascope_dicom.coding import dicom_text, finding_code, method_code, own_scheme, score_code
from diascope_dicom.identifiers import finish, result_identifiers
from diascope_dicom.uid import derive_uid

if TYPE_CHECKING:
    from highdicom.sr import (
        MeasurementsAndQualitativeEvaluations,
        ObservationContext,
    )
    from pydicom import Dataset

_SERIES_NUMBER = 9101


def structured_report(
    source: "Dataset", prediction: Prediction, run: Mapping[str, Any]
) -> Iterator["Dataset"]:
    """Yield a report with one measurement group (TID 1501) per label of the card.

    A group holds the code of the finding, the score (its method states the kind), the operating
    point if the decision uses one, present or absent, the algorithm with its rule, the source
    image, and warnings as comments. The tracking identifier is the name of the label.
    """
    from highdicom.sr import EnhancedSR, MeasurementReport
    from pydicom.sr.codedict import codes

    algorithm = Algorithm.from_run(run)
    parameters = _parameters(algorithm, prediction.score_kind)
    identifiers = result_identifiers("sr", source, prediction, algorithm)
    report = MeasurementReport(
        observation_context=_observer(algorithm),
        procedure_reported=codes.SCT.ImagingProcedure,
        imaging_measurements=[
            _group(
                label, source, prediction, algorithm, parameters, identifiers["sop_instance_uid"]
            )
            for label in algorithm.labels
        ],
    )
    yield finish(
        EnhancedSR(
            evidence=[source],
            content=report,
            series_number=_SERIES_NUMBER,
            series_description=f"Findings by {algorithm.name}"[:64],
            coding_schemes=[own_scheme()],
            is_complete=True,
            **identifiers,
        )
    )


def _group(
    label: Label,
    source: "Dataset",
    prediction: Prediction,
    algorithm: Algorithm,
    parameters: list[str],
    instance: str,
) -> "MeasurementsAndQualitativeEvaluations":
    from highdicom import sr
    from pydicom.sr.codedict import codes

    present = label.name in prediction.predicted
    code = finding_code(label)
    score = sr.Measurement(
        name=score_code(prediction.score_kind),
        value=float(prediction.scores[label.name]),
        unit=codes.UCUM.NoUnits,
        method=method_code(prediction.score_kind),
    )
    measurements = [score]
    if (threshold := algorithm.threshold(label, prediction.score_kind)) is not None:
        name, unit = codes.DCM.ThresholdValue, codes.UCUM.NoUnits
        measurements.append(sr.Measurement(name=name, value=float(threshold), unit=unit))
    decision = codes.SCT.Present if present else codes.SCT.Absent
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            identifier=dicom_text(label.name), uid=derive_uid("finding", instance, label.name)
        ),
        finding_type=code,
        algorithm_id=sr.AlgorithmIdentification(
            name=algorithm.name,
            version=algorithm.version,
            manufacturer=MANUFACTURER,
            parameters=parameters,
        ),
        measurements=measurements,
        qualitative_evaluations=[sr.QualitativeEvaluation(code, decision)],
        source_images=[
            sr.SourceImageForMeasurementGroup(source.SOPClassUID, source.SOPInstanceUID)
        ],
    )
    group[0].ContentSequence.extend(
        sr.TextContentItem(
            codes.DCM.Comment, dicom_text(warning), sr.RelationshipTypeValues.CONTAINS
        )
        for warning in prediction.warnings
    )
    return group


def _parameters(algorithm: Algorithm, kind: ScoreKind) -> list[str]:
    """Return digests and decision rule as parameters of the algorithm (TID 4019)."""
    parameters = {
        "model plugin": algorithm.plugin,
        "weights SHA-256": algorithm.weights,
        "run SHA-256": algorithm.run,
        "decided on": algorithm.comparison(kind),
        "operating points": algorithm.rule,
        "use": NOT_A_DEVICE,
    }
    return [f"{name}: {dicom_text(value)}" for name, value in parameters.items() if value]


def _observer(algorithm: Algorithm) -> "ObservationContext":
    """Return the observation context: the observer is a device, not a person (TID 1001)."""
    from highdicom import sr
    from pydicom.sr.codedict import codes

    device = sr.DeviceObserverIdentifyingAttributes(
        uid=derive_uid("device", algorithm.weights, algorithm.version),
        name=MANUFACTURER,
        manufacturer_name=MANUFACTURER,
        model_name=algorithm.name,
    )
    return sr.ObservationContext(
        observer_device_context=sr.ObserverContext(
            observer_type=codes.DCM.Device, observer_identifying_attributes=device
        )
    )
