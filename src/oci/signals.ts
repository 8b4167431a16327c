// SPDX-License-Identifier: Apache-2.0
/** Signal names and numbers of Linux on x86-64 (signal(7)). */

const names = [
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP",
  "TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS",
]
  .join(" ")
  .split(" ");

/** Other names of signals above. */
const aliases: ReadonlyMap<string, string> = new Map([
  ["IOT", "ABRT"],
  ["CLD", "CHLD"],
  ["POLL", "IO"],
]);

/** Real-time signals as the C library counts them: it keeps 32 and 33 to itself. */
const firstRealTime = 34;
const lastRealTime = 64;

/**
 * The number of "9", "KILL", "SIGKILL", "sigkill", "RTMIN+3", "SIGRTMAX-1"; undefined for anything
 * else. 0, which only asks whether the process exists, is a number that kill(2) takes.
 */
export function parseSignal(text: string): number | undefined {
  if (/^[0-9]{1,2}$/.test(text)) {
    const number = Number(text);
    return number <= lastRealTime ? number : undefined;
  }
  const upper = text.toUpperCase();
  const name = upper.startsWith("SIG") ? upper.slice(3) : upper;
  const index = names.indexOf(aliases.get(name) ?? name);
  return index < 0 ? parseRealTime(name) : index + 1;
}

/** "SIGKILL" for 9, "SIGRTMIN+3" for 37; the number itself where there is no name. */
export function signalName(number: number): string {
  const name = names[number - 1];
  if (name !== undefined) return `SIG${name}`;
  if (number === firstRealTime) return "SIGRTMIN";
  if (number > firstRealTime && number <= lastRealTime) return `SIGRTMIN+${number - firstRealTime}`;
  return `${number}`;
}

function parseRealTime(name: string): number | undefined {
  const match = /^RT(?:MIN(?:\+([0-9]{1,2}))?|MAX(?:-([0-9]{1,2}))?)$/.exec(name);
  if (match === null) return undefined;
  const offset = Number(match[1] ?? match[2] ?? 0);
  const number = name.startsWith("RTMIN") ? firstRealTime + offset : lastRealTime - offset;
  return number >= firstRealTime && number <= lastRealTime ? number : undefined;
}
