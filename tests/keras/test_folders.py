"""Datasets from folders and from rows in time."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.keras.preprocessing import image


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("PIL", reason="needs graphc[image]")
    for number, name in enumerate(("cats", "dogs")):
        (tmp_path / name).mkdir()
        for i in range(5):
            picture = np.full((6, 8, 3), 100 * number + i, np.uint8)
            image.save_img(tmp_path / name / f"{i}.png", picture, scale=False)
            (tmp_path / name / f"{i}.txt").write_text(f"{name} {i}")
    return tmp_path


def test_pictures_of_a_folder(folder, capsys) -> None:
    data = keras.utils.image_dataset_from_directory(
        folder, image_size=(4, 4), batch_size=4, shuffle=False
    )
    assert capsys.readouterr().out == "Found 10 images belonging to 2 classes.\n"
    assert data.class_names == ["cats", "dogs"] and len(data.file_paths) == 10
    batches = list(data)
    assert [tuple(x.shape) for x, _ in batches] == [(4, 4, 4, 3), (4, 4, 4, 3), (2, 4, 4, 3)]
    assert np.concatenate([y for _, y in batches]).tolist() == [0] * 5 + [1] * 5
    assert batches[1][0].numpy()[1, 0, 0, 0] == 100.0 and data.element_spec[0].dtype == tf.float32
    grey = keras.utils.image_dataset_from_directory(
        folder, color_mode="grayscale", label_mode=None, image_size=(2, 2), batch_size=None
    )
    assert next(iter(grey)).shape == (2, 2, 1)


def test_a_folder_is_split_without_overlap(folder) -> None:
    options = {"validation_split": 0.3, "seed": 4, "batch_size": 10, "image_size": (2, 2)}
    train, test = keras.utils.image_dataset_from_directory(folder, subset="both", **options)
    assert len(train.file_paths) == 7 and len(test.file_paths) == 3
    assert not set(train.file_paths) & set(test.file_paths)
    again = keras.utils.image_dataset_from_directory(folder, subset="validation", **options)
    assert again.file_paths == test.file_paths
    _, y = next(iter(keras.utils.image_dataset_from_directory(
        folder, label_mode="categorical", image_size=(2, 2)
    )))  # fmt: skip
    assert y.shape == (10, 2) and y.numpy().sum() == 10


def test_texts_of_a_folder(folder) -> None:
    data = keras.utils.text_dataset_from_directory(
        folder, label_mode="binary", shuffle=False, max_length=4
    )
    x, y = next(iter(data))
    assert x.numpy().tolist() == [b"cats"] * 5 + [b"dogs"] * 5 and y.shape == (10, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label_mode": "words"}, "must be one of"),
        ({"validation_split": 0.2}, "`subset` is set"),
        ({"validation_split": 0.2, "subset": "training"}, "must provide a `seed`"),
        ({"validation_split": 0.2, "subset": "half", "seed": 1}, "must be either"),
        ({"class_names": ["cats"]}, "did not match the names"),
        ({"labels": [1, 2]}, "match the number of files"),
    ],
)
def test_wrong_options_are_told(folder, options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        keras.utils.text_dataset_from_directory(folder, **options)


def test_a_folder_that_is_not_there(tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        keras.utils.text_dataset_from_directory(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="No files found"):
        keras.utils.text_dataset_from_directory(tmp_path)


def test_windows_over_time() -> None:
    rows = np.arange(20).reshape(10, 2)
    data = keras.utils.timeseries_dataset_from_array(
        rows, np.arange(10), sequence_length=3, sequence_stride=2, sampling_rate=2, batch_size=2
    )
    batches = list(data)
    assert [tuple(x.shape) for x, _ in batches] == [(2, 3, 2), (1, 3, 2)]
    np.testing.assert_array_equal(batches[0][0][1], rows[[2, 4, 6]])
    assert np.concatenate([y for _, y in batches]).tolist() == [0, 2, 4]
    alone = keras.utils.timeseries_dataset_from_array(rows, None, 4, batch_size=None)
    assert len(list(alone)) == 7
    with pytest.raises(ValueError, match="`sequence_length` must be"):
        keras.utils.timeseries_dataset_from_array(rows, None, 11)


def test_a_dataset_in_two_parts() -> None:
    x, y = np.arange(10), np.arange(10) * 2
    left, right = keras.utils.split_dataset((x, y), left_size=0.7)
    assert len(left) == 7 and len(right) == 3
    assert [int(b) for _, b in right] == [14, 16, 18]
    left, right = keras.utils.split_dataset(
        tf.data.Dataset.from_tensor_slices(x), right_size=4, shuffle=True, seed=1
    )
    assert sorted([*map(int, left), *map(int, right)]) == x.tolist() and len(right) == 4
    with pytest.raises(ValueError, match="is greater than the length"):
        keras.utils.split_dataset(x, left_size=8, right_size=8)


def test_smart_resize_does_not_stretch() -> None:
    picture = np.zeros((4, 8, 1), np.float32)
    picture[:, 2:6] = 1.0
    made = image.smart_resize(picture, (4, 4))
    assert isinstance(made, np.ndarray) and made.shape == (4, 4, 1) and made.min() == 1.0
