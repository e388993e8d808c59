"""A stretch of memory comes back when the last array over it is gone, and not before."""

from __future__ import annotations

import gc

import numpy as np

from engine.evaluator.memory import Pool


def address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def test_memory_is_lent_again_only_when_nobody_holds_a_view() -> None:
    gc.disable()
    try:
        pool = Pool()
        lent = pool.lend(3, 100)
        where = address(lent)
        part = lent[1][5:10].view(np.uint64)
        iterated = list(lent)
        del lent
        assert address(pool.lend(3, 100)) != where
        del iterated
        assert address(pool.lend(3, 100)) != where
        del part
        assert where in {address(one) for one in [pool.lend(3, 100) for _ in range(4)]}
    finally:
        gc.enable()


def test_a_stretch_far_too_large_or_too_small_is_not_lent() -> None:
    pool = Pool()
    del_me = pool.lend(1, 1000)
    where = address(del_me)
    del del_me

    small, large = pool.lend(1, 10), pool.lend(1, 5000)

    assert small.shape == (1, 10)
    assert large.shape == (1, 5000)
    assert address(large) != where


def test_nothing_is_lent_for_no_rows() -> None:
    assert Pool().lend(3, 0).shape == (3, 0)
