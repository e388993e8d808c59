"""The client: one bill, a month of bills, why a bill is what it is; rule sets and versions of the rate book."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal

from dianjia.advice.v1.advice_pb2 import AdviseCustomerRequest, AdviseCustomerResponse
from dianjia.client.advice import Advice
from dianjia.client.advising import ADVICE_ROWS, advised
from dianjia.client.alternatives import KINDS, AlternativeKind
from dianjia.client.answers import Bill, Explanation, bill_of, explanation_of
from dianjia.client.chunking import CHUNK_ROWS, Cutter, Opened, Prepared, all_frames, sizes
from dianjia.client.connection import Connection, Deadline, Patience, credentials
from dianjia.client.described import RuleSet, RuleSetSummary
from dianjia.client.frames import framed
from dianjia.client.groups import answer_of
from dianjia.client.known import KnownRuleSets
from dianjia.client.one_row import row_message
from dianjia.client.progress import Progress, Watch
from dianjia.client.recalculations import Recalculations
from dianjia.client.results import Bills, bills_of
from dianjia.client.stream import Header, answers
from dianjia.client.unary import Comparison, Warnings, asked_in_pieces, compared, warned
from dianjia.client.versions import RateBooks
from dianjia.client.warnings import WarningCalls
from dianjia.rating.v1 import rating_pb2 as rating
from dianjia.type.v1 import type_pb2 as types

Detail = Literal["totals", "lines", "full"]
_DETAILS: Final = {
    "totals": rating.DETAIL_TOTALS,
    "lines": rating.DETAIL_LINES,
    "full": rating.DETAIL_FULL,
}
_LANGUAGES: Final = {"en": types.LANGUAGE_EN, "zh": types.LANGUAGE_ZH}
WINDOW_CHUNKS: Final = 8  # about 10 MB under way


class Client:
    """A client of one server. Threads may share it. Close it, or use it in a `with`.

    Attributes:
        rate_books: versions of the rate book: publish, approve, activate, withdraw, history.
        recalculations: runs over files of the server's machine: start, watch, cancel.
        warnings: of rows, `warnings(frame)`; over time: record events, watch, list, acknowledge.
    """

    def __init__(
        self,
        target: str,
        *,
        token: str | None = None,
        tls: bool = False,
        ca: Path | str | bytes | None = None,
        cert: Path | str | bytes | None = None,
        key: Path | str | bytes | None = None,
        timeout: float = 30.0,
        version: str = "",
        patience: Patience | None = None,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        """Open a channel; nothing is sent before the first call.

        Args:
            target: HOST:PORT.
            token: who calls; `rate` and `read` are the scopes that billing frames needs.
            tls: encrypt; also where `ca` or `cert` is given.
            ca: PEM of the authorities that are trusted, or the path of a file; None: the machine's own.
            cert, key: PEM of the client's certificate and its key, likewise, where the server asks for one.
            timeout: of a call that is not a stream [s], all its repetitions together.
            version: content hash of the version that answers calls which name none; "": the active one.
            patience: how long to go on after failures.
            options: of gRPC's channel.

        Raises:
            ValueError: only one of `cert` and `key` is given.
        """
        self._connection = Connection(
            target,
            token=token,
            credentials=credentials(tls, ca, cert, key),
            timeout=timeout,
            patience=patience or Patience(),
            options=options,
        )
        self._version = version
        self._known = KnownRuleSets(self._connection)
        self.rate_books = RateBooks(self._connection)
        self.recalculations = Recalculations(self._connection)
        self.warnings = WarningCalls(self._connection, self._warned)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the channel; calls under way are cancelled."""
        self._connection.close()

    def bill(
        self,
        ruleset: str,
        period_from: date | str,
        period_to: date | str,
        values: Mapping[str, Any],
        *,
        lists: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        row_id: str = "",
        version: str = "",
        allow_withdrawn: bool = False,
        timeout: float | None = None,
    ) -> Bill:
        """Bill one row.

        Args:
            ruleset: id.
            period_from, period_to: first day billed, and the day after the last.
            values: inputs by name: decimals, whole numbers, text, days, bools. None is not given.
            lists: lists by name, each item a mapping of names to values.
            row_id: comes back with the bill.
            version: content hash; "": the client's.
            allow_withdrawn: a withdrawn version answers too.
            timeout: [s]; None: the client's.

        Raises:
            RowRefused: the row cannot be billed.
            ServiceError: the call fails.
            ValueError: a value is a binary float, or of no kind that a row has.
        """
        request = rating.CalculateBillRequest(
            version=self._choice(version, allow_withdrawn),
            row=row_message(ruleset, period_from, period_to, values, lists or {}, row_id),
        )
        return bill_of(self._connection.call(self._connection.rating.CalculateBill, request, timeout).bill)

    def explain(
        self,
        ruleset: str,
        period_from: date | str,
        period_to: date | str,
        values: Mapping[str, Any],
        *,
        lists: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        row_id: str = "",
        language: Literal["en", "zh"] = "en",
        version: str = "",
        allow_withdrawn: bool = False,
        timeout: float | None = None,
    ) -> Explanation:
        """Bill one row and show the working of each line; takes and raises what `bill` does.

        Args:
            language: of `text`.
        """
        request = rating.ExplainBillRequest(
            version=self._choice(version, allow_withdrawn),
            row=row_message(ruleset, period_from, period_to, values, lists or {}, row_id),
            language=_LANGUAGES[language],
        )
        return explanation_of(self._connection.call(self._connection.rating.ExplainBill, request, timeout))

    def bills(
        self,
        frame: Any,
        *,
        detail: Detail = "lines",
        chunk_rows: int = CHUNK_ROWS,
        run: str = "",
        progress: Callable[[Progress], None] | None = None,
        version: str = "",
        allow_withdrawn: bool = False,
        pass_through: Iterable[str] = (),
        window: int = WINDOW_CHUNKS,
        timeout: float | None = None,
    ) -> Bills:
        """Bill the rows of a frame.

        Args:
            frame: a mapping of numpy arrays, a DataFrame of pandas or Polars, an Arrow Table or RecordBatch, with the
                columns `row_id`, `ruleset`, `period_from`, `period_to` and the inputs that the rule sets read.
            detail: how much comes back: "totals", "lines", or "full" with quantities and prices.
            chunk_rows: rows of one message.
            run: name under which `ListVersionUse` shows the bills.
            progress: called after each answer.
            version: content hash; "": the client's. Every row is billed by one version.
            allow_withdrawn: a withdrawn version answers too.
            pass_through: columns that no rule set reads and that come back in `bills`; `account`, `scope`, `bill_id`
                and `revision` do so without being named.
            window: chunks under way without an answer, at most.
            timeout: of all of it [s]; None: no end.

        Returns:
            Bills, lines, refused rows and warnings, as frames of the same library.

        Raises:
            ValueError: the frame lacks a column, has one that nobody reads, or one of a type that cannot be billed.
            VersionGone: the connection broke, and the version is not to be had any more.
            ServiceError: the server refuses the stream, or does not answer any more.
        """
        found = self.stream(
            [frame],
            detail=detail,
            chunk_rows=chunk_rows,
            run=run,
            progress=progress,
            version=version,
            allow_withdrawn=allow_withdrawn,
            pass_through=pass_through,
            window=window,
            timeout=timeout,
            rows_in_all=framed(frame).rows,
        )
        (bills,) = found
        return bills

    def stream(
        self,
        frames: Iterable[Any],
        *,
        detail: Detail = "lines",
        chunk_rows: int = CHUNK_ROWS,
        run: str = "",
        progress: Callable[[Progress], None] | None = None,
        version: str = "",
        allow_withdrawn: bool = False,
        pass_through: Iterable[str] = (),
        window: int = WINDOW_CHUNKS,
        timeout: float | None = None,
        rows_in_all: int | None = None,
    ) -> Generator[Bills, None, None]:
        """Bill frames one after another in one stream, for more rows than memory holds; takes what `bills` does.

        Args:
            frames: asked for as answers come, by a thread of gRPC's; `row_id` is unique over all of them.
            rows_in_all: of all frames, for `progress`.

        Returns:
            Bills of each frame, in order, as soon as they are complete. One version bills all of them. To stop early,
            close it.

        Raises:
            What `bills` raises, when the iterator is asked for more; and whatever `frames` raises.
        """
        if detail not in _DETAILS:
            raise ValueError(f"detail is totals, lines or full; came {detail}")
        if window < 1:
            raise ValueError(f"window is a whole number from 1; came {window}")
        sizes(chunk_rows)
        deadline = Deadline(timeout)
        return self._streamed(
            frames,
            chunk_rows,
            frozenset(pass_through),
            Header(version, allow_withdrawn, _DETAILS[detail], run),
            window,
            deadline,
            Watch(progress, rows_in_all),
        )

    def _streamed(
        self,
        frames: Iterable[Any],
        chunk_rows: int,
        pass_through: frozenset[str],
        asked: Header,
        window: int,
        deadline: Deadline,
        watch: Watch,
    ) -> Generator[Bills, None, None]:
        version = self._settled(asked.version, asked.allow_withdrawn).version
        header = Header(version, asked.allow_withdrawn, asked.detail, asked.run)
        cutter = Cutter(self._known.named(version), pass_through, chunk_rows)
        opened: list[Opened] = []

        def ready() -> Iterator[Bills]:
            while opened and opened[0].complete:
                yield bills_of(opened.pop(0), version)

        source: Iterator[Prepared] = all_frames(cutter, frames, opened.append)
        # Closed here: a traceback that somebody keeps would keep the stream open.
        with contextlib.closing(
            answers(
                self._connection,
                source,
                header,
                window=window,
                deadline=deadline,
                resumed=watch.resume,
                too_large=cutter.shorten,
            )
        ) as answered:
            for prepared, response in answered:
                answer = answer_of(prepared, response)
                prepared.opened.answered.append(answer)
                watch.note(len(prepared.positions), answer.billed, cutter.unsent)
                yield from ready()
        watch.note(0, 0, cutter.unsent)
        yield from ready()
        assert not opened, "a frame was not finished"

    def _warned(
        self, frame: Any, *, chunk_rows: int, version: str, allow_withdrawn: bool, pass_through: Iterable[str]
    ) -> Warnings:
        """Give the warnings that the rows of a frame raise."""
        choice = self._settled(version, allow_withdrawn)
        opened, chunks = self._cut(frame, choice.version, chunk_rows, pass_through)

        def ask(one: Prepared) -> rating.EvaluateWarningsResponse:
            request = rating.EvaluateWarningsRequest(version=choice, chunk=one.message())
            return self._connection.call(self._connection.rating.EvaluateWarnings, request)

        found = [answered for one in chunks for answered in asked_in_pieces(one, ask)]
        return warned(opened, found, choice.version)

    def compare(
        self,
        frame: Any,
        before: str,
        after: str,
        *,
        chunk_rows: int = CHUNK_ROWS,
        allow_withdrawn: bool = False,
        pass_through: Iterable[str] = (),
    ) -> Comparison:
        """Say what two versions make of the rows of a frame; takes and raises what `bills` does.

        Args:
            before, after: content hashes; "": the active version.
        """
        earlier, later = (self._settled(one, allow_withdrawn and bool(one)) for one in (before, after))
        opened, chunks = self._cut(frame, later.version, chunk_rows, pass_through, earlier.version)

        def ask(one: Prepared) -> rating.CompareBillsResponse:
            request = rating.CompareBillsRequest(before=earlier, after=later, chunk=one.message())
            return self._connection.call(self._connection.rating.CompareBills, request)

        found = [answered for one in chunks for answered in asked_in_pieces(one, ask)]
        return compared(opened, found, earlier.version, later.version)

    def advise(
        self,
        frame: Any,
        *,
        account: str = "account",
        only: Collection[str] = (),
        kinds: Collection[AlternativeKind] = (),
        chunk_rows: int = ADVICE_ROWS,
        version: str = "",
        allow_withdrawn: bool = False,
        pass_through: Iterable[str] = (),
        timeout: float | None = None,
    ) -> Advice:
        """Say what accounts would pay with the alternatives that the rate book declares; takes what `bills` does.

        Args:
            account: the column that says whose each row is.
            only: alternatives that are wanted, as ALTERNATIVE or ADVICE:ALTERNATIVE; none: all.
            kinds: of choice, measure, plan; none: all.
            chunk_rows: rows of one call; an account's rows are never parted.
            timeout: of each call [s]; None: the client's.

        Raises:
            ValueError: a row has no account, or a kind is none; and what `bills` raises.
            ServiceError: `unknown-choice`: no such alternative; and what `bills` raises.
        """
        if not KINDS.keys() >= set(kinds):
            raise ValueError(f"kinds are {', '.join(KINDS)}; came {', '.join(sorted(set(kinds) - KINDS.keys()))}")
        choice = self._settled(version, allow_withdrawn)
        asked = AdviseCustomerRequest(version=choice, only=only, kinds=[KINDS[one] for one in kinds])

        def ask(chunk: types.Chunk, accounts: types.Codes) -> AdviseCustomerResponse:
            request = AdviseCustomerRequest(chunk=chunk, accounts=accounts)
            request.MergeFrom(asked)
            return self._connection.call(self._connection.advice.AdviseCustomer, request, timeout)

        known = self._known.named(choice.version)
        return advised(frame, account, choice.version, known, ask, sizes(chunk_rows), frozenset(pass_through))

    def rulesets(
        self,
        *,
        place: str = "",
        customer_class: str = "",
        in_force_on: date | str = "",
        version: str = "",
    ) -> list[RuleSetSummary]:
        """List rule sets, by id and first day.

        Args:
            place: of this place and places within it: cn.jiangsu. "": all.
            customer_class: residential. "": all.
            in_force_on: on this day. "": all.
            version: content hash; "": the client's.
        """
        return self._known.summaries(version or self._version, place, customer_class, str(in_force_on))[1]

    def ruleset(self, name: str, *, version: str = "", files: bool = True) -> RuleSet:
        """Give a rule set: its inputs, lines and source text.

        Args:
            name: its id, with its first day where several share it: `cn.national.aluminium@2022-01-01`.
            version: content hash; "": the client's.
            files: with the files that it is compiled from.

        Raises:
            ServiceError: `unknown-resource`.
        """
        return self._known.one(name, version or self._version, files=files)

    def _choice(self, version: str, allow_withdrawn: bool) -> types.VersionChoice:
        return types.VersionChoice(version=version or self._version, allow_withdrawn=allow_withdrawn)

    def _settled(self, version: str, allow_withdrawn: bool) -> types.VersionChoice:
        """Name the version that answers now, so that every further call is answered by it."""
        named = self._known.version(self._choice(version, allow_withdrawn))
        return types.VersionChoice(version=named, allow_withdrawn=allow_withdrawn)

    def _cut(
        self, frame: Any, version: str, chunk_rows: int, pass_through: Iterable[str], also: str = ""
    ) -> tuple[Opened, Iterator[Prepared]]:
        """Cut a frame for calls of a chunk each; `also` is a version whose rule sets may read other columns."""
        versions = dict.fromkeys(one for one in (version, also) if one)

        def described(names: Collection[str]) -> list[RuleSet]:
            return [found for one in versions for found in self._known.named(one)(names)]

        return Cutter(described, frozenset(pass_through), sizes(chunk_rows)).opened(frame)
