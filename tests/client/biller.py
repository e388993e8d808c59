"""A billing system as a process of its own: bills households frame by frame, and writes down what comes back.

`python -m tests.client.biller ADDRESS FRAMES ROWS PAUSE OUTPUT [PATIENCE]` prints a line after each frame and ends with
how often it began again, or with the name of the error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dianjia.client import Bills, Client, Patience, Progress, ServiceError
from tests.client.households import households


def frames(count: int, rows: int, pause: float) -> Iterator[dict[str, Any]]:
    for number in range(count):
        time.sleep(pause)
        yield households(rows, number * rows)


def written(bills: Bills) -> str:
    found = bills.bills
    rows = zip(found["row_id"].tolist(), found["total"].decimals(), strict=True)
    return "".join(f"{row_id} {total} {bills.version}\n" for row_id, total in rows)


def main(address: str, count: int, rows: int, pause: float, output: Path, patience: float) -> None:
    seen: list[Progress] = []
    with Client(address, patience=Patience(patience)) as client, output.open("w", encoding="ascii") as file:
        try:
            for number, bills in enumerate(
                client.stream(frames(count, rows, pause), chunk_rows=rows // 2, progress=seen.append)
            ):
                file.write(written(bills))
                file.flush()
                print("frame", number, flush=True)
        except ServiceError as error:
            print(type(error).__name__, error.code, flush=True)
            raise SystemExit(3) from None
    print("resumed", seen[-1].resumed, flush=True)


if __name__ == "__main__":
    main(
        sys.argv[1],
        int(sys.argv[2]),
        int(sys.argv[3]),
        float(sys.argv[4]),
        Path(sys.argv[5]),
        float((sys.argv[6:] or ["60"])[0]),
    )
