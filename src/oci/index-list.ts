// SPDX-License-Identifier: Apache-2.0
/** Lists of CPUs and memory nodes, "0-3,7": the kernel's list format (cpuset(7)). */

/** Far above CONFIG_NR_CPUS of any kernel. */
export const maximumIndex = 8191;

/** The list's numbers as the kernel's masks have them: 8-byte words, 0 in the lowest bit. */
export function indexMask(list: string): Uint8Array {
  const ranges = parseIndexList(list) ?? [];
  const highest = ranges.reduce((most, [, last]) => Math.max(most, last), -1);
  const mask = new Uint8Array(Math.ceil((highest + 1) / 64) * 8);
  for (const [first, last] of ranges) {
    for (let index = first; index <= last; index++) {
      mask[index >> 3] = (mask[index >> 3] ?? 0) | (1 << (index & 7));
    }
  }
  return mask;
}

/** First and last of each range; undefined when the text is no list. */
export function parseIndexList(list: string): [number, number][] | undefined {
  const ranges: [number, number][] = [];
  for (const part of list.split(",").filter((text) => text.trim() !== "")) {
    const match = /^\s*([0-9]{1,5})(?:\s*-\s*([0-9]{1,5}))?\s*$/.exec(part);
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    if (first > last || last > maximumIndex) return undefined;
    ranges.push([first, last]);
  }
  return ranges;
}
