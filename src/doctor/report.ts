// SPDX-License-Identifier: Apache-2.0
/** Looks at everything that was asked for, and judges the whole. */
import { RuneError } from "../errors/error.ts";
import type { Check, Finding, Settings, Status, Topic } from "./check.ts";
import { checks } from "./checks.ts";
import type { Probe } from "./probe.ts";

export type Result = Finding & {
  readonly topic: Topic;
  readonly name: string;
  readonly optional: boolean;
};

export type Report = {
  /** `broken` beats `missing`; what is optional, or was not asked for, and missing counts for nothing. */
  readonly status: Exclude<Status, "unknown">;
  readonly results: readonly Result[];
};

/** Without a topic, all; then nothing fails for being missing. */
export async function examine(
  probe: Probe,
  settings: Settings,
  topic: Topic | undefined,
): Promise<Report> {
  const asked = checks.filter((check) => topic === undefined || check.topic === topic);
  const results: Result[] = [];
  // One after the other: what one does (a socket, a process) must not disturb another.
  for (const check of asked) results.push(await look(check, probe, settings));
  return { status: judge(results, topic !== undefined), results };
}

async function look(check: Check, probe: Probe, settings: Settings): Promise<Result> {
  const { topic, name, optional = false } = check;
  const { status, reason, mend } = await findingOf(check, probe, settings);
  return { topic, name, optional, status, reason, ...(mend === undefined ? {} : { mend }) };
}

/** What cannot be read is a finding, too: a damaged file, one that others may write. */
async function findingOf(check: Check, probe: Probe, settings: Settings): Promise<Finding> {
  try {
    return await check.look(probe, settings);
  } catch (thrown) {
    const { message, hint } = RuneError.from(thrown, `look at \`${check.name}\``);
    return { status: "broken", reason: message, ...(hint === undefined ? {} : { mend: hint }) };
  }
}

function judge(results: readonly Result[], isAsked: boolean): Report["status"] {
  if (results.some(({ status }) => status === "broken")) return "broken";
  const lacks = ({ status, optional }: Result) => status === "missing" && !optional;
  return isAsked && results.some(lacks) ? "missing" : "ok";
}
