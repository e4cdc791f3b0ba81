"""What scripts ask of the library and the machine: tf.config, tf.device, tf.test, tf.version."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf


def test_there_is_one_device() -> None:
    (cpu,) = tf.config.list_physical_devices()
    assert repr(cpu) == "PhysicalDevice(name='/physical_device:CPU:0', device_type='CPU')"
    assert tf.config.list_physical_devices("GPU") == []
    assert tf.config.experimental.list_physical_devices("GPU") == []
    assert [d.name for d in tf.config.list_logical_devices()] == ["/device:CPU:0"]
    tf.config.set_visible_devices([], "GPU")
    tf.config.set_visible_devices(cpu, "CPU")
    for wrong in (
        lambda: tf.config.set_visible_devices(3),
        lambda: tf.config.set_visible_devices([]),
    ):
        with pytest.raises(ValueError):
            wrong()


def test_memory_questions_have_tensorflows_answers() -> None:
    (cpu,) = tf.config.list_physical_devices()
    with pytest.raises(ValueError, match="Cannot set memory growth"):
        tf.config.experimental.set_memory_growth(cpu, True)
    assert tf.config.experimental.get_memory_info("CPU:0") == {"current": 0, "peak": 0}
    with pytest.raises(ValueError, match="No matching devices"):
        tf.config.experimental.get_memory_info("GPU:0")
    with pytest.raises(ValueError, match="memory limit"):
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration(memory_limit=10)]
        )


def test_choices_are_kept(monkeypatch) -> None:
    monkeypatch.setattr(tf.config.optimizer, "_jit", "")
    tf.config.optimizer.set_jit(True)
    assert tf.config.optimizer.get_jit() == "autoclustering"
    assert tf.config.get_soft_device_placement()


@pytest.mark.parametrize("name", ["/CPU:0", "cpu", "/GPU:0", "/job:a/task:1/device:CPU:*", None])
def test_devices_by_name(name) -> None:
    with tf.device(name):
        assert tf.constant(1.0).device.endswith("device:CPU:0")


def test_names_of_devices_are_checked() -> None:
    with pytest.raises(ValueError, match="Unknown attribute 'foo'"), tf.device("foo"):
        pass
    spec = tf.DeviceSpec.from_string("/job:a/device:gpu:1")
    assert (spec.job, spec.device_type, spec.device_index) == ("a", "GPU", 1)
    assert spec.replace(job=None).to_string() == "/device:GPU:1"
    assert spec.make_merged_spec(tf.DeviceSpec(task=2)).task == 2


def test_errors_have_tensorflows_numbers() -> None:
    error = tf.errors.InvalidArgumentError(None, None, "no")
    assert (error.message, error.error_code) == ("no", tf.errors.INVALID_ARGUMENT) == ("no", 3)
    assert str(tf.errors.NotFoundError("gone")) == "gone"
    assert tf.errors.UNAUTHENTICATED == tf.errors.UnauthenticatedError.error_code == 16


def test_questions_about_the_trace() -> None:
    assert not tf.inside_function() and tf.get_current_name_scope() == ""

    @tf.function
    def f() -> tf.Tensor:
        assert tf.inside_function() and not tf.executing_eagerly()
        with tf.init_scope():
            assert tf.executing_eagerly()
            five = tf.constant(2) + 3
        assert int(five) == 5
        return five * 2

    assert int(f()) == 10
    with tf.name_scope("a"), tf.name_scope("b"):
        assert tf.get_current_name_scope() == "a/b"


def test_gradients_in_a_function_need_no_tape() -> None:
    @tf.function
    def f(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        y = x * x * x
        return tf.gradients(y, x)[0], tf.hessians(y, x)[0], tf.gradients(y, x, grad_ys=[x])[0]

    first, second, weighted = f(tf.constant([1.0, 2.0]))
    assert first.numpy().tolist() == [3, 12]
    assert second.numpy().tolist() == [[6, 0], [0, 12]]
    assert weighted.numpy().tolist() == [3, 24]


class TensorCase(tf.test.TestCase):
    def test_assertions_hold(self) -> None:
        x = tf.constant([1.0, 2.0])
        self.assertAllEqual(x, [1, 2])
        self.assertAllClose({"a": x, "b": [x]}, {"a": [1.0, 2.0 + 1e-7], "b": [np.array(x)]})
        self.assertNotAllClose(x, x + 1)
        self.assertAllInRange(x, 1, 2)
        self.assertShapeEqual(np.zeros(2), x)
        self.assertDTypeEqual(x, tf.float32)
        with self.assertRaisesOpError("negative"):
            raise tf.errors.InvalidArgumentError("it is negative")

    def test_assertions_fail(self) -> None:
        x = tf.constant([1.0, 2.0])
        for wrong in (
            lambda: self.assertAllEqual(x, [1, 3]),
            lambda: self.assertAllClose(x, [[1.0, 2.0]]),
            lambda: self.assertNotAllEqual(x, x),
            lambda: self.assertAllLess(x, 2),
            lambda: self.assertAllInSet(x, {1}),
        ):
            with self.assertRaises(AssertionError):
                wrong()

    def test_gradients_are_compared_with_differences(self) -> None:
        theory, measured = tf.test.compute_gradient(
            lambda x, y: tf.sin(x) * y, [tf.constant([0.5, 1.0]), tf.constant([2.0, 3.0])]
        )
        self.assertAllClose(theory, measured, rtol=1e-2, atol=1e-3)
        self.assertEqual(theory[0].shape, (2, 2))
