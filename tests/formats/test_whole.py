"""A file is written as a whole or not at all."""

import os

import pytest

from graphc.formats.whole import whole_file


def test_takes_its_name_when_all_is_written(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with whole_file(target) as part:
        part.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_what_was_there(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_file(target) as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_text("")
    with whole_file(tmp_path / "whole") as part:
        part.write_text("")
    assert os.stat(tmp_path / "whole").st_mode == os.stat(tmp_path / "plain").st_mode
