"""Rows of a PostgreSQL query -> Arrow batches, through ADBC: one snapshot, however often it is read; nothing changes.

A numeric comes as decimal128 where the query says its digits, else as text, which the readers of portfolios take as
exactly; it never passes through a binary float. Billing needs rows it can come back to: what is read here is written to
files of the run's own (staging) before anything is billed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.compute as pc

from engine.bulk.postgresql_url import INSTALL, UNKNOWN, Address, read_url
from engine.bulk.problems import FileProblem

FROM_FILE: Final = "@"
PRECISION_MAX: Final = 38
_TYPE: Final = b"POSTGRESQL:type"
_MODIFIER: Final = b"POSTGRESQL:typmod"
_GONE: Final = ("closed the connection", "terminating connection", "no connection to the server")  # libpq's words
_BATCH_BYTES: Final = str(16 << 20)
_SCALE_BITS: Final = 11  # of a numeric's type modifier, two's complement; the precision stands 16 bits up


@dataclass(slots=True)
class QueryRows:
    """What a query gives, until it is closed. All readings see one snapshot; rows are in order where the query asks."""

    schema: Any  # pyarrow Schema
    shown: str  # the database, without a password
    query: str
    snapshot: str  # as PostgreSQL names it: which transactions it sees
    rows: int | None = None  # of the query; None before it was read to its end
    _source: _Source = field(repr=False, kw_only=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def batches(self) -> Iterator[Any]:
        """Read the rows from the beginning, as pyarrow RecordBatches of `schema`. One reading at a time.

        Raises:
            FileProblem: the database is gone, the query fails in mid-way, or a numeric is no number (NaN).
        """
        rows = 0
        for batch in self._source.batches():
            rows += batch.num_rows
            yield self._source.mapped(batch)
        self.rows = rows

    def close(self) -> None:
        """Let go of the database."""
        self._source.close()

    def fingerprint(self) -> dict[str, object]:
        """What tells these rows from others: database, query, columns, snapshot, and the number of rows once known.

        Equal snapshots are equal rows; unequal ones may be, since whatever is written anywhere in the server counts.
        """
        columns = "\n".join(f"{one.name} {one.type}" for one in self.schema)
        return {
            "database": self.shown,
            "query": self.query,
            "query_sha256": sha256(self.query.encode()).hexdigest(),
            "columns_sha256": sha256(columns.encode()).hexdigest(),
            "snapshot": self.snapshot,
            "rows": self.rows,
        }


def query_batches(url: str, query: str | None = None) -> tuple[Any, Iterator[Any]]:
    """Run a query; give its pyarrow Schema, and its rows as RecordBatches, once. As `open_query`; closed at the end."""
    found = open_query(url, query)

    def batches() -> Iterator[Any]:
        with found:
            yield from found.batches()

    return found.schema, batches()


def open_query(url: str, query: str | None = None) -> QueryRows:
    """Run a query in a transaction of its own that changes nothing and sees one state of the database. To be closed.

    Args:
        url: `postgresql://...`; the query may stand in it, as `?query=SELECT...`.
        query: SQL; `@FILE` names a file that holds it. Goes before the URL's.

    Raises:
        FileProblem: no query, or one that the database refuses; a column twice, or of a type that no reader takes; the
            database does not answer.
    """
    address = read_url(url)
    text = read_query(query if query else address.query, address.shown)
    source = _Source(address, text)
    try:
        snapshot = source.begin()
        schema = source.run()
    except BaseException:
        source.close()
        raise
    return QueryRows(schema, address.shown, text, snapshot, _source=source)


def read_query(given: str | None, shown: str) -> str:
    """Give the text of a query, from its file where it names one.

    Raises:
        FileProblem: there is none, or its file cannot be read.
    """
    text = (given or "").strip()
    if text.startswith(FROM_FILE):
        path = Path(text[1:])
        try:
            text = path.read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise FileProblem("query-unreadable", str(path), reason=reason) from None
    if not text:
        raise FileProblem("query-missing", shown)
    return text.rstrip("; \n\t\r")


class _Source:
    """A connection, its transaction, and the stream of rows."""

    def __init__(self, address: Address, query: str) -> None:
        self._address, self._query = address, query
        self._stream: Any = None
        self._schema: Any = None
        self._readers: list[_Reader] = []
        dbapi = _driver()
        try:
            self._connection = dbapi.connect(address.url)
        except dbapi.Error as error:
            raise FileProblem("database-unreachable", address.shown, reason=_connecting(error)) from None
        self._cursor = self._connection.cursor()
        self._errors = (dbapi.Error, OSError, pa.ArrowInvalid)

    def begin(self) -> str:
        """Begin the transaction; gives the name of its snapshot."""
        try:
            self._cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # Rows are taken as fast as they are written elsewhere, and may be read again after a while.
            self._cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            self._cursor.execute("SET LOCAL statement_timeout = 0")
            self._cursor.execute("SET LOCAL synchronize_seqscans = off")  # which begin in the middle of a large table
            self._cursor.execute("SELECT pg_current_snapshot()::text AS snapshot")
            return str(self._cursor.fetchone()[0])
        except self._errors as error:
            raise FileProblem("database-unreachable", self._address.shown, reason=_connecting(error)) from error

    def run(self) -> Any:
        """Begin the query, again where it was read before; gives the columns."""
        shown = self._address.shown
        try:
            self._cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": _BATCH_BYTES})
            self._cursor.execute(self._query)
            self._stream = self._cursor.fetch_record_batch()
            given = self._stream.schema
        except self._errors as error:
            if _is_comment(self._query):
                raise FileProblem("query-refused", shown, reason="it is empty", found="") from error
            raise self._refused(error) from error
        if not given.names:
            raise FileProblem("query-refused", shown, reason="it gives no columns", found="")
        for name in given.names:
            if given.names.count(name) > 1:
                raise FileProblem("portfolio-column-twice", shown, column=name)
        self._readers = [_reader(one, shown) for one in given]
        self._schema = pa.schema([one.field for one in self._readers])
        return self._schema

    def batches(self) -> Iterator[Any]:
        """Give the batches as ADBC makes them, from the beginning."""
        if self._stream is None:
            self.run()
        stream, self._stream = self._stream, None
        while True:
            try:
                batch = stream.read_next_batch()
            except StopIteration:
                return
            except self._errors as error:
                raise self._refused(error) from error
            yield batch

    def mapped(self, batch: Any) -> Any:
        """Give a batch in the columns that readers take."""
        columns = [
            one.read(column, self._address.shown) for one, column in zip(self._readers, batch.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def close(self) -> None:
        """End the transaction. What is left of the rows is not read."""
        with suppress(*self._errors):
            if self._stream is not None:
                self._stream.close()
        for one in (self._cursor, self._connection):
            with suppress(*self._errors):
                one.close()

    def _refused(self, error: BaseException) -> FileProblem:
        if any(sign in str(error) for sign in _GONE):
            return FileProblem("database-unreachable", self._address.shown, reason=_connecting(error))
        reason, position = _primary(error)
        found = "" if position is None else f" ({_at(self._query, position)})"
        return FileProblem("query-refused", self._address.shown, reason=reason, found=found)


@dataclass(frozen=True, slots=True)
class _Reader:
    """How a column comes from ADBC, and as what it is read."""

    field: Any  # pyarrow Field
    way: str  # as-it-is, storage, cast, decimal

    def read(self, column: Any, shown: str) -> Any:
        """Map one batch of it."""
        if self.way == "as-it-is":
            return column
        storage = column.storage if isinstance(column, pa.ExtensionArray) else column
        if self.way == "storage":
            return storage
        if self.way == "cast":
            return storage.cast(self.field.type)
        try:
            return storage.cast(self.field.type)
        except pa.ArrowInvalid:
            bad = next((text for text in pc.unique(storage).to_pylist() if text and not _is_number(text)), "no number")
            instead = f"NULLIF({self.field.name}, 'NaN')"
            told = {
                "instead": f"Leave such rows out of the query, or give null: {instead}.",
                "instead_zh": f"请在查询中去掉这些行，或改为空值：{instead}。",
            }
            raise FileProblem("database-value", shown, column=self.field.name, came=bad, **told) from None


def _reader(given: Any, shown: str) -> _Reader:
    type_, metadata = given.type, given.metadata or {}
    name = metadata.get(_TYPE, b"").decode()
    if name == "numeric":
        decimal = _decimal(metadata)
        if decimal is not None:
            return _Reader(pa.field(given.name, decimal), "decimal")
        return _Reader(pa.field(given.name, pa.string()), "storage")
    if isinstance(type_, pa.BaseExtensionType):
        storage = type_.storage_type
        if pa.types.is_string(storage):
            return _Reader(pa.field(given.name, storage), "storage")
        raise _no_reader(given, name or str(type_), shown)
    if _plain(type_):
        return _Reader(pa.field(given.name, type_), "as-it-is")
    if pa.types.is_list(type_) and isinstance(type_.value_type, pa.BaseExtensionType):
        items = type_.value_type.storage_type
        if pa.types.is_string(items):
            return _Reader(pa.field(given.name, pa.list_(items)), "cast")
    raise _no_reader(given, name or str(type_), shown)


def _plain(type_: Any) -> bool:
    types = pa.types
    if types.is_list(type_):
        return not types.is_nested(type_.value_type) and _plain(type_.value_type)
    checks = (types.is_integer, types.is_floating, types.is_boolean, types.is_string, types.is_date, types.is_timestamp)
    return any(check(type_) for check in checks)


def _no_reader(given: Any, came: str, shown: str) -> FileProblem:
    return FileProblem(
        "portfolio-column-type",
        shown,
        column=given.name,
        came=came,
        instead=f"Give it as text, {given.name}::text; where it is a list, as JSON: to_jsonb({given.name}).",
        instead_zh=f"请在查询中转为文本 {given.name}::text；列表请转为 JSON：to_jsonb({given.name})。",
    )


def _decimal(metadata: Mapping[bytes, bytes]) -> Any:
    """The decimal type of a numeric(precision, scale); None: it says none, or more than decimal128 holds."""
    modifier = int(metadata.get(_MODIFIER, b"-1"))
    if modifier < 0:
        return None
    precision, scale = (modifier - 4) >> 16, (modifier - 4) & ((1 << _SCALE_BITS) - 1)
    fits = scale < 1 << (_SCALE_BITS - 1) and scale <= precision <= PRECISION_MAX
    return pa.decimal128(precision, scale) if fits else None


def _is_number(text: str) -> bool:
    return text.lower() not in {"nan", "infinity", "-infinity", "inf", "-inf"}


def _primary(error: BaseException) -> tuple[str, int | None]:
    """What PostgreSQL said first, and the position in the query it points at, from 1."""
    given = getattr(error, "details", None) or ()
    details = {name.decode(): value.decode(errors="replace") for name, value in given}
    text = details.get("PG_DIAG_MESSAGE_PRIMARY") or _stripped(str(error))
    position = details.get("PG_DIAG_STATEMENT_POSITION")
    in_copy = "Query was: COPY (" in str(error)  # ADBC asks for binary rows in this way
    return _one_line(text), None if position is None else int(position) - (len("COPY (") if in_copy else 0)


def _stripped(text: str) -> str:
    return text.partition("ERROR:")[2].partition("\n")[0] if "ERROR:" in text else text


def _is_comment(query: str) -> bool:
    """Whether a query has nothing but comments; ADBC does not say what is wrong with it."""
    return not re.sub(r"--[^\n]*|/\*.*?\*/", "", query, flags=re.DOTALL).strip(" \t\r\n;")


def _at(query: str, position: int) -> str:
    before = query[: position - 1]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return f"{line}:{column}"


def _connecting(error: BaseException) -> str:
    return _one_line(str(error).partition("Failed to connect: ")[2] or _stripped(str(error)))


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")


def _driver() -> Any:
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError:
        told = {"instead": INSTALL, "instead_zh": INSTALL}
        raise FileProblem("database-driver-missing", UNKNOWN, came="adbc-driver-postgresql", **told) from None
    return dbapi
