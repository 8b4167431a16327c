// SPDX-License-Identifier: Apache-2.0
/** A PAL from anywhere but the node's directories is refused, before it is loaded. */
import { expect } from "bun:test";
import { chmodSync, chownSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EnclaveSandbox, enclave, enclaveObstacle } from "../support/enclave.ts";
import { needs } from "../support/runtime.ts";

/** How a hostile image or a careless administrator comes by the path, and what rune says of it. */
const paths: Readonly<Record<string, (sandbox: EnclaveSandbox) => [path: string, says: string]>> = {
  "outside of the node's directories": (sandbox) => [
    outside(sandbox),
    "none of the node's directories",
  ],
  "through another process's root": ({ pals }) => [`/proc/1/root${pals}/pal.so`, "PAL_PATH"],
  "a descriptor": () => ["/proc/self/fd/0", "PAL_PATH"],
  "a magic link": (sandbox) => [`/proc/self/root${sandbox.pal("v2")}`, "magic link"],
  "a relative path": () => ["relative.so", "absolute"],
  "a path with ..": ({ pals }) => [`${pals}/../x.so`, "absolute"],
  "a file that is not there": ({ pals }) => [`${pals}/missing.so`, "no such file"],
  "a link that leaves the directory": (sandbox) => {
    const link = join(sandbox.pals, "link.so");
    symlinkSync(outside(sandbox), link);
    return [link, "none of the node's directories"];
  },
  "a file that others may write": (sandbox) => {
    const path = sandbox.pal("v1");
    chmodSync(path, 0o757);
    return [path, "written by others"];
  },
  "a file of another user": (sandbox) => {
    const path = sandbox.pal("v3");
    chownSync(path, 1000, 0);
    return [path, "uid 1000"];
  },
  "a directory that others may write": (sandbox) => {
    const path = sandbox.pal("v2");
    chmodSync(sandbox.pals, 0o1777);
    return [path, "written by others"];
  },
};

for (const [what, prepare] of Object.entries(paths)) {
  needs(enclaveObstacle)(`PAL path: ${what}`, async () => {
    await using sandbox = new EnclaveSandbox();
    const [path, says] = prepare(sandbox);
    const { status, stderr } = await sandbox.run(enclave(path, ""));
    expect(status).toBe(1);
    expect(stderr).toContain("PAL_PATH");
    expect(stderr).toContain(says);
    await sandbox.expectNothingLeft();
  });
}

function outside(sandbox: EnclaveSandbox): string {
  const path = join(sandbox.path, "evil.so");
  writeFileSync(path, "not even a library");
  return path;
}
