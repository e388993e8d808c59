"""Where a partition's tables go in PostgreSQL: rows and a marker in one transaction, by binary COPY.

    prepare ─▶ schema, tables, comments           once a run
    write ─▶ COPY ─┐
    write ─▶ COPY ─┴▶ marker ─▶ COMMIT            once a partition
    finish ─▶ row of `runs`                       once a run, at its end

The marker's key is run and partition. An attempt that finds it committed writes nothing, and takes its own rows and
sums for a proof: a partition is a function of its run, so that the rows that are there are the very same, may have been
read by somebody since, and need not be looked for among 10^8 others to be deleted. Where rows or sums differ, it stops.
A writer that dies before COMMIT leaves no row; one that dies after it is found by its marker.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Context
from hashlib import sha256
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.bulk.copy_binary import HEADER, TRAILER, blocks, postgresql_type
from engine.bulk.money import exact_sum
from engine.bulk.partitions import WrittenFile
from engine.bulk.postgresql_url import Address, connect, driver, read_url, telling
from engine.bulk.problems import FileProblem

MARKERS: Final = "partitions"
RUNS: Final = "runs"
LEADING: Final = (("run", "text"), ("partition", "integer"))
NAME_BYTES_MAX: Final = 63  # PostgreSQL cuts longer names off without a word
FLUSH_ROWS: Final = 65_536  # rows of a COPY, at least, but for the last
WAITING_ROWS_MAX: Final = 524_288  # over all tables
_HASH_DIGITS: Final = 16
_DIGITS: Final = Context(prec=76)
_SUMMED_PRECISION_MAX: Final = 28  # of decimals: the sum of 10^10 of them has 38 digits

Sums = dict[str, dict[str, str]]  # table -> column -> exact sum, as a decimal


class PostgresqlSink:
    """One attempt at a partition, as a transaction. Used by one thread."""

    def __init__(self, address: Address, run: str, partition: int, attempt: str | int) -> None:
        """Connect, and look whether the partition is there already.

        Raises:
            FileProblem: the database does not answer, or has no tables of a run.
        """
        self._address, self._run, self._partition, self._attempt = address, run, partition, str(attempt)
        self._waiting: dict[str, list[Any]] = {}
        self._rows: dict[str, int] = {}
        self._sums: dict[str, dict[str, int]] = {}
        self._places: dict[str, dict[str, int]] = {}
        self._connection = connect(address)
        try:
            with telling(address):
                self._connection.execute(_SETTINGS)
                self._marker = self._marked()
        except BaseException:
            self.abandon()
            raise

    def write(self, name: str, table: Any) -> None:
        """Take rows of a table in: `bills`, `refused`, `warnings`, `lines/STRUCTURE`; few of them wait for more.

        Raises:
            FileProblem: the database refused them, or is gone.
        """
        self._count(name, table)
        if self._marker is not None or not table.num_rows:
            return
        self._waiting.setdefault(name, []).append(table)
        if self._waiting_rows(name) >= FLUSH_ROWS:
            self._flush(name)
        while self.waiting > WAITING_ROWS_MAX:
            self._flush(max(self._waiting, key=self._waiting_rows))

    @property
    def waiting(self) -> int:
        """Rows that wait for more."""
        return sum(map(self._waiting_rows, self._waiting))

    def commit(self) -> Mapping[str, WrittenFile]:
        """Write the rest and the marker, and commit. Every row is there, once, when this returns.

        Raises:
            FileProblem: the database refused, or is gone; `database-partition-differs`: it holds other rows under this
                run and partition.
        """
        for name in list(self._waiting):
            self._flush(name)
        rows, sums = self._rows, self._written_sums()
        with telling(self._address):
            if self._marker is None and not self._mark(rows, sums):
                # Another attempt at the same partition was faster: what this one wrote is taken back.
                self._connection.rollback()
                self._marker = self._marked()
                assert self._marker is not None, "a marker is never deleted"
            self._connection.commit()
        if self._marker is not None:
            self._compare(self._marker, (rows, sums))
        self._close()
        return {name: WrittenFile(count) for name, count in sorted(rows.items())}

    def abandon(self) -> None:
        """Take back what was written."""
        self._waiting.clear()
        with suppress(driver().Error):
            self._connection.rollback()
        self._close()

    def _close(self) -> None:
        with suppress(driver().Error):
            self._connection.close()

    def _count(self, name: str, table: Any) -> None:
        self._rows[name] = self._rows.get(name, 0) + table.num_rows
        sums, places = self._sums.setdefault(name, {}), self._places.setdefault(name, {})
        for field, column in zip(table.schema, table.columns, strict=True):
            found = _sum(column)
            if found is not None:
                sums[field.name] = sums.get(field.name, 0) + found
                places[field.name] = field.type.scale if pa.types.is_decimal(field.type) else 0

    def _written_sums(self) -> Sums:
        return {
            name: {column: _decimal_text(whole, self._places[name][column]) for column, whole in sums.items()}
            for name, sums in self._sums.items()
        }

    def _waiting_rows(self, name: str) -> int:
        return sum(table.num_rows for table in self._waiting[name])

    def _flush(self, name: str) -> None:
        table = pa.concat_tables(self._waiting.pop(name))
        from psycopg import sql

        columns = sql.SQL(", ").join(
            sql.Identifier(column) for column in (*(one for one, _ in LEADING), *map(shortened, table.schema.names))
        )
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(self._table(table_name(name)), columns)
        with telling(self._address), self._connection.cursor().copy(statement) as copy:
            copy.write(HEADER)
            try:
                for block in blocks(table, (self._run, self._partition)):
                    copy.write(block)
            except ValueError as error:
                raise FileProblem("database-refused", self._address.shown, reason=str(error)) from error
            copy.write(TRAILER)

    def _table(self, name: str) -> Any:
        from psycopg import sql

        return sql.Identifier(self._address.schema, name)

    def _marked(self) -> tuple[dict[str, int], Sums] | None:
        from psycopg import sql

        if self._connection.execute("SELECT to_regclass(%s)", [self._table(MARKERS).as_string()]).fetchone()[0] is None:
            raise FileProblem("database-table-missing", self._address.shown, came=f"{self._address.schema}.{MARKERS}")
        statement = sql.SQL("SELECT rows, sums FROM {} WHERE run = %s AND partition = %s").format(self._table(MARKERS))
        found = self._connection.execute(statement, [self._run, self._partition]).fetchone()
        return None if found is None else (found[0], found[1])

    def _mark(self, rows: Mapping[str, int], sums: Sums) -> bool:
        from psycopg import sql

        statement = sql.SQL(
            "INSERT INTO {} (run, partition, attempt, rows, sums) VALUES (%s, %s, %s, %s, %s) "
            "ON CONFLICT (run, partition) DO NOTHING"
        ).format(self._table(MARKERS))
        given = [self._run, self._partition, self._attempt, json.dumps(rows), json.dumps(sums)]
        return bool(self._connection.execute(statement, given).rowcount)

    def _compare(self, there: tuple[dict[str, int], Sums], made: tuple[dict[str, int], Sums]) -> None:
        difference = next(_differences(there, made), None)
        if difference is None:
            return
        self._close()
        reason, reason_zh = difference
        told = {"came": f"{self._run}/{self._partition}", "reason": reason, "reason_zh": reason_zh}
        raise FileProblem("database-partition-differs", self._address.shown, **told)


def open_sink(url: str, run: str, partition: int, attempt: str | int) -> PostgresqlSink:
    """Open the sink of one attempt at a partition; the run was prepared before.

    Args:
        url: `postgresql://...`, with `?schema=NAME` where tables are not in the schema `dianjia`.
        run: the run's id.
        partition: its number.
        attempt: for the marker; nothing depends on it.

    Raises:
        FileProblem: the URL is none, the database does not answer, or the run was not prepared.
    """
    return PostgresqlSink(read_url(url), run, partition, attempt)


def prepare(url: str, schemas: Mapping[str, Any]) -> None:
    """Make the schema and the tables of a run where they are not there yet.

    Args:
        url: as of `open_sink`.
        schemas: pyarrow Schemas by table: `bills`, `refused`, `warnings`, `lines/STRUCTURE`. What a column's metadata
            says (places, unit, currency) becomes its comment.

    Raises:
        FileProblem: a table is there with other columns; a column has no type in PostgreSQL, or the name of one of the
            first two; the database refuses, or does not answer.
    """
    from psycopg import sql

    address = read_url(url)
    tables = {table_name(name): _columns(schema, address) for name, schema in schemas.items()}
    with telling(address), connect(address) as connection:
        # One process at a time: two that find no table would both make it.
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"dianjia {address.schema}"])
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(address.schema)))
        for own, own_columns in ((MARKERS, _MARKER_COLUMNS), (RUNS, _RUN_COLUMNS)):
            tables[own] = [(column, type_, None) for column, type_ in own_columns]
        for name, columns in tables.items():
            there = _there(connection, address.schema, name)
            if there:
                _refuse_other(address, name, there, columns)
                continue
            _make(connection, sql.Identifier(address.schema, name), columns, _KEYS.get(name))


def finish(url: str, run: str, summary: Mapping[str, object]) -> None:
    """Say that a run is whole: its row in the table `runs` is to a database what `summary.json` is to a folder.

    Args:
        url: as of `open_sink`.
        run: the run's id.
        summary: of the run; a later one takes its place.

    Raises:
        FileProblem: the database refuses, or does not answer.
    """
    from psycopg import sql

    address = read_url(url)
    statement = sql.SQL(
        "INSERT INTO {} (run, summary) VALUES (%s, %s) ON CONFLICT (run) DO UPDATE SET summary = excluded.summary"
    ).format(sql.Identifier(address.schema, RUNS))
    with telling(address), connect(address) as connection:
        connection.execute(_SETTINGS)
        connection.execute(statement, [run, json.dumps(summary, ensure_ascii=False)])


# Whatever the server's defaults: what is told as done outlives a crash of it, and a transaction waits while bills are
# computed between two COPYs.
_SETTINGS: Final = """
    SET LOCAL synchronous_commit = on;
    SET LOCAL idle_in_transaction_session_timeout = 0;
    SET LOCAL statement_timeout = 0
