// SPDX-License-Identifier: Apache-2.0
/** Real enclaves in containers on the simulated platform: the whole path, nothing stood in for. */
import { expect } from "bun:test";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaultNamespaces, type JsonObject, shell } from "../support/bundle.ts";
import { command, mustRun } from "../support/command.ts";
import { EnclaveSandbox, enclave, enclaveObstacle } from "../support/enclave.ts";
import { platformVariables } from "../support/platform.ts";
import { needs, repository } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";
import { dockerProfile, missingProfile } from "../support/seccomp-profile.ts";

const dist = join(repository, "dist/lib/inclavare");
const obstacle =
  enclaveObstacle ??
  (existsSync(join(dist, "sgxsim")) ? undefined : "needs the simulator built") ??
  (existsSync("/dev/sgx_enclave") ? "the machine has SGX" : undefined);
const test = needs(obstacle);

class SimulationSandbox extends EnclaveSandbox {
  constructor() {
    super({ host: "bare" });
  }

  /** The configuration of the skeleton enclave, whose files are put into the bundle. */
  skeleton(version: string, palArgs = "", ...argv: string[]): JsonObject {
    const pal = join(this.pals, "skeleton.so");
    copyFileSync(join(dist, `liberpal-skeleton-${version}.so`), pal);
    for (const name of ["encl.bin", "encl.ss"]) copyFileSync(join(dist, name), this.file(name));
    return enclave(pal, palArgs, ...argv);
  }

  file(name: string): string {
    return join(this.bundle.rootfs, name);
  }

  simulated(verb: "create" | "run", id = this.id()) {
    return this.call([verb, "--platform", "simulation", id]);
  }
}

async function identity(name: string): Promise<{ mrenclave: string; mrsigner: string }> {
  const tool = join(repository, "dist/bin/sgx-tools");
  return JSON.parse(await mustRun([tool, "inspect", "--json", join(dist, name)]));
}

for (const version of ["v1", "v2", "v3"]) {
  // covers: run --platform
  test(`the skeleton ${version} launches the enclave it was signed as, as uid 1000 without capabilities`, async () => {
    await using sandbox = new SimulationSandbox();
    sandbox.configure(sandbox.skeleton(version, "debug"));
    const { status, stdout, stderr } = await sandbox.simulated("run");
    expect({ status, stdout }).toEqual({ status: 0, stdout: "Hello Inclavare Containers!\n" });
    const { mrenclave, mrsigner } = await identity("encl.ss");
    expect(stderr).toContain(`mrenclave ${mrenclave}`);
    expect(stderr).toContain(`mrsigner ${mrsigner}`);
    expect(stderr).toContain("nothing is protected");
    expect(stderr).toContain("Enclave runtime skeleton initialization succeeded");
    await sandbox.expectNothingLeft();
  });
}

for (const noNewPrivileges of [true, false]) {
  needs(obstacle ?? missingProfile)(
    `under docker's seccomp profile, noNewPrivileges ${noNewPrivileges}`,
    async () => {
      await using sandbox = new SimulationSandbox();
      const seccomp = dockerProfile();
      sandbox.configure(sandbox.skeleton("v2"), {
        process: { noNewPrivileges },
        linux: { seccomp },
      });
      expect(await sandbox.simulated("run")).toMatchObject({
        status: 0,
        stdout: "Hello Inclavare Containers!\n",
      });
    },
  );
}

for (const [file, offset, check] of [
  ["encl.bin", 0x1800, "SGX_INVALID_MEASUREMENT"],
  ["encl.ss", 600, "SGX_INVALID_SIGNATURE"],
  ["encl.ss", 0, "SGX_INVALID_SIG_STRUCT"],
] as const) {
  test(`one changed byte of ${file} at ${offset} is refused as ${check}`, async () => {
    await using sandbox = new SimulationSandbox();
    sandbox.configure(sandbox.skeleton("v2"));
    const bytes = readFileSync(sandbox.file(file));
    bytes[offset] = (bytes[offset] ?? 0) ^ 1;
    writeFileSync(sandbox.file(file), bytes);
    const { status, stderr, stdout } = await sandbox.simulated("create");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain(check);
    expect(stderr.match(/level=error/g)).toHaveLength(1);
    await sandbox.expectNothingLeft();
  });
}

