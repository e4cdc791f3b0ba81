"""Adam's update alone, for a model of 300 parameter tensors with given gradients."""

from __future__ import annotations

from tests.benchmarks import training
from tests.benchmarks.workload import Data, Draw, Program

SHAPES = ((64, 64), (64,), (64, 32), (32,), (32, 16), (16,))


def make(tiny: bool) -> Data:
    draw, repeated = Draw(), 2 if tiny else 50
    weights = [draw.normal(*shape) for _ in range(repeated) for shape in SHAPES]
    gradients = tuple(draw.normal(*a.shape) for a in weights)
    return Data(weights, [gradients])


def tensorflow(tf, data):
    weights = [tf.Variable(a) for a in data.weights]
    gradients = [tf.constant(g) for g in data.batches[0]]
    update, slots = training.tf_adam(tf, weights)

    def step():
        update(gradients)
        return weights[0][0, 0] + weights[-1][0]

    return training.tf_program(tf, Data(), step, [*weights, *slots])


def jax(jax, data):
    jnp = jax.numpy
    gradients = [jnp.asarray(g) for g in data.batches[0]]

    def step(state, gradients):
        state = training.jax_adam(jnp, *state, gradients)
        return state, state[0][0][0, 0] + state[0][-1][0]

    zeros = [a * 0 for a in data.weights]
    state = list(data.weights), zeros, zeros, zeros[0][0, 0]
    return Program(step, [(gradients,)], state)


def torch(torch, data, compiled):
    weights = [torch.tensor(a, requires_grad=True) for a in data.weights]
    for weight, gradient in zip(weights, data.batches[0], strict=True):
        weight.grad = torch.from_numpy(gradient)
    adam = torch.optim.Adam(
        weights, training.RATE, (training.BETA1, training.BETA2), training.EPSILON, fused=True
    )
    update = compiled(adam.step)

    def step():
        update()
        return (weights[0][0, 0] + weights[-1][0]).detach()

    def reset():
        adam.state.clear()
        with torch.no_grad():
            for weight, array in zip(weights, data.weights, strict=True):
                weight.copy_(torch.from_numpy(array))

    return training.torch_program(torch, Data(), step, reset)
