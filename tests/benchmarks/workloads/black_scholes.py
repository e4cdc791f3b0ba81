"""Prices of 10^6 European calls and puts by the formula of Black and Scholes."""

from __future__ import annotations

import math

from tests.benchmarks import training
from tests.benchmarks.workload import Data, Draw

INTEREST, VOLATILITY = 0.02, 0.3


def make(tiny: bool) -> Data:
    draw, size = Draw(), 100 if tiny else 1_000_000
    spot, strike = draw.uniform(size, low=10, high=50), draw.uniform(size, low=10, high=50)
    return Data([], [(spot, strike, draw.uniform(size, low=0.2, high=2))])


def _body(spot, strike, time, log, exp, sqrt, erf):
    spread = sqrt(time) * VOLATILITY
    d1 = (log(spot / strike) + time * (INTEREST + 0.5 * VOLATILITY**2)) / spread
    d2 = d1 - spread
    n1 = erf(d1 * math.sqrt(0.5)) * 0.5 + 0.5
    n2 = erf(d2 * math.sqrt(0.5)) * 0.5 + 0.5
    later = strike * exp(time * -INTEREST)
    call = spot * n1 - later * n2
    return call, later - spot + call


def tensorflow(tf, data):
    def prices(spot, strike, time):
        return _body(spot, strike, time, tf.math.log, tf.exp, tf.sqrt, tf.math.erf)

    return training.tf_program(tf, data, prices, [])


def jax(jax, data):
    jnp, erf = jax.numpy, jax.lax.erf

    def prices(state, spot, strike, time):
        return state, _body(spot, strike, time, jnp.log, jnp.exp, jnp.sqrt, erf)

    return training.jax_program(jax, data, prices)


def torch(torch, data, compiled):
    @compiled
    def prices(spot, strike, time):
        return _body(spot, strike, time, torch.log, torch.exp, torch.sqrt, torch.erf)

    return training.torch_program(torch, data, prices)
