// SPDX-License-Identifier: Apache-2.0
/**
 * Enclave containers on a machine without SGX: the testing PALs, in a directory that only root may
 * write, on a stand-in for a machine with an SGX driver (with-sgx-node.sh: nodes, no driver).
 */
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "./bundle.ts";
import { removeTree } from "./remove.ts";
import { repository, runtimeName } from "./runtime.ts";
import { Sandbox } from "./sandbox.ts";

const testing = join(repository, "native/build/testing");
const standIn = join(import.meta.dir, "with-sgx-node.sh");

/** Why there can be no enclave containers here, undefined where there can. */
export const enclaveObstacle: string | undefined =
  runtimeName === "rune" ? missingPals() : `${runtimeName} knows no enclaves`;

function missingPals(): string | undefined {
  return existsSync(testing) ? undefined : "needs `make -C native`";
}

/** "sgx" is the stand-in for a machine with an SGX driver, "bare" the machine as it is. */
export type Host = "sgx" | "bare";

export class EnclaveSandbox extends Sandbox {
  /** Not below /tmp, which others may write: a PAL there is refused. */
  readonly pals = mkdtempSync("/var/lib/rune-test-");
  readonly #config = join(this.pals, "config.toml");
  readonly #host: Host;

  /** Of the bundle's root file system nothing is left: an enclave needs not even a library. */
  constructor({ host = "sgx", settings = "" }: { host?: Host; settings?: string } = {}) {
    super("rune");
    this.#host = host;
    chmodSync(this.pals, 0o755);
    writeFileSync(this.#config, `[runtime]\npal_dirs = ["${this.pals}"]\n${settings}`);
    rmSync(join(this.bundle.rootfs, "bin"), { recursive: true });
  }

  override argv(...words: readonly string[]): string[] {
    const host = this.#host === "sgx" ? [standIn] : [];
    return [...host, ...super.argv("--config", this.#config, ...words)];
  }

  /** The path of a testing PAL: "v2", "v2-no-pal_kill". */
  pal(variant: string): string {
    const path = join(this.pals, `libpal-testing-${variant}.so`);
    copyFileSync(join(testing, `libpal-testing-${variant}.so`), path);
    return path;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    try {
      await super[Symbol.asyncDispose]();
    } finally {
      removeTree(this.pals);
    }
  }
}

/** An enclave's configuration: uid 1000, no capability, a read-only root. */
export function enclave(path: string, palArgs: string, ...argv: string[]): JsonObject {
  return {
    process: {
      args: ["program", ...argv],
      user: { uid: 1000, gid: 1000 },
      capabilities: { bounding: [], effective: [], permitted: [] },
    },
    root: { readonly: true },
    annotations: {
      "enclave.type": "intelSgx",
      "enclave.runtime.path": path,
      "enclave.runtime.args": palArgs,
    },
  };
}

/** The default environment and more. */
export function moreEnvironment(...env: string[]): JsonObject {
  return { process: { env: ["PATH=/bin", ...env] } };
}
