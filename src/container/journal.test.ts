// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RuneError } from "../errors/error.ts";
import { ENOSPC } from "../kernel/constants.ts";
import { linux } from "../kernel/linux.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import {
  emptyTally,
  eventsMaxBytes,
  noteAttestFailure,
  noteEnclaveEnd,
  noteEnclaveStart,
  noteExecFailure,
  readEvents,
  readTally,
} from "./journal.ts";

const root = "/run/rune";
const phases = { prepare: 1, launch: 20, attest: 300 };

function place() {
  const kernel = new RecordingKernel().directory(root);
  const steps: string[] = [];
  return { kernel, root, step: (text: string) => void steps.push(text), steps };
}

test("what is counted adds up, and nothing stays open", () => {
  const at = place();
  expect(readTally(at.kernel, root)).toEqual(emptyTally);
  for (const code of ["EXEC_FAILED", "EXEC_NOT_FOUND", "EXEC_FAILED"]) noteExecFailure(at, code);
  noteEnclaveStart(at, "web", "simulation", phases);
  noteEnclaveStart(at, "db", "simulation", phases);
  expect(readTally(at.kernel, root)).toEqual({
    execFailures: { EXEC_FAILED: 2, EXEC_NOT_FOUND: 1 },
    evidenceRefused: 0,
    quoteFailures: {},
    enclaveStarts: { simulation: { count: 2, prepare: 2, launch: 40, attest: 600 } },
  });
  expect(at.kernel.calls).toContain("lock /run/rune/:tally");
  expect(at.kernel.openNames()).toEqual([]);
});

test("evidence that is refused is told; a silent service is counted; other failures are neither", () => {
  const at = place();
  for (const code of ["ATTEST_TCB", "AESM_REFUSED", "CONTAINER_NOT_FOUND"] as const) {
    noteAttestFailure(at, "web", new RuneError({ code, doing: "attest `web`", reason: "no" }));
  }
  expect(readTally(at.kernel, root)).toMatchObject({
    evidenceRefused: 1,
    quoteFailures: { AESM_REFUSED: 1 },
  });
  expect(readEvents(at.kernel, root)).toMatchObject([
    { type: "evidence-refused", id: "web", data: { code: "ATTEST_TCB" } },
  ]);
});

test("events are kept in their order, and not for ever", () => {
  const at = place();
  noteEnclaveStart(at, "web", "hardware", phases);
  noteEnclaveEnd(at, "web");
  expect(readEvents(at.kernel, root)).toMatchObject([
    { type: "enclave-started", id: "web", data: { platform: "hardware", phases } },
    { type: "enclave-ended", id: "web" },
  ]);
  for (let count = 0; count < 2000; count++) noteEnclaveEnd(at, `container-${count}`);
  const sizes = ["", ".old"].map((end) => at.kernel.text(`${root}/:events${end}`)?.length ?? 0);
  expect(Math.max(...sizes)).toBeLessThan(eventsMaxBytes + 200);
  expect(readEvents(at.kernel, root).at(-1)).toMatchObject({ id: "container-1999" });
});

test("files that are broken count nothing, and what follows counts again", () => {
  for (const broken of ["", "{", "[]", "null", '{"execFailures":3}', '{"evidenceRefused":"x"}']) {
    const at = place();
    at.kernel.file(`${root}/:tally`, broken).file(`${root}/:events`, '{"type":"enclave-st');
    expect(readTally(at.kernel, root)).toEqual(emptyTally);
    expect(readEvents(at.kernel, root)).toEqual([]);
    noteExecFailure(at, "EXEC_FAILED");
    expect(readTally(at.kernel, root).execFailures).toEqual({ EXEC_FAILED: 1 });
  }
});

test("without a state folder, or room, nothing is written down, and no command fails", () => {
  const kernel = new RecordingKernel();
  noteExecFailure({ kernel, root }, "EXEC_FAILED");
  expect(() => kernel.lstat(`${root}/:tally`)).toThrow("no such file");
  const at = place();
  at.kernel.fail("open /run/rune/:tally", ENOSPC);
  noteExecFailure(at, "EXEC_FAILED");
  expect(at.steps).toEqual([expect.stringContaining("not written down")]);
});

test("links and fifos in the state folder of somebody else are not followed, and not waited for", () => {
  const folder = mkdtempSync(join(tmpdir(), "rune-journal-"));
  try {
    const at = (name: string) => join(folder, name);
    const steps: string[] = [];
    const user = { kernel: linux, root: folder, step: (text: string) => void steps.push(text) };
    writeFileSync(at("victim"), "root's own");
    symlinkSync(at("victim"), at(":tally"));
    noteExecFailure(user, "EXEC_FAILED");
    rmSync(at(":tally"));
    symlinkSync(at("victim"), at(":events"));
    noteEnclaveEnd(user, "web");
    rmSync(at(":tally"));
    Bun.spawnSync(["mkfifo", at(":tally")]);
    noteExecFailure(user, "EXEC_FAILED");
    expect(readFileSync(at("victim"), "utf8")).toBe("root's own");
    expect(steps).toHaveLength(3);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("counts are read while nobody writes them", () => {
  const at = place();
  noteExecFailure(at, "EXEC_FAILED");
  at.kernel.calls.length = 0;
  readTally(at.kernel, root);
  expect(at.kernel.calls).toContain("lock /run/rune/:tally");
});
