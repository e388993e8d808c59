"""Bills: the servicer of `dianjia.rating.v1.RatingService`.

A call takes one version of the rate book when it begins and keeps it. A chunk of a stream is read, billed and answered
before the next is taken from the caller, so that a caller who does not read stops the server's reading too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, cast

import grpc
import numpy as np
from numpy.typing import NDArray

from dianjia.rating.v1 import rating_pb2, rating_pb2_grpc
from dianjia.type.v1 import type_pb2
from engine.evaluator.batch import dispatch
from engine.evaluator.seen import SeenRows
from engine.service import answers, comparing, explanations, warnings_raised
from engine.service.books import Books, LoadedBook
from engine.service.calls import Call, call_of, wrong
from engine.service.columns import ROWS_PER_CHUNK, TEXT_MAX, ReadChunk, read_chunk, refuse_long
from engine.service.single import RuleSets
from engine.service.wire import Written

ROWS_PER_STREAM: Final = 20_000_000  # whose ids take at most 320 MB
DETAILS: Final = {
    rating_pb2.DETAIL_UNSPECIFIED: rating_pb2.DETAIL_LINES,
    rating_pb2.DETAIL_TOTALS: rating_pb2.DETAIL_TOTALS,
    rating_pb2.DETAIL_LINES: rating_pb2.DETAIL_LINES,
    rating_pb2.DETAIL_FULL: rating_pb2.DETAIL_FULL,
}
_WORDS_OF_IDS: Final = {
    "row_id_numbers": {"before": "texts", "before_zh": "文本"},
    "row_id_texts": {"before": "whole numbers", "before_zh": "整数"},
}


class RatingServicer(rating_pb2_grpc.RatingServiceServicer):
    """Bills rows with the rule sets of a rate book."""

    def __init__(
        self, books: Books, *, rows_per_chunk: int = ROWS_PER_CHUNK, rows_per_stream: int = ROWS_PER_STREAM
    ) -> None:
        """Serve.

        Args:
            books: which version answers.
            rows_per_chunk: at most so many rows a chunk.
            rows_per_stream: at most so many rows a stream.
        """
        self._books = books
        self._rows_per_chunk = rows_per_chunk
        self._rows_per_stream = rows_per_stream
        self._rulesets = RuleSets()

    def CalculateBill(
        self, request: rating_pb2.CalculateBillRequest, context: grpc.ServicerContext
    ) -> rating_pb2.CalculateBillResponse:
        """Bill one row."""
        call = call_of(context)
        loaded = self._chosen(request.version, call)
        if not request.HasField("row"):
            raise wrong("field-missing", "row")
        asked = self._rulesets.asked(loaded, request.row)
        made = asked.billed()
        call.note(rows=1, billed=1)
        response = rating_pb2.CalculateBillResponse()
        asked.bill(made, response.bill)
        self._books.used(loaded.version, "", {answers.month_of(made.period_from): 1})
        return response

    def CalculateBills(
        self, request_iterator: Iterator[rating_pb2.CalculateBillsRequest], context: grpc.ServicerContext
    ) -> Iterator[rating_pb2.CalculateBillsResponse]:
        """Bill a stream of chunks."""
        call = call_of(context)
        stream: _Stream | None = None
        for request in request_iterator:
            call.check()
            if stream is None:
                stream = self._begun(request, call)
            else:
                stream.goes_on(request)
            # The chain sends what is written already as it is.
            yield cast(rating_pb2.CalculateBillsResponse, stream.answer(request))

    def ExplainBill(
        self, request: rating_pb2.ExplainBillRequest, context: grpc.ServicerContext
    ) -> rating_pb2.ExplainBillResponse:
        """Bill one row with its working."""
        call = call_of(context)
        language = explanations.language_of(request.language)
        loaded = self._chosen(request.version, call)
        if not request.HasField("row"):
            raise wrong("field-missing", "row")
        return explanations.explained(self._rulesets.asked(loaded, request.row), language)

    def EvaluateWarnings(
        self, request: rating_pb2.EvaluateWarningsRequest, context: grpc.ServicerContext
    ) -> rating_pb2.EvaluateWarningsResponse:
        """Give the warnings that rows raise."""
        call = call_of(context)
        loaded = self._chosen(request.version, call)
        read = self._chunk(request, request.chunk)
        answer = warnings_raised.warnings_of(loaded, read, call.check)
        call.note(rows=answer.received, billed=answer.billed, refused=len(answer.row_errors))
        return answer

    def CompareBills(
        self, request: rating_pb2.CompareBillsRequest, context: grpc.ServicerContext
    ) -> rating_pb2.CompareBillsResponse:
        """Bill rows with two versions."""
        call = call_of(context)
        if not request.after.version:
            raise wrong("field-missing", "after.version")
        before = self._books.choose(request.before.version, request.before.allow_withdrawn)
        after = self._chosen(request.after, call)
        read = self._chunk(request, request.chunk)
        call.note(before=before.version, rows=len(read.rows))
        return comparing.compared(before, after, read, call.check)

    def _chosen(self, choice: type_pb2.VersionChoice, call: Call) -> LoadedBook:
        loaded = self._books.choose(choice.version, choice.allow_withdrawn)
        call.note(version=loaded.version)
        return loaded

    def _chunk(
        self, request: rating_pb2.EvaluateWarningsRequest | rating_pb2.CompareBillsRequest, chunk: type_pb2.Chunk
    ) -> ReadChunk:
        if not request.HasField("chunk"):
            raise wrong("field-missing", "chunk")
        return read_chunk(chunk, self._rows_per_chunk)

    def _begun(self, request: rating_pb2.CalculateBillsRequest, call: Call) -> _Stream:
        """Read what concerns a whole stream."""
        if len(request.run) > TEXT_MAX:
            refuse_long(request.run, "run")
        if request.detail not in DETAILS:
            known = ", ".join(f"{number} ({rating_pb2.Detail.Name(number)})" for number in DETAILS)
            raise wrong("unknown-choice", "detail", found=request.detail, known=known)
        return _Stream(
            call,
            self._books,
            self._chosen(request.version, call),
            DETAILS[request.detail],
            request.run,
            self._rows_per_chunk,
            self._rows_per_stream,
            request.sequence,
        )


@dataclass(slots=True)
class _Stream:
    """One stream of chunks."""

    call: Call
    books: Books
    loaded: LoadedBook
    detail: rating_pb2.Detail.ValueType
    run: str
    rows_per_chunk: int
    rows_per_stream: int
    due: int  # number of the next chunk
    seen: SeenRows = field(default_factory=SeenRows)
    ids: str = ""  # kind of the row ids
    received: int = 0
    billed: int = 0

    def goes_on(self, request: rating_pb2.CalculateBillsRequest) -> None:
        """Refuse a later message that says what belongs to the first."""
        for name, there in (
            ("version", request.HasField("version")),
            ("detail", bool(request.detail)),
            ("run", bool(request.run)),
        ):
            if there:
                raise wrong("stream-option-late", name, found=request.sequence)

    def answer(self, request: rating_pb2.CalculateBillsRequest) -> Written:
        """Bill a chunk."""
        if request.sequence != self.due:
            raise wrong("sequence-broken", "sequence", found=request.sequence, expected=self.due)
        if not request.HasField("chunk"):
            raise wrong("field-missing", "chunk")
        self.due += 1
        read = read_chunk(request.chunk, self.rows_per_chunk)
        self.received += len(read.rows)
        if self.received > self.rows_per_stream:
            raise wrong("stream-too-long", "chunk", at_most=self.rows_per_stream)
        check, loaded = self.call.check, self.loaded
        done = dispatch(
            loaded.rulesets,
            read.rows,
            again=self._again(read),
            details=self.detail == rating_pb2.DETAIL_FULL,
            totals_only=self.detail == rating_pb2.DETAIL_TOTALS,
            plans=loaded.plans,
            between=check,
        )
        self.billed += done.billed
        answer = answers.chunk_answer(
            done, read.rows, loaded.rulesets, sequence=request.sequence, version=loaded.version, between=check
        )
        self.call.note(rows=self.received, billed=self.billed, refused=self.received - self.billed)
        if done.billed:
            self.books.used(loaded.version, self.run, answers.months_billed(done, read.rows))
        return answer

    def _again(self, read: ReadChunk) -> NDArray[np.bool_]:
        """Which row ids have come before."""
        if read.ids and self.ids and read.ids != self.ids:
            raise wrong("row-ids-mixed", f"chunk.{read.ids}", **_WORDS_OF_IDS[read.ids])
        self.ids = self.ids or read.ids
        return self.seen.add(*read.keys)