"""
_KEYS: Final = {MARKERS: "PRIMARY KEY (run, partition)", RUNS: "PRIMARY KEY (run)"}
_RUN_COLUMNS: Final = (("run", "text"), ("summary", "jsonb"))
_MARKER_COLUMNS: Final = (*LEADING, ("attempt", "text"), ("rows", "jsonb"), ("sums", "jsonb"))


def table_name(name: str) -> str:
    """Name the table of `bills`, `refused`, `warnings` or `lines/STRUCTURE`, in at most 63 bytes."""
    return shortened(name.replace("/", "_", 1))


def shortened(name: str) -> str:
    """A name that PostgreSQL keeps whole: the end of a longer one is replaced by its SHA-256."""
    octets = name.encode()
    if len(octets) <= NAME_BYTES_MAX:
        return name
    start = octets[: NAME_BYTES_MAX - _HASH_DIGITS - 1].decode(errors="ignore")
    return f"{start}_{sha256(octets).hexdigest()[:_HASH_DIGITS]}"


Columns = Sequence[tuple[str, str, str | None]]  # name, type, comment


def _columns(schema: Any, address: Address) -> Columns:
    columns: list[tuple[str, str, str | None]] = [(name, type_, None) for name, type_ in LEADING]
    for field in schema:
        name, type_ = shortened(field.name), postgresql_type(field.type)
        if type_ is None:
            raise FileProblem("database-column-type", address.shown, column=field.name, came=field.type)
        if any(name == other for other, _, _ in columns):
            raise FileProblem("portfolio-column-taken", address.shown, column=field.name)
        told = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        if name != field.name:
            told["name"] = field.name
        comment = ", ".join(f"{key}: {value}" for key, value in sorted(told.items()))
        columns.append((name, type_, comment or None))
    return columns


def _make(connection: Any, table: Any, columns: Columns, key: str | None) -> None:
    from psycopg import sql

    parts: list[sql.Composable] = [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(type_)) for name, type_, _ in columns
    ]
    if key is not None:
        parts.append(sql.SQL(key))
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(parts)))
    for name, _, comment in columns:
        if comment is not None:
            statement = sql.SQL("COMMENT ON COLUMN {}.{} IS {}").format(table, sql.Identifier(name), comment)
            connection.execute(statement)


def _there(connection: Any, schema: str, table: str) -> list[tuple[str, str]]:
    """Columns of a table that is there; none: it is not."""
    statement = """
        SELECT a.attname, format_type(a.atttypid, a.atttypmod)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
    """
    return [(name, _SHORT.get(type_, type_)) for name, type_ in connection.execute(statement, [schema, table])]


_SHORT: Final = {
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone[]": "timestamp[]",
    "timestamp with time zone[]": "timestamptz[]",
}


def _refuse_other(address: Address, name: str, there: Sequence[tuple[str, str]], columns: Columns) -> None:
    wanted = {column: type_ for column, type_, _ in columns}
    found = dict(there)
    for column in [*wanted, *found]:
        if wanted.get(column) == found.get(column):
            continue
        mine, theirs = wanted.get(column), found.get(column)
        reason = f"`{column}` is {theirs or 'not there'}, and would be {mine or 'left out'}"
        reason_zh = f"`{column}` 为 {theirs or '无'}，应为 {mine or '无'}"
        told = {"reason": reason, "reason_zh": reason_zh}
        again = f"{address.schema}_2"
        raise FileProblem(
            "database-table-differs",
            address.shown,
            came=f"{address.schema}.{name}",
            instead=again,
            instead_zh=again,
            **told,
        )


def _sum(column: Any) -> int | None:
    """The exact sum of a column of whole numbers or decimals, in units of its last place; None: it has none."""
    type_ = column.type
    if pa.types.is_decimal128(type_) and type_.scale >= 0 and type_.precision <= _SUMMED_PRECISION_MAX:
        found = pc.sum(column).as_py()
        return 0 if found is None else int(found.scaleb(type_.scale, _DIGITS))
    if pa.types.is_integer(type_) and not pa.types.is_uint64(type_):
        chunks = (chunk.fill_null(0) if chunk.null_count else chunk for chunk in column.chunks)
        return sum(exact_sum(np.asarray(chunk)) for chunk in chunks)
    return None


def _decimal_text(whole: int, places: int) -> str:
    digits = str(abs(whole)).rjust(places + 1, "0")
    sign = "-" if whole < 0 else ""
    return f"{sign}{digits[: len(digits) - places]}{'.' if places else ''}{digits[len(digits) - places :]}"


def _differences(there: tuple[dict[str, int], Sums], made: tuple[dict[str, int], Sums]) -> Iterator[tuple[str, str]]:
    """What differs, in English and Chinese; a table without rows is as good as none."""
    for name in sorted({*there[0], *made[0]}):
        before, now = there[0].get(name, 0), made[0].get(name, 0)
        if before != now:
            yield f"{name} has {before} rows, not {now}", f"{name} 有 {before} 行，应为 {now} 行"
        if not before:
            continue
        for column in sorted({*there[1].get(name, {}), *made[1].get(name, {})}):
            old, new = there[1].get(name, {}).get(column), made[1].get(name, {}).get(column)
            if old != new:
                reason = f"`{column}` of {name} adds up to {old}, not {new}"
                yield reason, f"{name} 的 `{column}` 合计 {old}，应为 {new}"
