"""Pictures from files, batches of them, windows over time, tokenizers that come back."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.keras.preprocessing import image, sequence, text

pytest.importorskip("PIL", reason="needs graphc[image]")


@pytest.fixture
def folder(tmp_path):
    for name, value in (("cats", 10), ("dogs", 200)):
        (tmp_path / name).mkdir()
        for number in range(3):
            picture = np.full((8, 6, 3), value + number, np.uint8)
            image.save_img(tmp_path / name / f"{number}.png", picture, scale=False)
    (tmp_path / "cats" / "notes.txt").write_text("no picture")
    return tmp_path


def test_pictures_are_written_and_read(folder) -> None:
    read = image.img_to_array(image.load_img(folder / "dogs" / "1.png"))
    assert read.shape == (8, 6, 3) and read.dtype == np.float32 and read.min() == read.max() == 201
    grey = image.load_img(folder / "cats" / "0.png", color_mode="grayscale", target_size=(4, 5))
    assert image.img_to_array(grey).shape == (4, 5, 1)
    square = image.load_img(folder / "cats" / "0.png", target_size=(4, 4), keep_aspect_ratio=True)
    assert square.size == (4, 4)
    with pytest.raises(ValueError, match="color_mode must be"):
        image.load_img(folder / "cats" / "0.png", color_mode="blue")
    with pytest.raises(FileNotFoundError):
        image.load_img(folder / "cows.png")


def test_batches_of_a_folder(folder, capsys) -> None:
    generator = image.ImageDataGenerator(rescale=0.5, validation_split=0.4)
    batches = generator.flow_from_directory(folder, target_size=(4, 4), batch_size=4, shuffle=False)
    assert "Found 6 images belonging to 2 classes." in capsys.readouterr().out
    x, y = batches[0]
    assert x.shape == (4, 4, 4, 3) and x[0, 0, 0, 0] == 5.0 and len(batches) == 2
    np.testing.assert_array_equal(y, [[1, 0], [1, 0], [1, 0], [0, 1]])
    assert batches.class_indices == {"cats": 0, "dogs": 1} and len(next(batches)) == 2
    part = generator.flow_from_directory(folder, subset="validation", class_mode="sparse")
    assert part.n == 2 and sorted(part.labels) == [0.0, 1.0]
    with pytest.raises(ValueError, match="Invalid class_mode"):
        generator.flow_from_directory(folder, class_mode="raw")


def test_batches_of_a_table(folder) -> None:
    pandas = pytest.importorskip("pandas")
    names = ["cats/0.png", "dogs/2.png", "cows/0.png"]
    table = pandas.DataFrame({"filename": names, "class": ["cat", "dog", "cow"]})
    batches = image.ImageDataGenerator().flow_from_dataframe(
        table, folder, target_size=(2, 2), class_mode="binary", shuffle=False
    )
    x, y = next(batches)
    assert x[:, 0, 0, 0].tolist() == [10.0, 202.0] and y.tolist() == [0.0, 1.0]


def test_batches_of_arrays_carry_weights_and_end_with_a_smaller_one() -> None:
    x, y = np.zeros((5, 4, 4, 1)), np.arange(5)
    batches = image.ImageDataGenerator().flow(x, y, batch_size=2, sample_weight=y * 2, seed=1)
    seen = [next(batches) for _ in range(6)]
    assert [len(b[1]) for b in seen] == [2, 2, 1, 2, 2, 1]
    assert sorted(np.concatenate([b[1] for b in seen[:3]])) == [0, 1, 2, 3, 4]
    assert all((b[2] == 2 * b[1]).all() for b in seen)
    with pytest.raises(ValueError, match="should have rank 4"):
        image.ImageDataGenerator().flow(np.zeros((5, 4)))
    with pytest.raises(ValueError, match="should have the same length"):
        image.ImageDataGenerator().flow(x, y[:3])


def test_windows_over_time() -> None:
    data = np.arange(20).reshape(10, 2)
    batches = sequence.TimeseriesGenerator(data, np.arange(10), length=3, batch_size=4)
    x, y = batches[0]
    assert x.shape == (4, 3, 2) and y.tolist() == [3, 4, 5, 6]
    np.testing.assert_array_equal(x[0], data[:3])
    assert len(batches) == 2 and batches[1][1].tolist() == [7, 8, 9]
    with pytest.raises(ValueError, match="end_index=9"):
        sequence.TimeseriesGenerator(data, data, length=10)


def test_wrong_sequences_are_refused() -> None:
    with pytest.raises(ValueError, match="Found non-iterable: 3"):
        sequence.pad_sequences([[1], 3])
    with pytest.raises(ValueError, match="different from expected"):
        sequence.pad_sequences([[[1, 2]], [[1, 2, 3]]])
    with pytest.raises(ValueError, match='"middle" not understood'):
        sequence.pad_sequences([[1]], padding="middle")
    assert sequence.pad_sequences([], maxlen=2).shape == (0, 2)
    assert sequence.pad_sequences([[1, 2]], maxlen=0).shape == (1, 0)


def test_a_tokenizer_comes_back_from_json() -> None:
    made = text.Tokenizer(num_words=5, oov_token="?")
    made.fit_on_texts(["a b b", "c c c a"])
    again = text.tokenizer_from_json(made.to_json())
    texts = ["a c z"]
    assert again.texts_to_sequences(texts) == made.texts_to_sequences(texts) == [[3, 2, 1]]
    np.testing.assert_array_equal(
        again.texts_to_matrix(texts, "tfidf"), made.texts_to_matrix(texts, "tfidf")
    )
    with pytest.raises(ValueError, match="Unknown vectorization mode"):
        made.texts_to_matrix(texts, "often")
