// SPDX-License-Identifier: Apache-2.0
/**
 * Which runtime the suite judges: rune, or with RUNTIME=runc or RUNTIME=crun in the environment one
 * that rune is compared with. What one of them cannot pass says why, beside the test.
 */

import { test as bunTest } from "bun:test";
import { accessSync, constants, existsSync } from "node:fs";
import { join, resolve } from "node:path";

/** Far beyond what anything takes on a loaded machine; bun's own default is 5 s. */
const timeoutMs = process.env["CONFORMANCE"] === "1" ? 600_000 : 120_000; // as scripts/test.ts has it

export type RuntimeName = "rune" | "runc" | "crun";

export const repository = resolve(import.meta.dir, "../..");

/** Every program of the containers; must be static. */
export const busybox = "/bin/busybox";

export const runtimeName: RuntimeName = chosen(process.env["RUNTIME"]);

const binaries: Readonly<Record<RuntimeName, string>> = {
  rune: join(repository, "dist/bin/rune"),
  runc: Bun.which("runc") ?? "/usr/sbin/runc",
  crun: Bun.which("crun") ?? "/usr/bin/crun",
};

export function binaryOf(name: RuntimeName): string {
  return binaries[name];
}

/**
 * What a command line of the runtime starts with. crun refuses cgroups in hybrid mode, so it does not
 * see the version 2 hierarchy that lies beside the others.
 */
export function callOf(name: RuntimeName): string[] {
  const binary = binaryOf(name);
  if (name !== "crun" || !existsSync(unified)) return [binary];
  // The other mounts stay shared with the host as they are: tests look at propagation.
  const script = `mount --make-private /sys/fs/cgroup && if mountpoint -q ${unified}; then umount ${unified}; fi && exec "$@"`;
  return ["unshare", "--mount", "--propagation", "unchanged", "sh", "-c", script, "sh", binary];
}

/** The version 2 hierarchy of a host with both. */
export const unified = "/sys/fs/cgroup/unified";

export type Test = (name: string, body: () => void | Promise<void>) => void;

/** A test of the runtime; skipped, with the reason in its name, where no runtime can be tested. */
export const test: Test = needs(obstacle(runtimeName));

/** A test that needs more than the others; `missing` is why it cannot run, undefined if it can. */
export function needs(missing: string | undefined): Test {
  const reason = obstacle(runtimeName) ?? missing;
  if (reason === undefined) return (name, body) => bunTest(name, body, timeoutMs);
  return (name, body) => bunTest.skip(`${name} (skipped: ${reason})`, body);
}

/** A test that the other runtime does not pass, for this reason. */
export function only(name: RuntimeName, reason: string): Test {
  // What is said of runc is not said of crun, which is not asked.
  const about = runtimeName === "crun" ? "crun: not asked where runc differs" : runtimeName;
  return needs(name === runtimeName ? undefined : `${about}: ${reason}`);
}

/** A test, of this kind, that all runtimes pass but one, for this reason. */
export function except(name: RuntimeName, reason: string, kind: Test = test): Test {
  return name === runtimeName ? needs(`${name}: ${reason}`) : kind;
}

/** A test that runs rune and runc on the same bundle, whichever is judged. */
export const comparison: Test = needs(
  runtimeName === "rune" ? obstacle("runc") : "compares rune with runc",
);

/** Why a runtime cannot be tested on this machine. */
function obstacle(name: RuntimeName): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  if (!existsSync(busybox)) return "needs Debian's busybox-static";
  if (!existsSync(binaryOf(name))) return `${binaryOf(name)} is not there`;
  try {
    accessSync("/sys/fs/cgroup", constants.R_OK);
  } catch {
    return "needs cgroups in /sys/fs/cgroup";
  }
  return undefined;
}

function chosen(name: string | undefined): RuntimeName {
  if (name === undefined || name === "" || name === "rune") return "rune";
  if (name === "runc" || name === "crun") return name;
  throw new Error(`RUNTIME=${name}: expected rune, runc or crun`);
}
