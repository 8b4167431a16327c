// SPDX-License-Identifier: Apache-2.0
/** The fake against what it stands for: one script on both kernels gives the same answers. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RuneError } from "../errors/error.ts";
import {
  EIO,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NONBLOCK,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
} from "./constants.ts";
import { type Kernel, readText, unlessErrno, writeFile } from "./kernel.ts";
import { linux } from "./linux.ts";
import { Executed } from "./reactions.ts";
import { RecordingKernel } from "./recording.ts";

const scratch = mkdtempSync(join(tmpdir(), "rune-recording-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What an attempt gives: its result, or its error number. */
function outcome(attempt: () => unknown): unknown {
  try {
    return attempt() ?? "done";
  } catch (error) {
    return RuneError.from(error, "").errno ?? String(error);
  }
}

function script(kernel: Kernel, root: string): unknown[] {
  const at = (name: string) => `${root}/${name}`;
  return [
    () => kernel.mkdir(at("a"), 0o755),
    () => kernel.mkdir(at("a"), 0o755),
    () => kernel.mkdir(at("no/b"), 0o755),
    () => kernel.open(at("a/x"), O_WRONLY),
    () => kernel.close(kernel.open(at("a/x"), O_WRONLY | O_CREAT, 0o600)),
    () => kernel.open(at("a/x"), O_WRONLY | O_CREAT | O_EXCL),
    () => kernel.open(at("a/x"), O_RDONLY | O_DIRECTORY),
    () => kernel.open(at("a/x/y"), O_RDONLY),
    () => writeFile(kernel, at("a/x"), "hello"),
    () => readText(kernel, at("a/x")),
    () => writeFile(kernel, at("a/x"), "J"),
    () => readText(kernel, at("a/x")),
    () => kernel.close(kernel.open(at("a/x"), O_WRONLY | O_TRUNC)),
    () => readText(kernel, at("a/x")),
    () => kernel.rmdir(at("a")),
    () => kernel.rmdir(at("a/x")),
    () => kernel.rename(at("a/x"), at("a/y")),
    () => kernel.list(at("a")),
    () => kernel.list(at("a/y")),
    () => kernel.stat(at("a/x")),
    () => kernel.mkfifo(at("a/f"), 0o600),
    () => kernel.open(at("a/f"), O_WRONLY | O_NONBLOCK),
    () => kernel.readlink(at("a/y")),
    () => kernel.unlink(at("a/y")),
    () => kernel.unlink(at("a/y")),
    () => kernel.unlink(at("a/f")),
    () => {
      const fd = kernel.open(at("a"), O_RDONLY | O_DIRECTORY);
      kernel.rmdir(at("a"));
      const { links } = kernel.fstat(fd);
      kernel.close(fd);
      return links;
    },
    () => kernel.rmdir(at("a")),
  ].map(outcome);
}

test("files behave as the real kernel's", () => {
  const fake = new RecordingKernel().directory("/folder");
  expect(script(fake, "/folder")).toEqual(script(linux, scratch));
  expect(fake.openNames()).toEqual([]);
});

test("calls are written down in order", () => {
  const kernel = new RecordingKernel().directory("/run");
  kernel.mkdir("/run/a", 0o711);
  const fd = kernel.open("/run/a/b", O_WRONLY | O_CREAT);
  kernel.write(fd, new TextEncoder().encode("text"));
  kernel.close(fd);
  expect(kernel.calls).toEqual([
    "mkdir /run/a 711",
    "open /run/a/b",
    "write /run/a/b text",
    "close /run/a/b",
  ]);
});

test("a call fails when it is told to, once, and without effect", () => {
  const kernel = new RecordingKernel().directory("/run").fail("mkdir /run/a", EIO);
  expect(outcome(() => kernel.mkdir("/run/a", 0o755))).toBe(EIO);
  expect(kernel.below("/run")).toEqual([]);
  kernel.mkdir("/run/a", 0o755);
  kernel.failCall(kernel.fallible + 2, EIO);
  kernel.stat("/run/a");
  expect(outcome(() => kernel.stat("/run/a"))).toBe(EIO);
  kernel.stat("/run/a");
});

test("a cgroup has its files and stays while it has processes or children", () => {
  const kernel = new RecordingKernel().cgroupMount("/cg", { "cgroup.procs": "" });
  kernel.mkdir("/cg/a", 0o755);
  kernel.mkdir("/cg/a/b", 0o755);
  expect(unlessErrno(() => kernel.rmdir("/cg/a"), 16)).toBeUndefined();
  kernel.rmdir("/cg/a/b");
  kernel.file("/cg/a/cgroup.procs", "7\n8\n").process(7).process(8);
  expect(outcome(() => kernel.rmdir("/cg/a"))).toBe(16);
  kernel.endProcess(7);
  expect(kernel.text("/cg/a/cgroup.procs")).toBe("8\n");
  kernel.endProcess(8);
  kernel.rmdir("/cg/a");
  expect(kernel.below("/cg")).toEqual(["/cg/cgroup.procs"]);
});

test("packets, descriptors of removed files, and becoming another program", async () => {
  const kernel = new RecordingKernel().file("/lib/x", "\x7fELF");
  const [ours] = kernel.packetPair();
  kernel.deliver(ours, new Uint8Array([1, 2, 3]));
  expect(kernel.waitReadable(ours, 0)).toBe(true);
  expect([...kernel.read(ours, 2)]).toEqual([1, 2]);
  expect(kernel.read(ours, 2)).toHaveLength(0);
  const becoming = kernel.execute({ path: "/lib/x", argv: ["x"], env: [] });
  expect(await becoming.catch((error: unknown) => error)).toBeInstanceOf(Executed);
  expect(kernel.openNames()).toEqual(["channel", "channel:peer"]);
  kernel.close(ours);
  expect(() => kernel.close(ours)).toThrow("closed twice");
});
