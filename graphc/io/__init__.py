"""``tf.io``: files, records, serialised tensors and pictures."""

from __future__ import annotations

from graphc.io.codecs import (
    decode_base64,
    decode_compressed,
    decode_csv,
    decode_raw,
    encode_base64,
    parse_tensor,
    serialize_tensor,
)  # fmt: skip
from graphc.io.files import gfile, matching_files, read_file, write_file
from graphc.io.parsing import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    RaggedFeature,
    VarLenFeature,
    parse_example,
    parse_single_example,
    parse_single_sequence_example,
)  # fmt: skip
from graphc.io.pictures import (
    decode_bmp,
    decode_gif,
    decode_image,
    decode_jpeg,
    decode_png,
    encode_jpeg,
    encode_png,
    extract_jpeg_shape,
    is_jpeg,
)  # fmt: skip
from graphc.io.records import TFRecordOptions, TFRecordWriter

__all__ = [
    "FixedLenFeature", "FixedLenSequenceFeature", "RaggedFeature", "TFRecordOptions",
    "TFRecordWriter", "VarLenFeature", "decode_base64", "decode_bmp", "decode_compressed",
    "decode_csv", "decode_gif", "decode_image", "decode_jpeg", "decode_png", "decode_raw",
    "encode_base64", "encode_jpeg", "encode_png", "extract_jpeg_shape", "gfile", "is_jpeg",
    "matching_files", "parse_example", "parse_single_example", "parse_single_sequence_example",
    "parse_tensor", "read_file", "serialize_tensor", "write_file",
]  # fmt: skip
