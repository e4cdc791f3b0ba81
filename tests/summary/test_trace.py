"""`trace_on` and `trace_export`: graphs with scopes and times, in files that others read."""

from __future__ import annotations

import json

import numpy as np
import pytest

import graphc as tf

accumulators = pytest.importorskip(
    "tensorboard.backend.event_processing.event_accumulator", reason="needs graphc[tensorboard]"
)


class Model(tf.Module):
    def __init__(self) -> None:
        super().__init__(name="model")
        self.w = tf.Variable(np.ones((3, 2), np.float32), name="w")

    @tf.function
    def step(self, x, n):
        with tf.name_scope("layer"):
            h = tf.tanh(x @ self.w)
        with tf.name_scope("loss"):
            total = tf.reduce_sum(h)
            for _ in tf.range(n):
                total = total * 0.5 + 1.0
        self.w.assign_sub(0.1 * self.w)
        return total


def export(folder, **options):
    model = Model()
    with tf.summary.create_file_writer(folder).as_default():
        tf.summary.trace_on(**options)
        model.step(tf.ones([4, 3]), tf.constant(3))
        tf.summary.trace_export("demo", step=0)
    found = accumulators.EventAccumulator(str(folder), size_guidance={"tensors": 0})
    found.Reload()
    return model, found


def test_the_graph_has_scopes_operands_and_sizes(tmp_path) -> None:
    _, found = export(tmp_path, graph=True)
    nodes = {n.name: n for n in found.Graph().node}
    assert len(nodes) == len(found.Graph().node), "names are unique"
    assert nodes["x"].op == "Placeholder" and nodes["w"].op == "VarHandleOp"
    assert list(nodes["layer/matmul"].input) == ["x", "w"]
    assert list(nodes["layer/h"].input) == ["layer/matmul"]
    sizes = nodes["layer/h"].attr["_output_shapes"].list.shape[0].dim
    assert [d.size for d in sizes] == [4, 2]
    assert b"test_trace.py:" in nodes["layer/h"].attr["line"].s
    assert {n.split("/")[0] for n in nodes} >= {"layer", "loss"}
    inside = [n for n in nodes if "/body/" in n]
    assert inside and all(i.split(":")[0] in nodes for n in nodes.values() for i in n.input)
    metadata = found.SummaryMetadata("demo").plugin_data
    assert (metadata.plugin_name, metadata.content) == ("graph_run_metadata_graph", b"1")


def test_times_belong_to_nodes_and_change_nothing(tmp_path) -> None:
    model, found = export(tmp_path, graph=True, profiler=True)
    np.testing.assert_allclose(model.w.numpy(), 0.9)
    stats = found.RunMetadata("demo").step_stats.dev_stats[0].node_stats
    nodes = {n.name for n in found.Graph().node}
    assert {s.node_name for s in stats} <= nodes and any("matmul" in s.node_name for s in stats)
    events = json.loads((tmp_path / "demo.step.trace.json").read_text())["traceEvents"]
    assert any("matmul" in e["name"] for e in events)


def test_a_trace_that_is_not_on_or_has_nothing_warns(tmp_path) -> None:
    with pytest.warns(UserWarning, match="Trace not enabled"):
        tf.summary.trace_export("demo", step=0)
    with tf.summary.create_file_writer(tmp_path).as_default(step=0):
        tf.summary.trace_on()
        with pytest.warns(UserWarning, match="Trace already enabled"):
            tf.summary.trace_on()
        with pytest.warns(UserWarning, match=r"no @tf.function was called"):
            tf.summary.trace_export("demo")
    tf.summary.trace_on()
    with pytest.raises(ValueError, match="needs a default writer"):
        tf.summary.trace_export("demo", step=0)
    tf.summary.trace_off()


def test_a_graph_can_be_written_by_itself(tmp_path) -> None:
    model = Model()
    traced = model.step.graph(tf.ones([4, 3]), tf.constant(3))
    assert tf.summary.graph(traced) is False
    with tf.summary.create_file_writer(tmp_path).as_default():
        assert tf.summary.graph(traced) is True
    found = accumulators.EventAccumulator(str(tmp_path))
    found.Reload()
    assert {"layer/h", "loss/total"} <= {n.name for n in found.Graph().node}
