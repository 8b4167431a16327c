// SPDX-License-Identifier: Apache-2.0
/** Enclaves and programs on the simulated platform in containers of an ordinary user. */
import { expect } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/command.ts";
import { enclaveObstacle } from "../support/enclave.ts";
import { test as asPerson, person, RootlessSandbox } from "../support/rootless.ts";
import { needs, repository } from "../support/runtime.ts";

const dist = join(repository, "dist/lib/inclavare");
const obstacle =
  enclaveObstacle ??
  (existsSync(join(dist, "sgxsim")) ? undefined : "needs the simulator built") ??
  (existsSync("/dev/sgx_enclave") ? "the machine has SGX" : undefined);
const test = obstacle === undefined ? asPerson : needs(obstacle);

/** With a directory of PALs that the node's root has made and named. */
class PersonsEnclave extends RootlessSandbox {
  readonly pals = mkdtempSync("/var/lib/rune-test-");
  readonly #config = join(this.pals, "config.toml");

  constructor() {
    super({ runtime: "rune" });
    chmodSync(this.pals, 0o755);
    writeFileSync(this.#config, `[runtime]\npal_dirs = ["${this.pals}"]\n`);
    copyFileSync(join(dist, "liberpal-skeleton-v3.so"), join(this.pals, "skeleton.so"));
    for (const name of ["encl.bin", "encl.ss"]) {
      copyFileSync(join(dist, name), join(this.bundle.rootfs, name));
      chmodSync(join(this.bundle.rootfs, name), 0o644);
    }
  }

  override argv(...words: readonly string[]): string[] {
    return super.argv("--config", this.#config, ...words);
  }

  async simulated(args: readonly string[], annotations = {}): Promise<void> {
    await this.must(["spec", "--rootless"]);
    const path = join(this.bundle.path, "config.json");
    const { process, ...config } = JSON.parse(readFileSync(path, "utf8"));
    rmSync(path);
    this.configureExactly({
      ...config,
      process: { ...process, terminal: false, args },
      annotations: { "enclave.platform": "simulation", ...annotations },
    });
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    try {
      await super[Symbol.asyncDispose]();
    } finally {
      rmSync(this.pals, { recursive: true, force: true });
    }
  }
}

test("an enclave: created, started, a second program in it, ended", async () => {
  await using sandbox = new PersonsEnclave();
  await sandbox.simulated(["x", "wait_timeout", "60"], {
    "enclave.type": "intelSgx",
    "enclave.runtime.path": join(sandbox.pals, "skeleton.so"),
  });
  const id = sandbox.id();
  await sandbox.must(["create", id]);
  const { pid, annotations } = await sandbox.state(id);
  expect(annotations).toMatchObject({ "enclave.type": "intelSgx" });
  expect(readFileSync(`/proc/${pid}/status`, "utf8")).toContain(`Uid:\t${person.uid}\t`);
  await sandbox.must(["start", id]);
  expect((await sandbox.state(id)).status).toBe("running");
  expect((await sandbox.must(["exec", id, "y"])).stderr).toContain("initialization succeeded");
  await sandbox.must(["kill", id, "KILL"]);
  await eventually("it has ended", async () => (await sandbox.state(id)).status === "stopped");
  await sandbox.must(["delete", id]);
  await sandbox.expectNothingLeft();
});

test("an ordinary program finds the platform, and no descriptor of rune's", async () => {
  await using sandbox = new PersonsEnclave();
  const script = ": < /dev/sgx_enclave && echo opened; cd /proc/self/fd && echo *; id -u";
  await sandbox.simulated(["/bin/sh", "-c", script]);
  const { stdout } = await sandbox.must(["run", sandbox.id()]);
  expect(stdout).toBe("opened\n0 1 2 3\n0\n"); // 3 is the shell's own
});

test("a PAL that the user could write is refused", async () => {
  await using sandbox = new PersonsEnclave();
  const own = join(sandbox.runtimeDirectory, "skeleton.so");
  copyFileSync(join(dist, "liberpal-skeleton-v3.so"), own);
  await sandbox.simulated(["/bin/true"], {
    "enclave.type": "intelSgx",
    "enclave.runtime.path": own,
  });
  const { status, stderr } = await sandbox.call(["run", sandbox.id()]);
  expect(status).toBe(1);
  expect(stderr).toContain("PAL_PATH");
  await sandbox.expectNothingLeft();
});
