"""Codes for labels and scores."""

from typing import TYPE_CHECKING

from diascope.card import Label
from diascope.sample import ScoreKind

if TYPE_CHECKING:
    from highdicom.coding_schemes import CodingSchemeIdentificationItem
    from highdicom.sr import CodedConcept

_SCHEME = "99DIASCOPE"
"""Private coding scheme for labels without a code and for kinds of scores."""

_PREFERRED = "SCT"
_REPLACED = {**dict.fromkeys([*range(32), 127], " "), ord("\\"): "/"}
_MEANING = 64
_KINDS = {
    "probability": "Calibrated probability",
    "softmax": "Softmax, not calibrated",
    "sigmoid": "Sigmoid, not calibrated",
    "logit": "Logit, not a probability",
    "share": "Share of regions or frames",
}


def dicom_text(text: str) -> str:
    """Return text that is valid as a DICOM value (PS3.5 section 6.2).

    Control characters become blanks, and backslashes, which separate values, become slashes.
    """
    return text.translate(_REPLACED)


def own_scheme() -> "CodingSchemeIdentificationItem":
    """Return the identification of the private coding scheme."""
    from highdicom.coding_schemes import CodingSchemeIdentificationItem

    return CodingSchemeIdentificationItem(_SCHEME, name="labels and score kinds of diascope")


def finding_code(label: Label) -> "CodedConcept":
    """Return the code of a label, preferably from SNOMED CT, with other codes as equivalents.

    A label without a code gets its name as a code of the private scheme.
    """
    from highdicom.sr import CodedConcept
    from pydicom import Sequence

    meaning = dicom_text(label.title or label.name)[:_MEANING]
    given = label.codes or {_SCHEME: dicom_text(label.name)}
    schemes = sorted(given, key=lambda scheme: scheme != _PREFERRED)
    first, *others = (CodedConcept(given[scheme], scheme, meaning) for scheme in schemes)
    if others:
        first.EquivalentCodeSequence = Sequence(others)
    return first


def method_code(kind: ScoreKind) -> "CodedConcept":
    """Return the code for a kind of score."""
    from highdicom.sr import CodedConcept

    return CodedConcept(kind, _SCHEME, _KINDS[kind])


def score_code(kind: ScoreKind) -> "CodedConcept":
    """Return the code for the name of a score: probability if it is calibrated, otherwise score."""
    from highdicom.sr import CodedConcept
    from pydicom.sr.codedict import codes

    code = codes.DCM.Probability if kind == "probability" else codes.SCT.Score
    return CodedConcept.from_code(code)
