"""Event files, as TensorBoard's own reader sees them."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

import graphc as tf
from graphc.formats.records import read_records
from graphc.formats.wire import fields


def written(folder) -> list[dict[int, object]]:
    """The events of a folder as fields by number."""
    (path,) = folder.glob("events.out.tfevents.*.v2")
    with open(path, "rb") as file:
        return [dict(fields(record)) for record in read_records(file, str(path))]


@pytest.fixture
def reader():
    accumulators = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="needs graphc[tensorboard]"
    )
    from tensorboard.util import tensor_util

    def read(folder):
        found = accumulators.EventAccumulator(str(folder), size_guidance={"tensors": 0})
        found.Reload()
        values = {
            tag: [(e.step, tensor_util.make_ndarray(e.tensor_proto)) for e in found.Tensors(tag)]
            for tag in found.Tags()["tensors"]
        }
        return found, values

    return read


def test_every_kind_is_read_back(tmp_path, reader) -> None:
    image = np.zeros((1, 2, 3, 3), np.float32)
    image[0, 0, 0] = [1.0, 0.5, 0.0]
    with tf.summary.create_file_writer(tmp_path).as_default():
        for step in range(3):
            assert tf.summary.scalar("loss", 0.5**step, step=step, description="falls") is True
        tf.summary.histogram("weights", [0.0, 1.0, 1.0, 4.0], step=1, buckets=4)
        tf.summary.image("picture", image, step=2)
        tf.summary.text("note", ["hello", "**world**"], step=3)
        tf.summary.audio("tone", np.full([2, 10, 1], 0.5), 8000, step=4)
    found, values = reader(tmp_path)
    assert [(s, float(v)) for s, v in values["loss"]] == [(0, 1.0), (1, 0.5), (2, 0.25)]
    step, rows = values["weights"][0]
    assert step == 1
    np.testing.assert_array_equal(rows, [[0, 1, 1], [1, 2, 2], [2, 3, 0], [3, 4, 1]])
    width, height, png = values["picture"][0][1]
    assert (width, height) == (b"3", b"2") and png.startswith(b"\x89PNG")
    assert list(values["note"][0][1]) == [b"hello", b"**world**"]
    clips = values["tone"][0][1]
    assert clips.shape == (2, 2)
    with wave.open(io.BytesIO(clips[0, 0])) as clip:
        assert (clip.getframerate(), clip.getnframes(), clip.getsampwidth()) == (8000, 10, 2)
    plugins = {t: found.SummaryMetadata(t).plugin_data.plugin_name for t in values}
    assert plugins == {
        "loss": "scalars", "weights": "histograms", "picture": "images", "note": "text",
        "tone": "audio",
    }  # fmt: skip
    assert found.SummaryMetadata("loss").summary_description == "falls"


def test_images_are_pngs_that_others_read(tmp_path, reader) -> None:
    plt = pytest.importorskip("matplotlib.image")
    random = np.random.default_rng(0)
    for channels in (1, 3, 4):
        image = random.integers(0, 256, (1, 5, 7, channels), np.uint8)
        folder = tmp_path / str(channels)
        with tf.summary.create_file_writer(folder).as_default(step=0):
            tf.summary.image("i", image)
        _, values = reader(folder)
        read = plt.imread(io.BytesIO(values["i"][0][1][2])).reshape(5, 7, -1) * 255
        np.testing.assert_allclose(read, image[0], atol=0.01)


def test_nothing_is_written_without_a_writer_or_when_told_not_to(tmp_path) -> None:
    assert tf.summary.scalar("loss", 1.0, step=0) is False
    writer = tf.summary.create_file_writer(tmp_path)
    with writer.as_default(step=5), tf.summary.record_if(lambda: False):
        assert tf.summary.should_record_summaries() is False
        assert tf.summary.scalar("loss", 1.0) is False
        with tf.summary.record_if(True):
            assert tf.summary.scalar("loss", 1.0) is True
    assert [e.get(2) for e in written(tmp_path)] == [None, 5]
    assert tf.summary.should_record_summaries() is False


def test_steps_come_from_the_call_the_writer_or_the_default(tmp_path) -> None:
    with tf.summary.create_file_writer(tmp_path).as_default():
        with pytest.raises(ValueError, match="No step set"):
            tf.summary.scalar("a", 1.0)
        step = tf.Variable(3, dtype=tf.int64)
        tf.summary.experimental.set_step(step)
        try:
            tf.summary.scalar("a", 1.0)
            step.assign_add(1)
            tf.summary.scalar("a", 1.0)
            tf.summary.scalar("a", 1.0, step=9)
        finally:
            tf.summary.experimental.set_step(None)
    assert [e.get(2) for e in written(tmp_path)][1:] == [3, 4, 9]


def test_summaries_inside_a_function_are_written_on_every_call(tmp_path, reader) -> None:
    @tf.function
    def step(x, i):
        with tf.name_scope("train"):
            tf.summary.scalar("twice", x * 2.0, step=i)
        return x + 1.0

    with tf.summary.create_file_writer(tmp_path).as_default():
        for i in range(3):
            step(tf.constant(float(i)), tf.constant(i))
    _, values = reader(tmp_path)
    assert [(s, float(v)) for s, v in values["train/twice"]] == [(0, 0.0), (1, 2.0), (2, 4.0)]
    assert step.experimental_get_tracing_count() == 1


def test_wrong_data_is_refused_and_nothing_is_half_written(tmp_path) -> None:
    with tf.summary.create_file_writer(tmp_path).as_default(step=0):
        with pytest.raises(ValueError, match=r"Expected scalar shape, saw shape: \(2,\)"):
            tf.summary.scalar("a", [1.0, 2.0])
        with pytest.raises(ValueError, match=r"images are \[count, height, width, channels\]"):
            tf.summary.image("a", np.zeros((3, 3)))
        with pytest.raises(TypeError, match="a summary's name is a string, got 3"):
            tf.summary.scalar(3, 1.0)
        tf.summary.scalar("good", 1.0)
    assert len(written(tmp_path)) == 2


def test_a_writer_collects_flushes_and_closes(tmp_path) -> None:
    writer = tf.summary.create_file_writer(tmp_path, max_queue=3)
    assert not writer.path.exists()
    for step in range(2):
        with tf.summary.record_if(True):
            writer.set_as_default(step)
            tf.summary.scalar("a", 1.0)
    assert not writer.path.exists()
    tf.summary.flush()
    assert len(written(tmp_path)) == 3
    writer.close()
    with pytest.raises(RuntimeError, match="is closed"):
        tf.summary.scalar("a", 1.0, step=1)
    tf.summary.create_noop_writer().set_as_default()
    assert tf.summary.scalar("a", 1.0, step=1) is True and len(written(tmp_path)) == 3
