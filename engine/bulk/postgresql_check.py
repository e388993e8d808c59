"""Rows of a run in PostgreSQL against the markers that its partitions left: the database counts and adds up again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from engine.bulk.postgresql_sink import MARKERS, shortened, table_name
from engine.bulk.postgresql_url import connect, read_url, telling


def recount(url: str, run: str, done: Mapping[int, Mapping[str, int]]) -> Iterator[tuple[int, str, str, str, str]]:
    """Give what differs: partition, table, `rows` or a column, what the ledger or the marker says, what is there.

    Rows without a marker differ, too: their marker says nothing.

    Args:
        url: as of `engine.bulk.postgresql_sink.open_sink`.
        run: the run's id.
        done: rows by partition and table, as the ledger has them.

    Raises:
        FileProblem: the database does not answer, or has no such tables.
    """
    from psycopg import sql

    address = read_url(url)
    with telling(address), connect(address) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        statement = sql.SQL("SELECT partition, rows, sums FROM {} WHERE run = %s ORDER BY partition")
        markers = connection.execute(statement.format(sql.Identifier(address.schema, MARKERS)), [run]).fetchall()
        marked_rows = {partition: rows for partition, rows, _ in markers}
        for partition, known in sorted(done.items()):
            if partition not in marked_rows:
                yield partition, MARKERS, "rows", "1", "0"
                continue
            for name in sorted({*known, *marked_rows[partition]}):
                counts = known.get(name, 0), marked_rows[partition].get(name, 0)
                if counts[0] != counts[1]:
                    yield partition, name, "rows of the marker", str(counts[0]), str(counts[1])
        for name in sorted({name for _, rows, _ in markers for name in rows}):
            columns = sorted({column for _, _, sums in markers for column in sums.get(name, {})})
            counting = sql.SQL("SELECT {} FROM {} WHERE run = %s GROUP BY partition").format(
                sql.SQL(", ").join(
                    [
                        sql.SQL("partition"),
                        sql.SQL("count(*)"),
                        *(sql.SQL("coalesce(sum({}), 0)").format(sql.Identifier(shortened(one))) for one in columns),
                    ]
                ),
                sql.Identifier(address.schema, table_name(name)),
            )
            there = {partition: found for partition, *found in connection.execute(counting, [run])}
            for partition, rows, sums in markers:
                count, *added = there.pop(partition, [0, *(Decimal(0) for _ in columns)])
                if count != rows.get(name, 0):
                    yield partition, name, "rows", str(rows.get(name, 0)), str(count)
                for column, found in zip(columns, added, strict=True):
                    marked = Decimal(sums.get(name, {}).get(column, "0"))
                    if marked != found:
                        yield partition, name, column, f"{marked:f}", f"{found:f}"
            for partition, (count, *_) in sorted(there.items()):
                yield partition, name, "rows", "", str(count)
