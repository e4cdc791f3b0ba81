"""Calls of ``tf.image`` that are compared with TensorFlow's; see `record_images.py`."""

from __future__ import annotations

CASES = """
I.flip_left_right(F)
I.flip_up_down(B)
I.transpose(F)
I.rot90(F)
I.rot90(B, 3)
I.crop_to_bounding_box(F, 1, 0, 2, 3)
I.pad_to_bounding_box(F, 1, 2, 8, 9)
I.central_crop(F, 0.5)
I.resize_with_crop_or_pad(F, 3, 8)
I.resize_with_crop_or_pad(F, 8, 3)
I.resize_with_crop_or_pad(F, 5, 4)
I.resize(F, [3, 7])
I.resize(B, [8, 5])
I.resize(U, [9, 4])
I.resize(F, [7, 3], method="nearest")
I.resize(U, [3, 9], method="nearest")
I.resize(F, [7, 3], method="bicubic")
I.resize(F, [3, 3], antialias=True)
I.resize(F, [2, 2], method="bicubic", antialias=True)
I.resize(F, [10, 20], preserve_aspect_ratio=True)
I.resize(F, [6, 5])
I.convert_image_dtype(U, tf.float32)
I.convert_image_dtype(F, tf.uint8)
I.convert_image_dtype(F, tf.uint8, saturate=True)
I.convert_image_dtype(U, tf.uint16)
I.rgb_to_grayscale(F)
I.rgb_to_grayscale(U)
I.grayscale_to_rgb(F[..., :1])
I.rgb_to_hsv(F)
I.hsv_to_rgb(F)
I.adjust_brightness(F, 0.2)
I.adjust_brightness(U, 0.2)
I.adjust_contrast(F, 1.5)
I.adjust_contrast(U, 0.5)
I.adjust_gamma(F, 2.0, 0.5)
I.adjust_saturation(F, 0.5)
I.adjust_saturation(U, 2.0)
I.adjust_hue(F, 0.3)
I.per_image_standardization(F)
I.per_image_standardization(U)
I.per_image_standardization(B)
I.total_variation(B)
I.psnr(F, F * 0.5, 1.0)
I.image_gradients(B)[0]
I.image_gradients(B)[1]
""".strip().splitlines()


def evaluate(tf, np, case: str):  # type: ignore[no-untyped-def]
    """The result as shape, dtype and rounded numbers."""
    rng = np.random.default_rng(3)
    names = {
        "tf": tf, "I": tf.image,
        "F": tf.constant(rng.random((6, 5, 3), np.float32)),
        "B": tf.constant(rng.random((2, 4, 4, 3), np.float32)),
        "U": tf.constant(rng.integers(0, 256, (6, 5, 3)).astype(np.uint8)),
    }  # fmt: skip
    found = eval(case, names)
    array = found.numpy()
    numbers = [round(float(v), 4) for v in np.ravel(array)]
    return [list(array.shape), found.dtype.name, numbers]
