// SPDX-License-Identifier: Apache-2.0
/** A report for people, and one for scripts: docs/reference/doctor.md. */
import { escapeControls } from "../errors/error.ts";
import type { Status } from "./check.ts";
import type { Report, Result } from "./report.ts";

/** Counts up when a field changes its meaning. */
export const reportSchema = 1;

export function reportJson({ status, results }: Report, version: string): string {
  const checks = results.map(({ topic, name, status, optional, reason, mend }) => ({
    ...{ topic, name, status, optional, reason },
    ...(mend === undefined ? {} : { mend }),
  }));
  return `${JSON.stringify({ schema: reportSchema, version, status, checks }, null, 2)}\n`;
}

const colours: Readonly<Record<Status, number>> = { ok: 32, missing: 33, broken: 31, unknown: 36 };
const statusWidth = "missing".length;

export function reportText({ results }: Report, inColour: boolean): string {
  const nameWidth = Math.max(...results.map(({ name }) => name.length));
  const indent = " ".repeat(2 + statusWidth + 2 + nameWidth + 2);
  const line = ({ status, name, reason, mend }: Result) => {
    const word = status.padEnd(statusWidth);
    const shown = inColour ? `\u001b[${colours[status]}m${word}\u001b[0m` : word;
    const first = `  ${shown}  ${name.padEnd(nameWidth)}  ${escapeControls(reason)}\n`;
    return mend === undefined ? first : `${first}${indent}mend: ${escapeControls(mend)}\n`;
  };
  const topics = [...new Set(results.map(({ topic }) => topic))];
  const blocks = topics.map((topic) => {
    const lines = results.filter((one) => one.topic === topic).map(line);
    return `${topic}\n${lines.join("")}`;
  });
  return `${blocks.join("\n")}\n${summary(results)}\n`;
}

function summary(results: readonly Result[]): string {
  const count = (status: Status) => results.filter((one) => one.status === status).length;
  const words = (["ok", "missing", "broken", "unknown"] as const)
    .filter((status) => count(status) > 0)
    .map((status) => `${count(status)} ${status}`);
  return words.join(", ");
}
