// Decimal numbers as whole numbers of their smallest place: 123.45 is 12345n with two places. Never a JavaScript
// number, which is a binary float.

export interface Scaled {
  unscaled: bigint;
  places: number;
}

/** Reads a decimal number; one with more places is an error, not a rounding. */
export function parse(text: string, places: number): Scaled {
  const found = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (found === null) throw new Error(`${text} is no decimal number`);
  const [, sign = "", whole = "0", fraction = ""] = found;
  if (fraction.length > places) throw new Error(`${text} has more than ${places} places`);
  const unscaled = BigInt(whole + fraction.padEnd(places, "0"));
  return {unscaled: sign === "-" ? -unscaled : unscaled, places};
}

/** Writes a decimal number with all its places. */
export function text(unscaled: bigint | string, places: number): string {
  const value = BigInt(unscaled);
  const digits = (value < 0n ? -value : value).toString().padStart(places + 1, "0");
  const sign = value < 0n ? "-" : "";
  return places === 0 ? sign + digits : `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}
