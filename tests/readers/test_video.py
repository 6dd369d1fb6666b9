"""Films: frames at the requested rate, one answer per film, and errors for other files."""

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from diascope.errors import NoPictureError, ReadError
from diascope.readers.video import VideoReader
from diascope.sample import Item
from tests.refusals import refused
from tests.runs import Ended, states, write_recipe

av = pytest.importorskip("av")
FRAMES, RATE = 20, 10


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Item]:
    """Return a function that makes a film of two seconds that grows from dark to bright; before its
    fourth frame it may pause, for so many frames. One that is turned, by degrees to the left, is
    white in the left upper quarter.
    """

    def make(name: str = "film.mp4", pause: int = 0, degrees: int = 0) -> Item:
        path = tmp_path / "films" / name
        path.parent.mkdir(exist_ok=True)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4", rate=RATE)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            if degrees:
                stream.set_display_rotation(degrees)
            for number in range(FRAMES):
                pixels = np.full((48, 64, 3), 10 * number, np.uint8)
                if degrees:
                    pixels[:24, :32] = 255
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts = number + (pause if number > 2 else 0)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return Item(name, str(path))

    return make


def means(item: Item, frames_per_second: float) -> list[float]:
    samples = VideoReader(frames_per_second).read(item)
    return [float(sample.pixels.mean()) for sample in samples]


@pytest.mark.parametrize("name", ["film.mp4", "film.avi", "film.mov"])
def test_a_film_gives_rgb_frames_from_0_to_255(film: Callable[..., Item], name: str) -> None:
    samples = list(VideoReader(RATE).read(film(name)))
    assert len(samples) == FRAMES
    assert {sample.pixels.shape for sample in samples} == {(48, 64, 3)}
    assert {(sample.pixels.dtype, sample.range) for sample in samples} == {
        (np.dtype(np.uint8), (0.0, 255.0))
    }
    assert [sample.frame for sample in samples] == list(range(FRAMES))


@pytest.mark.parametrize(("rate", "numbers"), [(1, [0, 10]), (2, [0, 5, 10, 15])])
def test_frames_are_read_at_the_requested_rate(
    film: Callable[..., Item], rate: float, numbers: list[int]
) -> None:
    assert means(film(), rate) == pytest.approx([10 * number for number in numbers], abs=4)


def test_frames_do_not_catch_up_after_a_gap(film: Callable[..., Item]) -> None:
    traces = [sample.trace for sample in VideoReader(1).read(film(pause=100))]
    times = ["0.00", "10.30", "10.40", "11.00"]
    assert traces == [(f"frame at {at} s",) for at in times]


@pytest.mark.parametrize("rate", [1000, float("inf")])
def test_a_rate_above_that_of_the_film_gives_every_frame_once(
    film: Callable[..., Item], rate: float
) -> None:
    expected = [10 * number for number in range(FRAMES)]
    assert means(film(), rate) == pytest.approx(expected, abs=4)


def test_the_trace_states_the_time_of_a_frame(film: Callable[..., Item]) -> None:
    traces = [sample.trace for sample in VideoReader(2).read(film())]
    assert traces[1] == ("frame at 0.50 s",)


@pytest.mark.skipif(not hasattr(av.VideoStream, "set_display_rotation"), reason="needs av 18")
@pytest.mark.parametrize("degrees", [90, -90])
def test_a_film_is_rotated_by_its_display_matrix(film: Callable[..., Item], degrees: int) -> None:
    (sample, *_) = VideoReader().read(film(degrees=degrees))
    lit = sample.pixels.mean(axis=2) > 128
    stored = np.zeros((48, 64), dtype=bool)
    stored[:24, :32] = True

    assert (lit == np.rot90(stored, degrees // 90)).mean() > 0.99
    assert sample.trace == ("frame at 0.00 s", f"rotation of {degrees} degrees applied")


@pytest.mark.parametrize("name", ["film.mp4", "film.avi", "film.mov"])
def test_a_film_is_recognised_by_its_content(film: Callable[..., Item], name: str) -> None:
    with film(name).open() as file:
        assert VideoReader().sniff("nameless", file.read(4096)) >= 50


def test_a_picture_is_not_mistaken_for_a_film() -> None:
    heic = b"\x00\x00\x00\x18ftypheic" + bytes(20)
    assert VideoReader().sniff("photo.heic", heic) == 0
    assert VideoReader().sniff("photo.png", b"\x89PNG\r\n\x1a\n") == 0


def test_a_text_named_mp4_fails_with_a_reason(make_item: Callable[..., Item]) -> None:
    with pytest.raises(ReadError, match="the film cannot be decoded"):
        list(VideoReader().read(make_item(b"Dear diary, " * 50, "diary.mp4")))


def test_a_truncated_film_fails_with_a_reason(film: Callable[..., Item]) -> None:
    item = film()
    whole = Path(item.uri).read_bytes()
    Path(item.uri).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ReadError, match="the film cannot be decoded"):
        list(VideoReader().read(item))


def test_a_film_without_pictures_is_skipped_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(1600))
    with pytest.raises(NoPictureError, match="no pictures, only sound"):
        list(VideoReader().read(Item("sound.mp4", str(path))))


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_that_gives_no_frames_is_refused(rate: float) -> None:
    message = refused(VideoReader, {"frames_per_second": rate})

    assert message == f"frames_per_second must be a number above 0, got {rate}"


def test_a_film_is_one_prediction_in_a_run(
    film: Callable[..., Item], command: Callable[..., Ended], tmp_path: Path, tiny_weights: Path
) -> None:
    film("a.mp4")
    (tmp_path / "films" / "b.mp4").write_text("Dear diary, " * 50)
    read = {"video": {"frames_per_second": 5}}
    recipe = write_recipe(tmp_path / "film.yaml", tiny_weights, read=read, report=["csv", "json"])
    assert command("run", recipe, tmp_path / "films", "-o", tmp_path / "out").code == 1
    ends = states(tmp_path / "out")
    assert ends["a.mp4"][0] == "ok"
    assert ends["b.mp4"][0] == "failed"
    assert "the film cannot be decoded" in ends["b.mp4"][1]
    (line,) = (tmp_path / "out" / "predictions.jsonl").read_text().splitlines()
    assert '"samples": 10' in line
    assert "10 frames aggregated by mean" in line
