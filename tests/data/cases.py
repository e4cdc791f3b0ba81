# ruff: noqa: E501
"""Datasets whose types, sizes and elements are compared with TensorFlow's; see `record.py`."""

from __future__ import annotations

PATH = "FOLDER"  # replaced by a folder with the files of `write_files`

CASES = """
D.from_tensor_slices([1, 2, 3])
D.from_tensor_slices(([1.5, 2.5], {"b": [[1, 2], [3, 4]], "a": ["x", "y"]}))
D.from_tensor_slices((np.arange(4, dtype="i2"), np.ones([4, 2, 1], "f8")))
D.from_tensors((1, [2.0, 3.0]))
D.from_tensors({"a": 1})
D.range(5)
D.range(2, 10, 3)
D.range(5, 0, -2, output_type=tf.int32)
D.range(0)
D.counter(3, 2).take(3)
D.random(seed=1).take(0)
D.zip(D.range(3), D.range(5))
D.zip((D.range(3), {"a": D.range(2).repeat(), "b": D.range(9)}))
D.range(3).concatenate(D.range(10, 12))
D.range(7).batch(3)
D.range(7).batch(3, drop_remainder=True)
D.range(7).batch(3).batch(2)
D.range(7).batch(3).unbatch()
D.range(7).batch(2).rebatch(3)
D.range(7).batch(2, drop_remainder=True).rebatch(3)
D.range(3).repeat(2)
D.range(3).repeat().take(7)
D.range(3).repeat(0)
D.range(0).repeat()
D.range(9).take(4)
D.range(9).take(-1)
D.range(9).skip(7)
D.range(9).skip(20)
D.range(9).shard(4, 1)
D.range(9).repeat().shard(4, 1).take(4)
D.range(9).shuffle(1)
D.range(5).map(lambda x: x * 2)
D.range(5).map(lambda x: (x, tf.cast(x, tf.float32) / 2))
D.range(2).map(lambda x: [x, x + 1])
D.range(2).map(lambda x: {"x": x, "one": 1})
D.range(5).map(lambda x: tf.range(x))
D.range(5).map(lambda x: tf.fill([x], x)).padded_batch(2)
D.range(5).map(lambda x: tf.fill([x], x)).padded_batch(2, padded_shapes=[5], padding_values=tf.constant(-1, tf.int64), drop_remainder=True)
D.range(5).map(lambda x: x * 2).batch(2).map(lambda x: tf.reduce_sum(x))
D.range(9).filter(lambda x: x % 3 == 0)
D.range(9).filter(lambda x: x % 3 == 0).batch(2)
D.range(9).take_while(lambda x: x < 4)
D.range(4).scan(tf.constant(0, tf.int64), lambda s, x: (s + x, s * x))
D.range(3).enumerate()
D.range(3).batch(2).enumerate(start=5)
D.range(7).window(3).flat_map(lambda w: w.batch(3))
D.range(7).window(3, drop_remainder=True).flat_map(lambda w: w.batch(3))
D.range(7).window(2, shift=1, stride=2).flat_map(lambda w: w.batch(2))
D.range(7).window(3, shift=5).flat_map(lambda w: w)
D.range(7).window(3, shift=1, stride=2, drop_remainder=True).flat_map(lambda w: w.batch(3))
D.range(7).window(5, shift=3)
D.zip((D.range(5), D.range(5))).window(2).flat_map(lambda a, b: D.zip((a, b)))
D.range(6).window(3).map(lambda w: w.reduce(tf.constant(0, tf.int64), lambda s, x: s + x))
D.range(4).flat_map(lambda x: D.range(x))
D.range(4).interleave(lambda x: D.from_tensors(x).repeat(3), cycle_length=2)
D.range(4).interleave(lambda x: D.from_tensors(x).repeat(3), cycle_length=2, block_length=2)
D.range(5).interleave(lambda x: D.range(x), cycle_length=3, block_length=2)
D.range(7).interleave(lambda x: D.from_tensors(x).repeat(x % 3), cycle_length=4)
D.range(7).group_by_window(lambda x: x % 2, lambda k, w: w.batch(2), 2)
D.range(9).group_by_window(lambda x: x % 3, lambda k, w: w.batch(5), window_size_func=lambda k: k + 1)
D.range(1, 7).map(lambda x: tf.fill([x], x)).bucket_by_sequence_length(lambda x: tf.shape(x)[0], [3, 5], [2, 2, 2])
D.range(1, 4).map(lambda x: tf.fill([x], x)).bucket_by_sequence_length(lambda x: tf.shape(x)[0], [3, 5], [2, 2, 2], pad_to_bucket_boundary=True)
D.range(4).map(lambda x: tf.range(x)).ragged_batch(2)
D.range(4).map(lambda x: (x, tf.range(x), tf.fill([2], x))).ragged_batch(3, drop_remainder=True)
D.from_tensor_slices([["a b", "c"], ["d", "e f g"]]).map(tf.strings.split)
D.choose_from_datasets([D.range(3), D.range(10, 14)], D.range(2).repeat())
D.choose_from_datasets([D.range(2), D.range(10, 14)], D.from_tensor_slices(np.array([0, 1, 0, 0, 1, 1])), stop_on_empty_dataset=False)
D.choose_from_datasets([D.range(2), D.range(10, 14)], D.from_tensor_slices(np.array([0, 1, 0, 0, 1, 1])))
D.sample_from_datasets([D.range(2), D.range(5)], weights=[0.0, 1.0])
D.from_tensor_slices([1, 2, 1, 3, 2]).unique()
D.from_tensor_slices(["a", "b", "a"]).unique()
D.range(3).cache()
D.range(3).prefetch(2)
D.range(3).map(lambda x: x).cache().repeat(2)
D.range(3).with_options(tf.data.Options())
D.range(3).apply(lambda d: d.skip(1))
D.range(3).apply(tf.data.experimental.assert_cardinality(3))
D.range(9).filter(lambda x: x > 4).apply(tf.data.experimental.assert_cardinality(4)).batch(3)
D.range(4).map(lambda x: 4 // (x - 1)).ignore_errors()
D.from_generator(lambda: [1, 2, 3], output_types=tf.int32)
D.from_generator(lambda: [(1, [1.0]), (2, [2.0, 3.0])], (tf.int32, tf.float32), ([], [None]))
D.from_generator(lambda n: range(n), output_signature=tf.TensorSpec([], tf.int64), args=[3])
D.from_generator(lambda: ({"a": i} for i in range(2)), output_signature={"a": tf.TensorSpec([], tf.int32)})
D.from_tensor_slices({"a": [1, 2], "b": [3.0, 4.0]}).map(lambda d: (d["a"], d["b"]))
D.from_tensor_slices(["a,1", "b,2"]).map(lambda s: tf.strings.split(s, ",")[0])
tf.data.experimental.from_list([(1, "a"), (2, "b")])
tf.data.experimental.Counter(5).take(2)
tf.data.TextLineDataset("FOLDER/a.txt")
tf.data.TextLineDataset(["FOLDER/a.txt", "FOLDER/a.txt"]).skip(1).batch(2)
tf.data.experimental.CsvDataset("FOLDER/a.csv", [tf.int32, "none", [0.5]], header=True)
tf.data.experimental.CsvDataset("FOLDER/a.csv", [tf.int32, tf.float64], header=True, select_cols=[0, 2])
tf.data.experimental.make_csv_dataset("FOLDER/a.csv", 2, label_name="c", num_epochs=1, shuffle=False)
tf.data.experimental.make_csv_dataset("FOLDER/a.csv", 2, num_epochs=2, shuffle=False, select_columns=["c", "a"])
tf.data.experimental.make_csv_dataset("FOLDER/a.csv", 2, column_names=["p", "q", "r"], column_defaults=[0, "", 0.0], num_epochs=1, shuffle=False)
tf.data.experimental.make_csv_dataset("FOLDER/a.csv", 2, label_name="b").take(0)
tf.data.FixedLengthRecordDataset("FOLDER/b.bin", 3, header_bytes=1, footer_bytes=2)
tf.data.TFRecordDataset("FOLDER/c.rec")
tf.data.TFRecordDataset("FOLDER/c.rec").map(lambda s: tf.io.parse_single_example(s, {"x": tf.io.FixedLenFeature([2], tf.int64), "s": tf.io.FixedLenFeature([], tf.string), "d": tf.io.FixedLenFeature([], tf.float32, 0.5)}))
tf.data.TFRecordDataset("FOLDER/c.rec").batch(2).map(lambda s: tf.io.parse_example(s, {"x": tf.io.FixedLenFeature([2], tf.int64), "f": tf.io.FixedLenSequenceFeature([], tf.float32, True)}))
D.list_files("FOLDER/*.txt", shuffle=False).map(lambda p: tf.strings.length(tf.io.read_file(p)))
D.from_tensor_slices(["1,2.5,a", "3,,b"]).map(lambda s: tuple(tf.io.decode_csv(s, [[0], [1.0], [""]])))
""".strip().splitlines()


