"""`summary` prints Keras 2's table, and `plot_model` draws without any other program."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from graphc import keras
from tests.keras import workloads

CHAIN = """\
Model: "chain"
_________________________________________________________________
 Layer (type)                Output Shape              Param #   
=================================================================
 one (Dense)                 (None, 30)                1950      
                                                                 
 two (Dense)                 (None, 10)                310       
                                                                 
=================================================================
Total params: 2260 (8.83 KB)
Trainable params: 310 (1.21 KB)
Non-trainable params: 1950 (7.62 KB)
_________________________________________________________________"""

NESTED = """\
Model: "outer"
__________________________________________________________________________________________________
 Layer (type)                Output Shape                 Param #   Connected to                  
==================================================================================================
 left (InputLayer)           [(None, 3)]                  0         []                            
                                                                                                  
 right (InputLayer)          [(None, 3)]                  0         []                            
                                                                                                  
 inner (Functional)          [(None, 2),                  61        ['left[0][0]',                
                              (None, 3)]                             'right[0][0]']               
|¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯|
| a (InputLayer)             [(None, 3)]                  0         []                           |
|                                                                                                |
| b (InputLayer)             [(None, 3)]                  0         []                           |
"""


def printed(model: Any, **options: Any) -> str:
    lines: list[str] = []
    model.summary(print_fn=lines.append, **options)
    return "\n".join(lines)


def chain() -> Any:
    layers = keras.layers
    row = [layers.Dense(30, input_shape=(64,), name="one"), layers.Dense(10, name="two")]
    model = keras.Sequential(row, name="chain")
    model.layers[0].trainable = False
    return model


def outer() -> Any:
    inner = workloads.two_headed(keras)
    inner._name = "inner"
    left, right = keras.Input((3,), name="left"), keras.Input((3,), name="right")
    return keras.Model([left, right], inner([left, right]), name="outer")


def test_the_table_of_a_chain() -> None:
    assert printed(chain()) == CHAIN


def test_nested_models_are_shown_in_a_frame() -> None:
    assert printed(outer(), expand_nested=True).startswith(NESTED)
    assert "shared" not in printed(outer())


def test_columns_and_ranges() -> None:
    text = printed(chain(), show_trainable=True)
    assert text.splitlines()[4].endswith("N          ") and len(text.splitlines()[1]) == 76
    assert "one (Dense)" not in printed(chain(), layer_range=["two", "two"])
    assert len(printed(chain(), line_length=90).splitlines()[1]) == 90


def test_a_picture(tmp_path: Path) -> None:
    keras.utils.plot_model(outer(), tmp_path / "m.svg", show_shapes=True, expand_nested=True)
    texts = [t.text for t in ElementTree.parse(tmp_path / "m.svg").iter() if t.tag.endswith("text")]
    assert {"left (InputLayer)", "inner (Functional)", "input: (None, 3)"} <= set(texts)
    assert "shared (Dense)" in texts
    pytest.importorskip("resvg_py")
    keras.utils.plot_model(chain(), tmp_path / "m.png")
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match=r"writes .svg and .png files"):
        keras.utils.plot_model(chain(), tmp_path / "m.bmp")
