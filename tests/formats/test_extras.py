"""What needs a package that is not there names the extra that has it."""

import json

import pytest

from graphc.formats.extras import extra


def test_a_package_that_is_there():
    assert extra("json", "h5", "files need it") is json


def test_a_package_that_is_missing():
    with pytest.raises(ImportError, match=r"^pictures need it: pip install 'graphc\[image\]'$"):
        extra("no_such_package", "image", "pictures need it")
