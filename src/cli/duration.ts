// SPDX-License-Identifier: Apache-2.0
/** Times as Go's time.ParseDuration reads them, for flags that engines write so. */

const milliseconds: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "\u00b5s": 1e-3, // micro sign
  "\u03bcs": 1e-3, // Greek mu
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const part = /([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y;

/** "1h15m30.5s", "100ms", "0", also with a sign; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, sign = "", rest = ""] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  if (rest === "0") return 0;
  let total = 0;
  part.lastIndex = 0;
  for (let at = 0; at < rest.length || at === 0; ) {
    part.lastIndex = at;
    const [whole, number, unit] = part.exec(rest) ?? [];
    if (whole === undefined || number === undefined || unit === undefined) return undefined;
    total += Number(number) * (milliseconds[unit] ?? 0);
    at += whole.length;
  }
  return sign === "-" ? -total : total;
}
