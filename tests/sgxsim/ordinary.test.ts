// SPDX-License-Identifier: Apache-2.0
/** Programs that know nothing of SGX, on the platform; the launcher itself; its list of calls. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  protocolPage,
  readTap,
  run,
  simulate,
  simulator,
  sources,
  Workshop,
  whySkipped,
} from "./platform.ts";

let workshop: Workshop;
beforeAll(() => {
  workshop = new Workshop();
});
afterAll(() => workshop[Symbol.dispose]());

describe.skipIf(whySkipped !== "")(`ordinary programs${whySkipped}`, () => {
  test("signals, exec, fork, threads: the same as without the platform", () => {
    const program = workshop.compile("ordinary");
    for (const words of [[program], [simulator, program]]) {
      const folder = workshop.path(`ordinary-${words.length}`);
      mkdirSync(folder);
      const { code, out } = run([...words, folder]);
      expect(readTap(out)).toEqual({ failed: [], complete: true });
      expect(code).toBe(0);
    }
  });

  test("a pipeline of a shell, and its exit code", () => {
    const script = "printf 'b\\na\\n' | sort | tr a-z A-Z; readlink /proc/self/exe | wc -l; exit 3";
    expect(simulate(["sh", "-c", script])).toEqual({ code: 3, out: ["A", "B", "1"], err: "" });
  });

  test("a process that dies by a signal", () => {
    const child = Bun.spawnSync([simulator, "sh", "-c", "kill -SEGV $$"], { stdin: "ignore" });
    expect(child.signalCode).toBe("SIGSEGV");
  });

  test.skipIf(Bun.which("python3") === null)("python3 with threads and children", () => {
    const script = `
import subprocess, sys, threading
results = []
def work(): results.append(subprocess.run([sys.executable, "-c", "print(6*7)"], capture_output=True).stdout)
threads = [threading.Thread(target=work) for _ in range(6)]
[t.start() for t in threads]; [t.join() for t in threads]
print(results == [b"42\\n"] * 6)`;
    expect(simulate(["python3", "-c", script]).out).toEqual(["True"]);
  });

  test.skipIf(Bun.which("node") === null)("node with workers and a child of its own", () => {
    const script = `
const { Worker } = require("worker_threads");
const { execFileSync } = require("child_process");
const child = execFileSync(process.execPath, ["-p", "6*7"]).toString().trim();
const worker = new Worker("require('worker_threads').parentPort.postMessage(1)", { eval: true });
worker.on("message", (word) => console.log(child, word));`;
    expect(simulate(["node", "-e", script]).out).toEqual(["42 1"]);
  });

  test("the process has the program's name and command line", () => {
    const { out } = simulate(["sh", "-c", "cat /proc/self/comm; tr '\\0' ' ' </proc/self/cmdline"]);
    expect(out[0]).toBe("cat");
    expect(simulate(["cat", "/proc/self/cmdline"]).err).toBe("");
  });
});

describe.skipIf(whySkipped !== "")(`launcher${whySkipped}`, () => {
  test("what cannot be run", () => {
    writeFileSync(workshop.path("text"), "text", { mode: 0o755 });
    writeFileSync(workshop.path("plain"), "#!/bin/sh", { mode: 0o600 });
    expect(simulate([workshop.path("nothing")]).code).toBe(127);
    expect(simulate(["nonexistent-command"]).code).toBe(127);
    expect(simulate([workshop.path("text")]).code).toBe(126);
    expect(simulate([workshop.path("plain")]).code).toBe(126);
    expect(simulate(["--nonsense", "true"]).code).toBe(125);
    expect(simulate([]).code).toBe(125);
    expect(simulate(["--fd", "99", "--", "true"]).code).toBe(126);
  });

  test("malformed ELF files", () => {
    const good = readFileSync("/bin/true");
    const cases: readonly ((bytes: Buffer) => unknown)[] = [
      (bytes) => bytes.writeUInt8(1, 4), // 32-bit
      (bytes) => bytes.writeUInt16LE(3, 18), // of another machine
      (bytes) => bytes.writeBigUInt64LE(1n << 60n, 32), // program headers outside the file
      (bytes) => bytes.writeUInt16LE(8, 54), // program headers of a wrong size
      (bytes) => bytes.fill(0xff, 64, 400), // nonsense in them
    ];
    writeFileSync(workshop.path("cut"), good.subarray(0, 100), { mode: 0o755 });
    expect(simulate([workshop.path("cut")]).code).toBe(126);
    for (const change of cases) {
      const bytes = Buffer.from(good);
      change(bytes);
      writeFileSync(workshop.path("bad"), bytes, { mode: 0o755 });
      expect(simulate([workshop.path("bad")]).code).toBe(126);
    }
  });

  test("it does not start below itself", () => {
    const { code, err } = simulate(["sh", "-c", `${simulator} true`]);
    expect(code).not.toBe(0);
    expect(err).not.toBe("");
  });

  test("the device's nodes exist where they are virtual", () => {
    const script = "test -c /dev/sgx_enclave && stat -c %t:%T /dev/sgx_enclave /dev/sgx_provision";
    expect(simulate(["--virtual-nodes", "on", "sh", "-c", script]).out).toEqual(["a:7d", "a:7e"]);
    expect(simulate(["--virtual-nodes", "off", "test", "-e", "/dev/sgx_enclave"]).code).toBe(1);
  });

  test("--calls is the protocol page's table", () => {
    const rows = readFileSync(protocolPage, "utf8").matchAll(
      /^\| `([a-z0-9_]+)` \| (?:start|exec|run|enclave) \|/gm,
    );
    expect(simulate(["--calls"]).out).toEqual([...rows].map(([, name]) => name ?? ""));
  });

  test("--calls has every call that the sources make", () => {
    const made = new Set(["rt_sigreturn"]); // from the gate
    for (const file of new Bun.Glob("*.c").scanSync(sources)) {
      const text = readFileSync(join(sources, file), "utf8");
      for (const [, name] of text.matchAll(/\bcall\(\s*__NR_([a-z0-9_]+)/g)) made.add(name ?? "");
    }
    expect([...made].toSorted()).toEqual(simulate(["--calls"]).out);
  });
});