def write_files(folder: str) -> None:
    """The files that the cases read."""
    with open(f"{folder}/a.txt", "wb") as file:
        file.write(b"hello\nworld\r\n\nlast")
    with open(f"{folder}/a.csv", "w") as file:
        file.write('a,b,c\n1,x,2.5\n2,"y,\nz",3\n3,,4\n')
    with open(f"{folder}/b.bin", "wb") as file:
        file.write(bytes(range(12)))


def write_records(tf, folder: str) -> bytes:  # type: ignore[no-untyped-def]
    """A file of records, written by a TensorFlow or by graphc; its contents."""
    train = tf.train

    def example(i: int) -> bytes:
        features = {
            "x": train.Feature(int64_list=train.Int64List(value=[i, -i])),
            "s": train.Feature(bytes_list=train.BytesList(value=[b"n%d" % i])),
            "f": train.Feature(float_list=train.FloatList(value=[0.5] * i)),
        }
        made = train.Example(features=train.Features(feature=features))
        return made.SerializeToString(deterministic=True)

    with tf.io.TFRecordWriter(f"{folder}/c.rec") as writer:
        for i in range(3):
            writer.write(example(i))
    with open(f"{folder}/c.rec", "rb") as file:
        return file.read()


def plain(value):  # type: ignore[no-untyped-def]
    """An element as JSON can hold it."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if hasattr(value, "as_numpy_iterator"):
        return [plain(v) for v in value.as_numpy_iterator()]
    if hasattr(value, "to_list"):
        return plain(value.to_list())
    if hasattr(value, "numpy"):
        return plain(value.numpy())
    return plain(value.tolist()) if hasattr(value, "tolist") else value


def describe(tf, np, case: str, folder: str):  # type: ignore[no-untyped-def]
    """What is compared: how a dataset prints, its size, its elements."""
    made = eval(case.replace("FOLDER", folder), {"tf": tf, "np": np, "D": tf.data.Dataset})
    size = int(made.cardinality().numpy())
    elements = plain(list(made))
    return [repr(made), size, len(made) if size >= 0 else None, elements]
