"""Deriving UIDs from facts."""

from uuid import UUID

from pydicom.uid import UID

from diascope_dicom.uid import derive_uid


def test_the_same_facts_give_the_same_valid_uid():
    assert derive_uid("a", "b") == derive_uid("a", "b")
    assert UID(derive_uid("a", "b")).is_valid


def test_different_facts_that_join_to_the_same_text_give_different_uids():
    assert (
        len(
            {derive_uid("a", "b"), derive_uid("ab"), derive_uid("a", "b", ""), derive_uid("b", "a")}
        )
        == 4
    )


def test_the_number_is_a_version_8_uuid():
    number = UUID(int=int(derive_uid("a").removeprefix("2.25.")))
    assert (number.version, number.variant) == (8, "specified in RFC 4122")
