"""What is certain about sizes."""

from __future__ import annotations

from graphc.ir import dims

B, T = dims.symbol("B"), dims.symbol("T")


def test_at_most_is_true_only_for_all_sizes() -> None:
    assert dims.at_most(3, 3) and dims.at_most(2 * B, 3 * B) and dims.at_most(B * T, B * T + T)
    assert not dims.at_most(4, 3)
    assert not dims.at_most(B, 1000) and not dims.at_most(B, T) and not dims.at_most(2 * B, B * T)
