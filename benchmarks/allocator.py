"""Let glibc keep the memory that is given back, so that what a side costs does not depend on who was measured before.

Whole-array numpy makes a temporary a step. Whether its memory comes from the kernel each time, page by page, or is used
again is decided by thresholds that glibc moves as it goes: the same code then takes 60 ns a row or 140. Here arrays of
up to 32 MiB are always used again, which is the better of the two for every side that allocates.
"""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # <malloc.h>
MMAP_BYTES = 32 << 20  # the most that glibc takes
TRIM_BYTES = 2**31 - 1


def keep_memory() -> None:
    """Ask for it; elsewhere than with glibc nothing happens."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)
        mallopt(M_TRIM_THRESHOLD, TRIM_BYTES)
