// What a billing system does: bills one household, streams a month of them, and asks why a bill is what it is.
//
//   npm start -- HOST:PORT [households]

import {once} from "node:events";

import {chunk, type Row} from "./columns";
import {text} from "./decimals";
import {answered, connect, type Service} from "./service";
import type {CalculateBillsResponse__Output} from "./generated/dianjia/rating/v1/CalculateBillsResponse";
import type {CalculateBillResponse__Output} from "./generated/dianjia/rating/v1/CalculateBillResponse";
import type {ExplainBillResponse__Output} from "./generated/dianjia/rating/v1/ExplainBillResponse";
import type {GetRuleSetResponse__Output} from "./generated/dianjia/rulesets/v1/GetRuleSetResponse";
import type {Value} from "./generated/dianjia/type/v1/Value";

const RULESET = "cn.jiangsu.residential";
const CHUNK_ROWS = 500; // a real month goes in chunks of 16,384
const WINDOW_CHUNKS = 4; // sent and not answered

/** Made-up households, all different, in every tier; the last ones have a reading that cannot be right. */
function* households(count: number): Generator<Row> {
  for (let n = 0; n < count; n += 1) {
    const values: Record<string, string> = {
      kwh_total: text(BigInt((n * 7919) % 130_000), 2),
      kwh_year_before: text(BigInt((n * 104_729) % 700_000), 2),
    };
    if (n % 5 === 1) values.voltage = "from_1_to_10kv";
    if (n % 10 === 2) values.low_income = "true";
    if (n % 7 === 3) values.household_size = "5";
    if (n >= count - 2) values.kwh_total = "-1.00";
    yield {id: BigInt(n), ruleset: RULESET, from: "2026-03-01", to: "2026-04-01", values};
  }
}

function* chunks(rows: Iterable<Row>): Generator<Row[]> {
  let some: Row[] = [];
  for (const row of rows) {
    some.push(row);
    if (some.length === CHUNK_ROWS) {
      yield some;
      some = [];
    }
  }
  if (some.length > 0) yield some;
}

/** One row as `CalculateBill` takes it: a value may be text, which the service reads as the rule set declares it. */
function asked(row: Row): {row: object} {
  const values: Record<string, Value> = {};
  for (const [name, value] of Object.entries(row.values)) values[name] = {text: value};
  const {id, ruleset, from, to} = row;
  return {row: {rowId: id.toString(), ruleset, periodFrom: from, periodTo: to, values}};
}

async function billOne(service: Service, row: Row): Promise<void> {
  const {bill} = await answered<CalculateBillResponse__Output>((callback) =>
    service.rating.calculateBill(asked(row), service.metadata, {deadline: Date.now() + 10_000}, callback),
  );
  if (bill === null || bill.total === null) throw new Error("an answer without a bill");
  for (const line of bill.lines) {
    if (line.amount !== null) console.log(`line ${line.id} ${text(line.amount.unscaled, line.amount.places)}`);
  }
  console.log(`one ${bill.rowId} ${text(bill.total.unscaled, bill.total.places)} ${bill.total.currency}`);
}

/** Streams chunks and prints what comes back. Reading and writing go on side by side; few chunks are under way. */
async function billMonth(service: Service, rows: Iterable<Row>): Promise<void> {
  const {ruleSet} = await answered<GetRuleSetResponse__Output>((callback) =>
    service.ruleSets.getRuleSet({name: `ruleSets/${RULESET}`, withoutFiles: true}, service.metadata, callback),
  );
  if (ruleSet === null) throw new Error("an answer without a rule set");
  const inputs = ruleSet.inputs;
  const stream = service.rating.calculateBills(service.metadata);
  const sent = new Map<string, Row[]>(); // by sequence number, until the answer comes
  let answeredOne: () => void = () => undefined;

  const writing = (async () => {
    let sequence = 0;
    for (const some of chunks(rows)) {
      while (sent.size >= WINDOW_CHUNKS) await new Promise<void>((resolve) => (answeredOne = resolve));
      sent.set(sequence.toString(), some);
      if (!stream.write({sequence, chunk: chunk(inputs, some)})) await once(stream, "drain");
      sequence += 1;
    }
    stream.end();
  })();

  let version = "";
  let total = 0n;
  const reading = (async () => {
    for await (const found of stream) {
      const answer = found as CalculateBillsResponse__Output;
      const some = sent.get(answer.sequence);
      if (some === undefined) throw new Error(`an answer to chunk ${answer.sequence}, which was not sent`);
      if (answer.received !== some.length || answer.billed + answer.rowErrors.length !== some.length) {
        throw new Error(`chunk ${answer.sequence}: a row is neither billed nor refused`);
      }
      // One version bills a whole stream. A stream that is resumed after a break names it.
      version ||= answer.version;
      if (answer.version !== version) throw new Error("the version changed");
      total += printed(answer, some);
      sent.delete(answer.sequence);
      answeredOne();
    }
  })();

  await Promise.all([writing, reading]);
  console.log(`month ${text(total, 2)} CNY by ${version}`);
}

/** Prints the bills of a chunk and adds them up. */
function printed(answer: CalculateBillsResponse__Output, rows: Row[]): bigint {
  let total = 0n;
  for (const group of answer.groups) {
    if (group.total === null) throw new Error("a group without totals");
    const {values, places} = group.total;
    values.forEach((value, at) => {
      // Without an index the group is the whole chunk, in its order.
      const row = rows[group.index.length > 0 ? (group.index[at] ?? -1) : at];
      console.log(`bill ${row?.id} ${text(value, places)}`);
      total += BigInt(value);
    });
  }
  for (const {rowId, code, field, value} of answer.rowErrors) console.log(`refused ${rowId} ${code} ${field} ${value}`);
  return total;
}

async function explain(service: Service, row: Row): Promise<void> {
  const told = await answered<ExplainBillResponse__Output>((callback) =>
    service.rating.explainBill(asked(row), service.metadata, callback),
  );
  for (const line of told.lines) {
    for (const figure of line.figures) console.log(`because ${line.line} ${figure.path} ${figure.text} ${figure.unit}`);
  }
  console.log(told.text);
}

async function main(): Promise<void> {
  const [target = "127.0.0.1:50051", count = "20"] = process.argv.slice(2);
  const service = connect(target, process.env.DIANJIA_TOKEN);
  const rows = [...households(Number(count))];
  const one = rows[17];
  if (one === undefined) throw new Error("at least 18 households are needed");
  await billOne(service, one);
  await billMonth(service, rows);
  await explain(service, one);
  service.rating.close();
  service.ruleSets.close();
}

main().catch((error: unknown) => {
  // Of a failed call: the status, and the problem's code with its words, as docs/errors.md lists them.
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
