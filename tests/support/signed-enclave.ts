// SPDX-License-Identifier: Apache-2.0
/** Skeleton enclaves on the simulated platform, signed by the test as it wants them. */
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "./bundle.ts";
import { command, mustRun } from "./command.ts";
import { EnclaveSandbox, enclave, enclaveObstacle } from "./enclave.ts";
import { foldersBelow } from "./platform.ts";
import { repository } from "./runtime.ts";

const dist = join(repository, "dist/lib/inclavare");
export const sgxTools = join(repository, "dist/bin/sgx-tools");

export const signedEnclaveObstacle: string | undefined =
  enclaveObstacle ??
  (existsSync(join(dist, "sgxsim")) ? undefined : "needs the simulator built") ??
  (existsSync("/dev/sgx_enclave") ? "the machine has SGX" : undefined);

export class SignedEnclaveSandbox extends EnclaveSandbox {
  constructor(settings = "") {
    super({ host: "bare", settings });
  }

  /** Signs the skeleton's image with a new key and puts both into the bundle. */
  async sign(...options: readonly string[]): Promise<void> {
    const key = this.at("key.pem");
    if (!existsSync(key)) await mustRun(["openssl", "genrsa", "-3", "-out", key, "3072"]);
    copyFileSync(join(dist, "encl.bin"), this.inRootfs("encl.bin"));
    const files = [key, this.inRootfs("encl.bin"), this.inRootfs("encl.ss")];
    await mustRun([sgxTools, "sign", ...options, ...files]);
  }

  /** The configuration; before it, `sign`. */
  skeleton(version: string, ...argv: readonly string[]): JsonObject {
    const pal = join(this.pals, "skeleton.so");
    copyFileSync(join(dist, `liberpal-skeleton-${version}.so`), pal);
    return enclave(pal, "", ...argv);
  }

  /** A created container of the configuration. */
  async createdEnclave(config: JsonObject, id = this.id()): Promise<string> {
    this.configure(config);
    await this.must(["create", "--platform", "simulation", id]);
    return id;
  }

  /** The directory of a container's state. */
  stateOf(id: string): string {
    return join(this.stateRoot, id);
  }

  tool(...args: readonly string[]) {
    return command([sgxTools, ...args], { cwd: this.path, env: this.toolEnvironment() });
  }

  at(name: string): string {
    return join(this.path, name);
  }

  inRootfs(name: string): string {
    return join(this.bundle.rootfs, name);
  }

  get evidence(): string {
    return `unix:${join(foldersBelow(this.platformFolder).runtime, "evidence.sock")}`;
  }

  toolEnvironment() {
    const { runtime, state } = foldersBelow(this.platformFolder);
    return {
      PATH: "/usr/bin:/bin",
      INCLAVARE_PLATFORM: runtime,
      INCLAVARE_PLATFORM_STATE: state,
    };
  }
}
