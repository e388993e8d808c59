"""URLs of PostgreSQL databases: what libpq is given, what people are shown, and the parameters that are ours.

`postgresql://USER:PASSWORD@HOST:PORT/DATABASE?schema=NAME&query=SELECT...`: `schema` is where tables are written,
`query` what rows are read by; the rest is libpq's. No message, log or file shows a password.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from engine.bulk.problems import FileProblem

SCHEMA: Final = "dianjia"
SCHEMES: Final = ("postgresql://", "postgres://", "postgresql+psycopg://")
OWN: Final = ("schema", "query")
SECRET: Final = ("password", "sslpassword")
UNKNOWN: Final = "postgresql://…"  # stands for a URL that could not be taken apart, and may hold a password anywhere
INSTALL: Final = "pip install 'dianjia[postgresql]'"
_SETTINGS: Final[Mapping[str, str]] = {  # where the URL does not say otherwise
    "connect_timeout": "10",  # [s]
    # A peer that vanished is noticed in 90 s. `tcp_user_timeout` would end a COPY, too, whose server is busy elsewhere.
    "keepalives_idle": "30",  # [s]
    "keepalives_interval": "10",  # [s]
    "keepalives_count": "6",
    "application_name": "dianjia",
}
_GONE: Final = ("08", "57P")  # classes of SQLSTATE: the connection failed, an operator stopped the server


@dataclass(frozen=True, slots=True)
class Address:
    """A database, taken apart."""

    url: str  # for libpq
    shown: str  # for people
    schema: str = SCHEMA
    query: str | None = None

    def __repr__(self) -> str:
        return f"Address({self.shown})"


def is_postgresql(written: str) -> bool:
    """Tell whether an input or output is a database, not a file."""
    return written.lower().startswith(SCHEMES)


def read_url(written: str) -> Address:
    """Take a URL apart.

    Raises:
        FileProblem: it is none, or psycopg is not installed.
    """
    psycopg = driver()
    if not is_postgresql(written):
        raise FileProblem("database-url", UNKNOWN, reason="", reason_zh="")
    base, _, query = ("postgresql" + written[written.index("://") :]).partition("?")
    given = [(name, value) for name, _, value in (one.partition("=") for one in query.split("&") if one)]
    own = {name: unquote(value) for name, value in given if name in OWN}
    kept = [(name, value) for name, value in given if name not in OWN]
    named = {name for name, _ in kept}
    kept += [(name, value) for name, value in _SETTINGS.items() if name not in named]
    url = base + "?" + "&".join(f"{name}={value}" for name, value in kept)
    try:
        parts = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        # What libpq says of it may quote a piece of the password.
        raise FileProblem("database-url", UNKNOWN, reason="", reason_zh="") from None
    host, port, name = (str(parts.get(key) or "") for key in ("host", "port", "dbname"))
    if "@" in host + name or (not port.replace(",", "").isdigit() and port):
        # A sign in the password that ends it early: what follows was taken for a host, a port or a name.
        told = {"reason": ": a sign in it must be written by its code", "reason_zh": "：其中的特殊符号须写成编码"}
        raise FileProblem("database-url", UNKNOWN, **told)
    schema = own.get("schema", SCHEMA)
    shown = _shown(parts)
    if not schema or "\0" in schema:
        told = {"reason": ": its `schema` has no name", "reason_zh": "：`schema` 没有名称"}
        raise FileProblem("database-url", shown, **told)
    return Address(url, shown, schema, own.get("query"))


def password_of(written: str) -> str:
    """The password that a URL has; "": none.

    Raises:
        FileProblem: it is no URL.
    """
    return str(driver().conninfo.conninfo_to_dict(read_url(written).url).get("password") or "")


def without_password(written: str) -> str:
    """The same URL for a ledger: whoever goes on with it later gives the password by PGPASSWORD or `~/.pgpass`.

    Raises:
        FileProblem: it is no URL.
    """
    read_url(written)
    scheme, _, rest = written.partition("://")
    base, mark, query = rest.partition("?")
    who, at, where = base.rpartition("@")
    kept = [one for one in query.split("&") if one.partition("=")[0] not in SECRET]
    return f"{scheme}://{who.partition(':')[0]}{at}{where}{mark if any(kept) else ''}{'&'.join(kept)}"


def _shown(parts: Mapping[str, Any]) -> str:
    user, host, port, name = (str(parts.get(key) or "") for key in ("user", "host", "port", "dbname"))
    at = f"{user}@" if user else ""
    return f"postgresql://{at}{host}{':' if port else ''}{port}/{name}"


def driver() -> Any:
    """The module psycopg."""
    try:
        import psycopg
    except ImportError:
        told = {"instead": INSTALL, "instead_zh": INSTALL}
        raise FileProblem("database-driver-missing", UNKNOWN, came="psycopg", **told) from None
    return psycopg


def connect(address: Address) -> Any:
    """Open a psycopg connection.

    Raises:
        FileProblem: `database-unreachable`.
    """
    psycopg = driver()
    try:
        return psycopg.connect(address.url)
    except psycopg.Error as error:
        raise FileProblem("database-unreachable", address.shown, reason=said(error)) from None


@contextmanager
def telling(address: Address) -> Iterator[None]:
    """Turn what PostgreSQL says against rows into a problem of that database."""
    psycopg = driver()
    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate or ""
        gone = isinstance(error, psycopg.OperationalError) and (not state or state.startswith(_GONE))
        code = "database-unreachable" if gone else "database-refused"
        raise FileProblem(code, address.shown, reason=said(error)) from error


def said(error: Any) -> str:
    """What the database said, in one line without its last point."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    context = getattr(getattr(error, "diag", None), "context", None)
    text = str(primary or error).strip()
    if primary and context and str(context).startswith("COPY "):
        text += f" ({str(context).splitlines()[0]})"
    return " ".join(text.split()).rstrip(".")
