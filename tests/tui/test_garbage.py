"""Looking for garbage while the person rests, and not at all while much is read."""

from __future__ import annotations

import gc

from promptetheus.tui.garbage import not_looked_for


def test_nothing_is_looked_for_while_much_is_read_whatever_happens() -> None:
    assert gc.isenabled()
    try:
        with not_looked_for():
            with not_looked_for():
                assert not gc.isenabled()
            assert not gc.isenabled(), "the outer one still reads"
            raise OSError("the disk is gone")
    except OSError:
        pass
    assert gc.isenabled()


def test_what_was_off_stays_off() -> None:
    gc.disable()
    try:
        with not_looked_for():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
