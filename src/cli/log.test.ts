// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RuneError } from "../errors/error.ts";
import { createLog, type LogLevel, type LogOptions, logLevels } from "./log.ts";

const failure = new RuneError({
  code: "SYSCALL",
  doing: "open `/dev/sgx_enclave`",
  reason: "permission denied",
  hint: "add the caller to group sgx",
}).within("create `web`");

function logged(options: Partial<LogOptions>) {
  const records: string[] = [];
  const told: string[] = [];
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const log = createLog({
    format: "text",
    level: "info",
    write: (record) => records.push(text(record)),
    tell: (line) => told.push(text(line)),
    now: () => new Date("2026-11-23T23:31:00.789Z"),
    ...options,
  });
  return { log, records, told };
}

test("text is logrus' format, one write a record", () => {
  const { log, records } = logged({ container: "web" });
  log.warning("simulated platform");
  log.failure(failure);
  expect(records).toEqual([
    'time="2026-11-23T23:31:00Z" level=warning msg="simulated platform" container=web\n',
    'time="2026-11-23T23:31:00Z" level=error msg="create `web`: open `/dev/sgx_enclave`: permission denied ' +
      '(SYSCALL); hint: add the caller to group sgx" code=SYSCALL subject=/dev/sgx_enclave container=web\n',
  ]);
});

test("json is one object a line with the fields containerd reads", () => {
  const { log, records } = logged({ format: "json" });
  log.failure(failure);
  expect(records).toHaveLength(1);
  expect(records[0]?.endsWith("}\n")).toBe(true);
  expect(JSON.parse(records[0] ?? "")).toEqual({
    level: "error",
    msg: "create `web`: open `/dev/sgx_enclave`: permission denied (SYSCALL); hint: add the caller to group sgx",
    time: "2026-11-23T23:31:00Z",
    code: "SYSCALL",
    subject: "/dev/sgx_enclave",
  });
});

test("there is one record of level error, whatever fails afterwards", () => {
  const { log, records } = logged({ format: "json" });
  log.failure(failure);
  log.failure(new RuneError({ code: "CGROUP", doing: "remove cgroup", reason: "busy" }));
  expect(records.map((record) => JSON.parse(record).level)).toEqual(["error", "warning"]);
});

test("a failure is also told to people where the log is a file", () => {
  const { log, told } = logged({});
  log.warning("not told");
  log.failure(failure);
  expect(told).toEqual([
    "rune: create `web`: open `/dev/sgx_enclave`: permission denied (SYSCALL)\nhint: add the caller to group sgx\n",
  ]);
});

test("a level writes what matters as much or more", () => {
  const written = (level: LogLevel) => {
    const { log, records, told } = logged({ level });
    log.trace("t");
    log.debug("d");
    log.info("i");
    log.warning("w");
    log.failure(failure);
    expect(told).toHaveLength(1); // people are told in any case
    return records.map((record) => /level=(\w)/.exec(record)?.[1]).join("");
  };
  expect(logLevels.map(written)).toEqual(["tdiwe", "diwe", "iwe", "we", "e", "", "", ""]);
});

test("debug records are written only when asked for", () => {
  const quiet = logged({});
  quiet.log.debug("x");
  quiet.log.info("y");
  expect(quiet.records).toHaveLength(1);
  const chatty = logged({ level: "debug" });
  chatty.log.debug("x");
  expect(chatty.records[0]).toContain("level=debug msg=x");
});

test("a hostile subject forges neither a line nor a field nor a terminal command", () => {
  const hostile = new RuneError({
    code: "USAGE",
    doing: 'run `a"\n\u001b[2J level=error`',
    reason: "no",
  });
  for (const format of ["text", "json"] as const) {
    const { log, records } = logged({ format, container: "c\u009b1" });
    log.failure(hostile);
    expect(records).toHaveLength(1);
    expect(records[0]?.indexOf("\n")).toBe((records[0]?.length ?? 0) - 1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(records[0]).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  }
  const { log, records } = logged({});
  log.failure(hostile);
  expect(records[0]).toContain('msg="run `a\\"\\\\x0a\\\\x1b[2J level=error`: no (USAGE)"');
});
