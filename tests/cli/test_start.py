"""What the program starts with."""

from __future__ import annotations

import subprocess
import sys

import pytest

MAKE_ARRAY = (
    "import sys; {before}; from engine.start import leave_pandas_out; leave_pandas_out(); "
    "import numpy, pyarrow; pyarrow.array(numpy.arange(2)); print('pandas' in sys.modules)"
)


@pytest.mark.parametrize(("before", "found"), [("pass", "False"), ("import dask", "True")])
def test_arrow_imports_pandas_only_beside_a_library_of_clusters(before: str, found: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MAKE_ARRAY.format(before=before)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == found
