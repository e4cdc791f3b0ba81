"""Files, records, serialised tensors, CSV and pictures; expected bytes are TensorFlow's."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import graphc as tf

Invalid = tf.errors.InvalidArgumentError


def test_whole_files(tmp_path) -> None:
    path = str(tmp_path / "deep" / "x.txt")
    tf.io.write_file(path, "hello")
    assert tf.io.read_file(path).numpy() == b"hello"
    assert tf.io.matching_files(str(tmp_path / "*" / "*")).numpy().tolist() == [path.encode()]

    @tf.function
    def double(name):
        data = tf.io.read_file(name)
        tf.io.write_file(name + ".2", data + data)
        return tf.strings.length(data)

    assert double(tf.constant(path)).numpy() == 5
    assert tf.io.read_file(path + ".2").numpy() == b"hellohello"
    with pytest.raises(tf.errors.NotFoundError, match="No such file"):
        tf.io.read_file(str(tmp_path / "nothing"))


def test_gfile(tmp_path) -> None:
    gfile, folder = tf.io.gfile, str(tmp_path)
    gfile.makedirs(f"{folder}/a/b")
    with gfile.GFile(f"{folder}/a/f", "w") as file:
        file.write("one\ntwo\n")
    with gfile.GFile(f"{folder}/a/f") as file:
        assert list(file) == ["one\n", "two\n"]
    with gfile.GFile(f"{folder}/a/f", "rb") as file:
        assert (file.read(3), file.size()) == (b"one", 8)
    assert gfile.listdir(f"{folder}/a") == ["b", "f"]
    assert gfile.isdir(f"{folder}/a/b")
    assert gfile.stat(f"{folder}/a/f").length == 8
    gfile.copy(f"{folder}/a/f", f"{folder}/g")
    with pytest.raises(tf.errors.AlreadyExistsError):
        gfile.copy(f"{folder}/a/f", f"{folder}/g")
    gfile.rename(f"{folder}/g", f"{folder}/h")
    assert gfile.glob(f"{folder}/*") == [f"{folder}/a", f"{folder}/h"]
    gfile.remove(f"{folder}/h")
    gfile.rmtree(f"{folder}/a")
    assert list(gfile.walk(folder)) == [(folder, [], [])]
    assert not gfile.exists(f"{folder}/a")
    with pytest.raises(tf.errors.NotFoundError):
        gfile.remove(f"{folder}/h")
    with pytest.raises(tf.errors.PermissionDeniedError), gfile.GFile(f"{folder}/x", "w") as file:
        file.read()


SERIALISED = [
    ([[1, 2], [3, 0]], tf.int32, b'\x08\x03\x12\x08\x12\x02\x08\x02\x12\x02\x08\x02"\x10'
     b"\x01\0\0\0\x02\0\0\0\x03\0\0\0\0\0\0\0"),
    (2.5, tf.float32, b'\x08\x01\x12\x00"\x04\x00\x00 @'),
    (np.zeros([0, 2], "f4"), tf.float32, b"\x08\x01\x12\x06\x12\x00\x12\x02\x08\x02"),
    (["a", ""], tf.string, b"\x08\x07\x12\x04\x12\x02\x08\x02B\x01aB\x00"),
    (True, tf.bool, b'\x08\n\x12\x00"\x01\x01'),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(SERIALISED)))
def test_serialised_tensors(case) -> None:
    value, dtype, data = SERIALISED[case]
    t = tf.constant(value, dtype)
    assert tf.io.serialize_tensor(t).numpy() == data
    back = tf.io.parse_tensor(data, dtype)
    assert back.dtype is dtype
    np.testing.assert_array_equal(back.numpy(), t.numpy())
    with pytest.raises(Invalid, match="Type mismatch"):
        tf.io.parse_tensor(data, tf.float64)


def test_a_proto_with_repeated_numbers_is_read_too() -> None:
    # what tf.make_tensor_proto writes for tf.fill([3], 7): one number for all elements
    data = b"\x08\x03\x12\x04\x12\x02\x08\x03:\x01\x07"
    assert tf.io.parse_tensor(data, tf.int32).numpy().tolist() == [7, 7, 7]
    with pytest.raises(Invalid, match="TensorProto"):
        tf.io.parse_tensor(data[:-1], tf.int32)


def test_csv_lines() -> None:
    one, two, three = tf.io.decode_csv(['1,2.5,"a,b"', ",,"], [[7], [0.5], ["x"]])
    assert (one.numpy().tolist(), two.numpy().tolist()) == ([1, 7], [2.5, 0.5])
    assert three.numpy().tolist() == [b"a,b", b"x"]
    (second,) = tf.io.decode_csv("1;2;3", [0], field_delim=";", select_cols=[1])
    assert second.numpy() == 2
    for line, defaults, words in (
        ("1,2,3", [[0], [0]], "Expect 2 fields but have 3 in record 0"),
        ("x,1", [[0], [0]], "Field 0 in record 0 is not a valid int32: x"),
        (",1", [tf.constant([], tf.int32), [0]], "Field 0 is required but missing in record 0"),
        ('"a,1', [[0], [0]], "Quoted field"),
    ):
        with pytest.raises(Invalid, match=words):
            tf.io.decode_csv([line], defaults)

    @tf.function
    def total(lines):
        a, b = tf.io.decode_csv(lines, [0, 0.0])
        return tf.cast(tf.reduce_sum(a), tf.float32) + tf.reduce_sum(b)

    assert total(tf.constant(["1,2", "3,4"])).numpy() == 10


def test_raw_numbers_and_texts() -> None:
    assert tf.io.decode_raw([b"\1\0\2\0"], tf.int16).numpy().tolist() == [[1, 2]]
    assert tf.io.decode_raw(b"\0\1", tf.int16, little_endian=False).numpy().tolist() == [1]
    with pytest.raises(Invalid, match="multiple of 2"):
        tf.io.decode_raw([b"abc"], tf.int16)
    assert tf.io.encode_base64("a?>").numpy() == b"YT8-"
    assert tf.io.decode_base64("YT8-").numpy() == b"a?>"
    import zlib

    assert tf.io.decode_compressed(zlib.compress(b"x"), "ZLIB").numpy() == b"x"


@pytest.mark.parametrize("kind", ["", "GZIP", "ZLIB"])
def test_records(tmp_path, kind) -> None:
    path = str(tmp_path / "r")
    written = [b"", b"one", bytes(5000)]
    with tf.io.TFRecordWriter(path, kind) as writer:
        for record in written:
            writer.write(record)
    read = tf.data.TFRecordDataset(path, kind)
    assert list(read.as_numpy_iterator()) == written
    if not kind:
        data = bytearray((tmp_path / "r").read_bytes())
        data[30] ^= 1
        (tmp_path / "r").write_bytes(data)
        with pytest.raises(tf.errors.DataLossError, match="corrupted record"):
            list(read)
        (tmp_path / "r").write_bytes(data[:20])
        with pytest.raises(tf.errors.DataLossError):
            list(read)
    with pytest.raises(tf.errors.NotFoundError):
        list(tf.data.TFRecordDataset(str(tmp_path / "nothing")))


def example(**features):
    kinds = {int: "int64_list", float: "float_list", bytes: "bytes_list"}
    lists = {"int64_list": tf.train.Int64List, "float_list": tf.train.FloatList,
             "bytes_list": tf.train.BytesList}  # fmt: skip
    made = {}
    for key, values in features.items():
        kind = kinds[type(values[0])]
        made[key] = tf.train.Feature(**{kind: lists[kind](value=values)})
    return tf.train.Example(features=tf.train.Features(feature=made))


def test_examples_as_bytes_and_text() -> None:
    made = example(x=[1, -1], s=[b'q\n"\xff'], f=[0.5])
    data = made.SerializeToString()
    assert data == (
        b"\n?"[:1] + bytes([len(data) - 2])
        + b"\n\r\n\x01f\x12\x08\x12\x06\n\x04\0\0\0?"
        + b'\n\r\n\x01s\x12\x08\n\x06\n\x04q\n"\xff'
        + b"\n\x14\n\x01x\x12\x0f\x1a\r\n\x0b\x01" + b"\xff" * 9 + b"\x01"
    )  # fmt: skip
    back = tf.train.Example.FromString(data)
    assert back == made
    assert back.features.feature["x"].int64_list.value == [1, -1]
    assert back.features.feature["x"].WhichOneof("kind") == "int64_list"
    assert 'value: "q\\n\\"\\377"' in str(back)


def test_parsing_examples() -> None:
    one, two = (example(x=[i, i + 1], v=[7] * (i + 1)).SerializeToString() for i in range(2))
    fixed = tf.io.FixedLenFeature
    features = {
        "x": fixed([2], tf.int64),
        "v": tf.io.VarLenFeature(tf.int64),
        "d": fixed([], tf.string, "none"),
    }
    found = tf.io.parse_example([one, two], features)
    assert found["x"].numpy().tolist() == [[0, 1], [1, 2]]
    assert found["d"].numpy().tolist() == [b"none", b"none"]
    assert tf.sparse.to_dense(found["v"]).numpy().tolist() == [[7, 0], [7, 7]]
    ragged = tf.io.parse_example([one, two], {"v": tf.io.RaggedFeature(tf.int64)})["v"]
    assert ragged.to_list() == [[7], [7, 7]]
    filled = tf.io.FixedLenSequenceFeature([], tf.int64, True, -1)
    found = tf.io.parse_example([one, two], {"v": filled})["v"]
    assert found.numpy().tolist() == [[7, -1], [7, 7]]
    single = tf.io.parse_single_example(one, {"x": fixed([2], tf.int64)})
    assert single["x"].numpy().tolist() == [0, 1]
    for feature, words in (
        ({"x": fixed([3], tf.int64)}, "values != expected"),
        ({"x": fixed([2], tf.float32)}, "Data types don't match"),
        ({"z": fixed([2], tf.int64)}, "is required but could not be found"),
    ):
        with pytest.raises(Invalid, match=words):
            tf.io.parse_example([one], feature)
    with pytest.raises(Invalid, match="Could not parse"):
        tf.io.parse_single_example(b"\xff\xff", features)


def test_pictures(tmp_path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)
    data = tf.io.encode_png(pixels)
    np.testing.assert_array_equal(tf.io.decode_png(data).numpy(), pixels)
    np.testing.assert_array_equal(tf.io.decode_image(data, 3).numpy(), pixels)
    assert tf.io.decode_png(data, channels=1).shape == (6, 5, 1)
    floats = tf.io.decode_image(data, dtype=tf.float32).numpy()
    np.testing.assert_allclose(floats, pixels / np.float32(255), rtol=1e-6)
    smooth = np.broadcast_to(np.arange(0, 160, 10, np.uint8)[:, None, None], (16, 16, 3))
    jpeg = tf.io.encode_jpeg(np.ascontiguousarray(smooth))
    assert tf.io.is_jpeg(jpeg).numpy()
    assert tf.io.extract_jpeg_shape(jpeg).numpy().tolist() == [16, 16, 3]
    assert np.abs(tf.io.decode_jpeg(jpeg).numpy().astype(int) - smooth).max() < 8
    with pytest.raises(Invalid, match="image file format"):
        tf.io.decode_png(b"nothing of the kind")
    tf.io.write_file(str(tmp_path / "a.png"), data)
    names = tf.data.Dataset.list_files(str(tmp_path / "*.png"))
    found = names.map(tf.io.read_file).map(lambda b: tf.io.decode_png(b, channels=3))
    assert found.element_spec == tf.TensorSpec([None, None, 3], tf.uint8)
    np.testing.assert_array_equal(next(iter(found)).numpy(), pixels)


def test_pictures_without_pillow_name_the_extra(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match=r"graphc\[image\]"):
        tf.io.encode_png(np.zeros((2, 2, 3), "u1"))


def test_parsing_sequence_examples() -> None:
    def ints(*values):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

    steps = tf.train.FeatureList(feature=[ints(1, 2), ints(3, 4)])
    made = tf.train.SequenceExample(
        context=tf.train.Features(feature={"n": ints(2)}),
        feature_lists=tf.train.FeatureLists(feature_list={"x": steps}),
    )
    context, sequence = tf.io.parse_single_sequence_example(
        made.SerializeToString(),
        {"n": tf.io.FixedLenFeature([], tf.int64)},
        {"x": tf.io.FixedLenSequenceFeature([2], tf.int64)},
    )
    assert context["n"].numpy() == 2
    assert sequence["x"].numpy().tolist() == [[1, 2], [3, 4]]
