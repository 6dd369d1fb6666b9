"""The ledger: which items are done, which are processed again, and the records it holds."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from diascope.errors import OutputError
from diascope.fingerprints import content_digest
from diascope.inputs import find_items
from diascope.ledger import Ledger
from diascope.sample import Evidence, Failed, Found, Item, Prediction, Record, Regions, Skipped


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with three files."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in "abc":
        (folder / name).write_text(f"content of {name}")
    return folder


def opened(photos: Path, digest: str = "run", *, retry: bool = False) -> Ledger:
    """Open the ledger beside the photos and add them, as a run does."""
    ledger = Ledger(photos.parent / "ledger.sqlite", digest)
    ledger.add_items(find_items([str(photos)]), retry=retry)
    return ledger


def answer(item: Item, **fields: object) -> Prediction:
    known = {"scores": {"x": 0.25, "y": 0.75}, "score_kind": "softmax", "predicted": ("y",)}
    return Prediction(item, **(known | fields))  # type: ignore[arg-type]


def waiting(ledger: Ledger) -> list[str]:
    return [item.id for chunk in ledger.pending_chunks(2) for item in chunk]


def finish(ledger: Ledger, ends: Sequence[Record] | None = None) -> None:
    """Record an end for every pending item: an answer, if nothing else is given."""
    items = [item for chunk in ledger.pending_chunks(10) for item in chunk]
    chosen = ends or [answer(item) for item in items]
    ledger.record([(end, content_digest(end.item)) for end in chosen])


def test_in_a_new_ledger_every_item_is_pending_in_the_order_found(photos: Path) -> None:
    assert waiting(opened(photos)) == ["a", "b", "c"]


def test_chunks_have_the_size_asked_for(photos: Path) -> None:
    assert [len(chunk) for chunk in opened(photos).pending_chunks(2)] == [2, 1]


def test_a_done_item_is_not_processed_again(photos: Path) -> None:
    finish(opened(photos))
    assert waiting(opened(photos)) == []


def test_another_digest_processes_all_items_again(photos: Path) -> None:
    finish(opened(photos))
    assert waiting(opened(photos, "another recipe")) == ["a", "b", "c"]


def test_a_changed_file_is_processed_again(photos: Path) -> None:
    finish(opened(photos))
    (photos / "b").write_text("something else")
    assert waiting(opened(photos)) == ["b"]


def test_a_touched_file_with_the_same_content_is_not_processed_again(photos: Path) -> None:
    finish(opened(photos))
    os.utime(photos / "b", (1, 1))
    assert waiting(opened(photos)) == []


def test_a_changed_file_of_the_same_size_is_processed_again(photos: Path) -> None:
    finish(opened(photos))
    (photos / "b").write_text("content of B")
    assert waiting(opened(photos)) == ["b"]


def test_a_file_that_becomes_a_pipe_is_skipped_without_waiting(photos: Path) -> None:
    with closing(opened(photos)) as ledger:
        finish(ledger)
    (photos / "a").unlink()
    os.mkfifo(photos / "a")
    with closing(opened(photos)) as ledger:
        assert ledger.counts()["skipped"] == 1


def test_items_that_fail_when_added_are_counted_once(photos: Path) -> None:
    (photos / "gone").symlink_to(photos / "nowhere")
    lost = []
    for retry in (False, False, True):
        with closing(opened(photos, retry=retry)) as ledger:
            lost.append(ledger.failed_on_entry)
            finish(ledger)
    assert lost == [1, 0, 1]


def test_only_a_new_file_is_pending(photos: Path) -> None:
    finish(opened(photos))
    (photos / "ab").write_text("new")
    assert waiting(opened(photos)) == ["ab"]


def test_a_file_that_is_gone_is_no_longer_counted(photos: Path) -> None:
    finish(opened(photos))
    (photos / "b").unlink()
    ledger = opened(photos)
    assert ledger.counts()["found"] == 2
    assert [record.item.id for record in ledger.records()] == ["a", "c"]


def test_a_ledger_is_changed_until_its_content_has_been_reported(photos: Path) -> None:
    assert opened(photos).changed
    finish(opened(photos))
    ledger = opened(photos)
    assert ledger.changed  # of all three, nothing is written yet
    ledger.mark_reported()
    assert not opened(photos).changed
    (photos / "b").unlink()
    assert opened(photos).changed
    assert opened(photos).changed
    opened(photos).mark_reported()
    (photos / "a").write_text("another content")
    assert opened(photos).changed


def test_an_item_that_ends_when_added_is_a_change(photos: Path) -> None:
    finish(opened(photos))
    opened(photos).mark_reported()
    paths = [str(photos / name) for name in "abc"]
    ledger = opened(photos)
    ledger.add_items(find_items(paths), retry=False)
    ledger.mark_reported()
    listed = [Found(each.item, each.stamp) for each in find_items(paths)]
    (photos / "b").unlink()
    gone = replace(listed[1], stamp="", end=Failed(listed[1].item, "read", "", "it is gone"))
    ledger.add_items([listed[0], gone, listed[2]], retry=False)
    assert ledger.counts() == {"found": 3, "ok": 2, "failed": 1, "skipped": 0, "pending": 0}
    assert ledger.changed


def test_a_stopped_retry_resumes_and_the_next_one_starts_again(photos: Path) -> None:
    ledger = opened(photos)
    items = [item for chunk in ledger.pending_chunks(3) for item in chunk]
    finish(ledger, [Failed(item, "read", "image", "broken") for item in items])

    retried = opened(photos, retry=True)
    assert waiting(retried) == ["a", "b", "c"]
    retried.record([(Failed(items[0], "read", "image", "still"), "")])
    again = opened(photos, retry=True)
    assert waiting(again) == ["b", "c"]
    again.record([(Failed(item, "read", "image", "still"), "") for item in items[1:]])
    for _ in range(2):  # two retries one after the other, each to its end
        whole = opened(photos, retry=True)
        assert waiting(whole) == ["a", "b", "c"]
        whole.record([(Failed(item, "read", "image", "still"), "") for item in items])
    assert waiting(opened(photos)) == []


@pytest.mark.parametrize("kind", [Failed, Skipped])
def test_only_retry_processes_failed_and_skipped_items_again(photos: Path, kind: type) -> None:
    ledger = opened(photos)
    a, b, c = (item for chunk in ledger.pending_chunks(3) for item in chunk)
    bad = Skipped(b, "no picture") if kind is Skipped else Failed(b, "read", "image", "broken")
    finish(ledger, [answer(a), bad, answer(c)])
    assert waiting(opened(photos)) == []
    assert waiting(opened(photos, retry=True)) == ["b"]


def test_records_survive_storage_unchanged(photos: Path) -> None:
    random = np.random.default_rng(0)
    ledger = opened(photos)
    a, b, c = (item for chunk in ledger.pending_chunks(3) for item in chunk)
    maps = random.normal(size=(2, 5, 7)).astype(np.float32)
    evidence = tuple(Evidence(n, m, 1 / 3, -0.1) for n, m in zip("xy", maps, strict=True))
    rows, columns = np.mgrid[0:64, 0:48]
    preview = np.stack([rows * 3, columns * 4, rows + columns], axis=2).astype(np.uint8)
    whole = answer(
        a,
        scores={"x": 0.1 + 0.2, "y": 1e-300},
        evidence=evidence,
        preview=preview,
        samples=3,
        trace=("EXIF rotation applied", "ü"),
        novelty=0.1 + 1.2,
        warnings=("unlike the others",),
    )
    failed, skipped = Failed(b, "model", "tiny", "no; it's bad"), Skipped(c, "hidden")
    finish(ledger, [whole, failed, skipped])
    got, *others = list(opened(photos).records())
    assert others == [failed, skipped]
    assert isinstance(got, Prediction)
    for name in (
        "item",
        "scores",
        "score_kind",
        "predicted",
        "samples",
        "trace",
        "novelty",
        "warnings",
    ):
        assert getattr(got, name) == getattr(whole, name)
    for one, other in zip(evidence, got.evidence, strict=True):
        np.testing.assert_array_equal(one.map, other.map)
        assert (one.label, one.logit, one.bias) == (other.label, other.logit, other.bias)
    assert got.preview is not None
    assert np.abs(got.preview.astype(int) - preview).mean() < 4


def test_a_prediction_without_preview_or_evidence_is_read_back_without(photos: Path) -> None:
    ledger = opened(photos)
    finish(ledger)
    first = next(ledger.records())
    assert isinstance(first, Prediction)
    assert (first.preview, first.evidence) == (None, ())


def test_a_chunk_is_recorded_as_a_whole_or_not_at_all(photos: Path) -> None:
    ledger = opened(photos)
    a, b, _ = (item for chunk in ledger.pending_chunks(3) for item in chunk)
    unwritable = answer(b, scores={"x": object()})
    with pytest.raises(TypeError):
        ledger.record([(answer(a), ""), (unwritable, "")])
    assert ledger.counts()["ok"] == 0


def test_items_not_recorded_when_a_process_died_are_pending(photos: Path) -> None:
    ledger = opened(photos)
    ledger.record([(answer(next(ledger.pending_chunks(1))[0]), "")])
    ledger.close()
    assert waiting(opened(photos)) == ["b", "c"]


def test_counts_add_up_to_the_items_found(photos: Path) -> None:
    (photos / ".hidden").write_text("")
    ledger = opened(photos)
    item = next(ledger.pending_chunks(1))[0]
    ledger.record([(Failed(item, "read", "image", "broken"), "")])
    counts = ledger.counts()
    assert counts == {"found": 4, "ok": 0, "failed": 1, "skipped": 1, "pending": 2}


def test_two_items_with_the_same_id_are_kept_apart(photos: Path) -> None:
    def same() -> Iterator[Found]:
        for name in "abc":
            yield Found(Item("same", str(photos / name)), "")

    ledger = Ledger(photos.parent / "other.sqlite", "run")
    ledger.add_items(same(), retry=False)
    assert waiting(ledger) == ["same", "same (2)", "same (3)"]
    finish(ledger)
    ledger.add_items(same(), retry=False)
    assert waiting(ledger) == []


def test_a_file_that_is_not_a_ledger_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this is a shopping list, and a long one " * 50)
    with pytest.raises(OutputError, match="is not a ledger") as error:
        Ledger(path, "run")
    assert error.value.where == str(path)


def test_a_ledger_of_another_version_is_an_error_and_is_not_changed(photos: Path) -> None:
    opened(photos).close()
    with sqlite3.connect(photos.parent / "ledger.sqlite") as base:
        base.execute("pragma user_version = 99")
    for _ in range(2):
        with pytest.raises(OutputError, match="version 99, not"):
            Ledger(photos.parent / "ledger.sqlite", "run")


def test_a_ledger_of_version_2_keeps_its_answers_and_becomes_one_of_this_version(
    photos: Path,
) -> None:
    """Its answers do not say whether the regions have weights; they never have."""
    regions = Regions(np.array([[1, 2, 3, 4]], np.int32), np.array([[0.25, 0.75]], np.float32))
    ledger = opened(photos)
    finish(ledger, [answer(Item(name, str(photos / name)), regions=regions) for name in "abc"])
    ledger.close()
    with sqlite3.connect(photos.parent / "ledger.sqlite") as base:
        base.execute("update items set answer = json_remove(answer, '$.weighted')")
        base.execute("pragma user_version = 2")

    again = opened(photos)
    assert waiting(again) == []
    for record in again.records():
        assert isinstance(record, Prediction)
        assert record.regions is not None
        assert record.regions.scores.tolist() == [[0.25, 0.75]]
        assert record.regions.attention is None
    again.close()
    with sqlite3.connect(photos.parent / "ledger.sqlite") as base:
        assert base.execute("pragma user_version").fetchone() == (3,)


def test_a_stored_text_survives_a_restart(photos: Path) -> None:
    ledger = opened(photos)
    ledger.store_text("reports", "written")
    ledger.close()
    assert opened(photos).load_text("reports") == "written"
    assert opened(photos).load_text("other") is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_ledger_that_cannot_be_written_is_an_error(photos: Path) -> None:
    opened(photos).close()
    (photos.parent / "ledger.sqlite").chmod(0o400)
    with pytest.raises(OutputError, match="cannot be written"):
        opened(photos)
