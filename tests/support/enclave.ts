// SPDX-License-Identifier: Apache-2.0
/**
 * Enclave containers on a machine without SGX: the testing PALs, in a directory that only root may
 * write, on a stand-in for a machine with an SGX driver (with-sgx-node.sh: nodes, no driver).
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Json,
  missing as missingRuntime,
  projectRoot,
  type Result,
  Sandbox,
  sh,
} from "./scratch.ts";

const testing = join(projectRoot, "native/build/testing");

export function missing(): string | undefined {
  if (process.env["RUNTIME"] === "runc") return "runc knows no enclaves";
  return missingRuntime() ?? (existsSync(testing) ? undefined : "needs `make -C native`");
}

export class EnclaveSandbox extends Sandbox {
  /** Not below /tmp, which others may write: a PAL there is refused. */
  readonly pals = mkdtempSync("/var/lib/rune-test-");
  readonly config = join(this.pals, "config.toml");

  constructor(settings = "") {
    super();
    sh(["chmod", "755", this.pals]);
    writeFileSync(this.config, `[runtime]\npal_dirs = ["${this.pals}"]\n${settings}`);
  }

  /** The path of a testing PAL: "v2", "v2-no-pal_kill". */
  pal(variant: string): string {
    const path = join(this.pals, `libpal-testing-${variant}.so`);
    copyFileSync(join(testing, `libpal-testing-${variant}.so`), path);
    return path;
  }

  /** rune on the stand-in host. */
  enclave(...words: string[]): Result {
    const [binary = "", ...rest] = this.command("--config", this.config, ...words);
    return sh([join(import.meta.dir, "with-sgx-node.sh"), binary, ...rest]);
  }

  /**
   * A bundle that a PAL runs as the least there is: uid 1000, no capability, nothing in its read-only
   * root, not even a library.
   */
  enclaveBundle(
    variant: string,
    palArgs: string,
    argv: string[],
    edit?: (c: Json) => void,
  ): string {
    const bundle = this.bundle(["program", ...argv], (config) => {
      config.process.user = { uid: 1000, gid: 1000 };
      config.process.capabilities = {};
      config.annotations = {
        "enclave.type": "intelSgx",
        "enclave.runtime.path": this.pal(variant),
        "enclave.runtime.args": palArgs,
      };
      edit?.(config);
    });
    rmSync(join(bundle, "rootfs/bin"), { recursive: true });
    return bundle;
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    rmSync(this.pals, { recursive: true, force: true });
  }
}