test("an enclave is not checkpointed, nor restored, and goes on", async () => {
  await using sandbox = new SimulationSandbox();
  const id = sandbox.id();
  sandbox.configure(sandbox.skeleton("v3"), { process: { args: ["x", "wait_timeout", "60"] } });
  expect((await sandbox.simulated("create", id)).status).toBe(0);
  await sandbox.must(["start", id]);
  const images = ["--image-path", join(sandbox.path, "images")];
  const { status, stderr } = await sandbox.call(["checkpoint", ...images, id]);
  expect(status).toBe(1);
  expect(stderr).toContain("it is an enclave container");
  expect((await sandbox.state(id)).status).toBe("running");
  expect(existsSync(join(sandbox.path, "images"))).toBe(false);
  const restored = await sandbox.call(["restore", ...images, sandbox.id()]);
  expect(restored.status).toBe(1);
  expect(restored.stderr).toContain("an enclave cannot be restored");
});

// covers: create --platform
test("create, exec, start, kill, delete of a running enclave", async () => {
  await using sandbox = new SimulationSandbox();
  const id = sandbox.id();
  sandbox.configure(sandbox.skeleton("v3"), { process: { args: ["x", "wait_timeout", "60"] } });
  expect((await sandbox.simulated("create", id)).status).toBe(0);
  expect(await sandbox.state(id)).toMatchObject({
    enclave: { platform: "simulation", platformChosenBy: "--platform" },
  });
  await sandbox.must(["start", id]);
  const { stderr } = await sandbox.must(["exec", id, "y"]);
  expect(stderr).toContain("initialization succeeded");
  await sandbox.must(["delete", "--force", id]);
  await sandbox.expectNothingLeft();
});

const onPlatform: JsonObject = { annotations: { "enclave.platform": "simulation" } };

// CVE-2024-21626: a directory of the host that stays open is a way out.
test("an ordinary program on the platform gets no descriptor of rune's", async () => {
  await using sandbox = new Sandbox("rune");
  const list = shell("cd /proc/self/fd && echo *");
  const { status, stdout } = await sandbox.run(onPlatform, list);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "0 1 2 3\n" }); // 3 is the shell's own
  const id = await sandbox.started(onPlatform);
  const listed = await sandbox.must(["exec", id, "/bin/sh", "-c", "cd /proc/self/fd && echo *"]);
  expect(listed.stdout).toBe("0 1 2 3\n");
});

test("a platform without a type: an ordinary container in which programs find one", async () => {
  await using sandbox = new Sandbox("rune");
  const script = "ls -l /dev/sgx_enclave; : < /dev/sgx_enclave && echo opened";
  const { status, stdout } = await sandbox.run(onPlatform, shell(script));
  expect(status).toBe(0);
  expect(stdout).toMatch(/10, 125 .*\/dev\/sgx_enclave\nopened\n/);
});

test("the same in a user namespace, where no device node can be made", async () => {
  await using sandbox = new Sandbox("rune");
  const mapping = [{ containerID: 0, hostID: 0, size: 65536 }];
  const { status, stdout, stderr } = await sandbox.run(
    onPlatform,
    {
      linux: {
        namespaces: [...defaultNamespaces, "user"].map((type) => ({ type })),
        uidMappings: mapping,
        gidMappings: mapping,
      },
    },
    shell("cat /proc/self/uid_map; : < /dev/sgx_enclave && echo opened"),
  );
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: expect.stringContaining("nothing is protected"),
  });
  expect(stdout).toMatch(/^ +0 +0 +65536\nopened\n$/);
});

test("sgx-tools simulate runs any program, with its environment, signals and status", async () => {
  await using sandbox = new Sandbox("rune");
  const tool = join(repository, "dist/bin/sgx-tools");
  const simulate = (script: string, env: Record<string, string> = {}) =>
    command([tool, "simulate", "--", "/bin/sh", "-c", script], {
      env: { PATH: "/usr/bin:/bin", ...platformVariables(sandbox.path), ...env },
    });
  expect(await simulate("echo $MARK; exit 7", { MARK: "here" })).toMatchObject({
    status: 7,
    stdout: "here\n",
  });
  expect((await simulate(": < /dev/sgx_enclave && stat -c %t:%T /dev/sgx_enclave")).stdout).toBe(
    "a:7d\n",
  );
  const program = ["--no-service", "--fidelity", "--epc", "7M", "--", "/bin/sh", "-c", "exit 3"];
  expect(await command([tool, "simulate", "--epc", "7x", "true"])).toMatchObject({ status: 125 });
  expect(await command([tool, "simulate", ...program])).toMatchObject({ status: 3, stderr: "" });
  const { stdout } = await simulate("grep SigIgn /proc/self/status");
  expect(stdout).toBe("SigIgn:\t0000000000000000\n");
});
