// Rows -> the columns of a chunk, from nothing but what GetRuleSet says of the inputs.

import {parse} from "./decimals";
import type {Chunk} from "./generated/dianjia/type/v1/Chunk";
import type {Column} from "./generated/dianjia/type/v1/Column";
import type {Input__Output} from "./generated/dianjia/rulesets/v1/Input";

/** A row as a billing system has it: everything is text; what it does not give is absent. */
export interface Row {
  id: bigint;
  ruleset: string;
  from: string; // ISO 8601: 2026-03-01
  to: string; // the day after the last day billed
  values: Record<string, string>;
}

const DAY_MS = 86_400_000;

/** Days since 1970-01-01. */
function day(iso: string): number {
  const found = Date.parse(`${iso}T00:00:00Z`);
  if (Number.isNaN(found)) throw new Error(`${iso} is no day`);
  return found / DAY_MS;
}

/** Truth values as bits, the lowest first. */
function bits(values: boolean[]): Buffer {
  const bytes = Buffer.alloc(Math.ceil(values.length / 8));
  values.forEach((value, at) => {
    if (value) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7));
  });
  return bytes;
}

/** Texts, each said once. */
function codes(texts: string[]): {names: string[]; positions: number[]} {
  const names = [...new Set(texts)];
  const at = new Map(names.map((name, position) => [name, position]));
  return {names, positions: names.length === 1 ? [] : texts.map((text) => at.get(text) ?? 0)};
}

/** One input of all rows; undefined where no row gives it. */
function column(input: Input__Output, texts: (string | undefined)[]): Column | undefined {
  const given = texts.map((text) => text !== undefined);
  if (!given.includes(true)) return undefined;
  const made: Column = {name: input.name, given: given.includes(false) ? bits(given) : Buffer.alloc(0)};
  switch (input.kind) {
    case "INPUT_KIND_NUMBER":
      // 64 bits as text: exact, where a JavaScript number is not.
      return {
        ...made,
        numbers: {
          places: input.places,
          values: texts.map((text) => (text === undefined ? "0" : parse(text, input.places).unscaled.toString())),
        },
      };
    case "INPUT_KIND_BOOLEAN":
      return {...made, booleans: {bits: bits(texts.map((text) => text === "true"))}};
    case "INPUT_KIND_DATE":
      return {...made, days: {values: texts.map((text) => (text === undefined ? 0 : day(text)))}};
    case "INPUT_KIND_CODE":
      return {...made, codes: codes(texts.map((text) => text ?? texts.find((one) => one !== undefined) ?? ""))};
    default:
      throw new Error(`${input.name} is of a kind that this example does not know`);
  }
}

/** A chunk of rows of one rule set. */
export function chunk(inputs: Input__Output[], rows: Row[]): Chunk {
  const known = new Set(inputs.map((input) => input.name));
  for (const name of rows.flatMap((row) => Object.keys(row.values))) {
    if (!known.has(name)) throw new Error(`${name} is no input of the rule set`);
  }
  const columns = inputs.map((input) => column(input, rows.map((row) => row.values[input.name])));
  return {
    rows: rows.length,
    rowIdNumbers: {values: rows.map((row) => row.id.toString()), places: 0},
    rulesets: codes(rows.map((row) => row.ruleset)),
    periodFrom: rows.map((row) => day(row.from)),
    periodTo: rows.map((row) => day(row.to)),
    columns: columns.filter((one) => one !== undefined),
  };
}
