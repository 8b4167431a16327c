// SPDX-License-Identifier: Apache-2.0
/** What goes wrong for people, made to happen, and read as they do: subject, cause, code, hint. */
import { describe, expect } from "bun:test";
import { copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../support/command.ts";
import { needs, only } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";
import {
  SignedEnclaveSandbox,
  sgxTools,
  signedEnclaveObstacle,
} from "../support/signed-enclave.ts";

const test = only("rune", "the messages are rune's own");
const enclaveTest = needs(signedEnclaveObstacle);

/** The one error of a call, as a person reads it. */
function messageOf({ status, stderr }: { status: number; stderr: string }): string {
  expect(status).toBeGreaterThan(0);
  const errors = stderr.split("\n").filter((line) => line.includes("level=error"));
  expect(errors).toHaveLength(1);
  return (/msg="((?:[^"\\]|\\.)*)"/.exec(errors[0] ?? "")?.[1] ?? "").replaceAll('\\"', '"');
}

describe("a bundle", () => {
  test("that is no JSON is named with line and column", async () => {
    await using sandbox = new Sandbox();
    const config = `${sandbox.bundle.path}/config.json`;
    sandbox.configureExactly('{\n  "ociVersion": "1.0.2",\n  "process": {,\n}');
    expect(messageOf(await sandbox.call(["run", sandbox.id()]))).toBe(
      `config \`${config}\`: not JSON: line 3, column 15: expected a property name in double quotes, found "," (CONFIG_INVALID)`,
    );
    sandbox.configureExactly("");
    expect(messageOf(await sandbox.call(["run", sandbox.id()]))).toBe(
      `config \`${config}\`: not JSON: line 1, column 1: expected a value, found the end (CONFIG_INVALID)`,
    );
  });

  test("without a field, a root file system, a config.json", async () => {
    await using sandbox = new Sandbox();
    const { path, rootfs } = sandbox.bundle;
    sandbox.configure({ process: { args: 7 } });
    expect(messageOf(await sandbox.call(["run", sandbox.id()]))).toBe(
      "config `process.args`: expected an array, got 7 (CONFIG_INVALID)",
    );
    sandbox.configure();
    renameSync(rootfs, `${rootfs}-away`);
    expect(messageOf(await sandbox.call(["run", sandbox.id()]))).toBe(
      `open the root file system \`${rootfs}\`: no such directory (CONFIG_INVALID); hint: \`root.path\` of config.json names it; a relative one is below the bundle`,
    );
    rmSync(join(path, "config.json"));
    expect(messageOf(await sandbox.call(["run", sandbox.id()]))).toBe(
      `read \`${path}/config.json\`: no such file (CONFIG_NOT_FOUND); hint: name the bundle with --bundle, or make a configuration with \`rune spec\``,
    );
  });

  test("whose program is missing, not executable, or none", async () => {
    await using sandbox = new Sandbox();
    const run = async (program: string) => {
      sandbox.configure({ process: { args: [program], user: { uid: 1000, gid: 1000 } } });
      return messageOf(await sandbox.call(["run", sandbox.id()]));
    };
    writeFileSync(join(sandbox.bundle.rootfs, "private"), "#!/bin/sh\n", { mode: 0o600 });
    writeFileSync(join(sandbox.bundle.rootfs, "text"), "echo hello\n", { mode: 0o755 });
    expect(await run("nothere")).toBe(
      "exec `nothere`: executable file not found in $PATH (EXEC_NOT_FOUND)",
    );
    expect(await run("/private")).toContain("permission denied (EXEC_FAILED); hint: it is not");
    expect(await run("/text")).toContain("exec format error (EXEC_FAILED); hint: it is made for");
  });

  test("whose memory limit leaves no room for a start", async () => {
    await using sandbox = new Sandbox();
    sandbox.configure({ linux: { resources: { memory: { limit: 65536 } } } });
    expect(messageOf(await sandbox.call(["run", sandbox.id()]))).toMatch(
      /memory ran out within the limit of 65536 bytes, and the kernel killed it \(CGROUP\); hint: raise/,
    );
  });
});

test("a name that is taken, unknown, or left over", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  expect(messageOf(await sandbox.call(["create", id]))).toBe(
    `create \`${id}\`: a container with that id exists (CONTAINER_EXISTS); hint: choose another id, or see \`rune state ${id}\`: \`rune delete ${id}\` removes it where it has stopped, \`rune delete --force ${id}\` also where it runs`,
  );
  expect(messageOf(await sandbox.call(["delete", id]))).toContain(
    `it is running (CONTAINER_STATE); hint: \`rune delete --force ${id}\` ends and removes it`,
  );
  expect(messageOf(await sandbox.call(["state", "stranger"]))).toBe(
    "open container `stranger`: container does not exist (CONTAINER_NOT_FOUND); hint: `rune list` shows those of the same --root; engines have a root of their own",
  );
  const half = sandbox.id();
  mkdirSync(join(sandbox.stateRoot, half));
  expect(messageOf(await sandbox.call(["state", half]))).toContain(
    `(CONTAINER_STATE); hint: \`rune delete --force ${half}\` removes it`,
  );
  const state = join(sandbox.stateRoot, id, "state.json");
  copyFileSync(state, `${state}.kept`);
  writeFileSync(state, "{");
  expect(messageOf(await sandbox.call(["state", id]))).toBe(
    `read \`${state}\`: not JSON (STATE_CORRUPT); hint: \`rune delete --force\` removes the container's files; what runs in its cgroup is not known any more, and goes on`,
  );
  renameSync(`${state}.kept`, state);
});

describe("an enclave runtime", () => {
  enclaveTest("that is missing, no library, of another class, or too open", async () => {
    await using sandbox = new SignedEnclaveSandbox();
    await sandbox.sign();
    const config = sandbox.skeleton("v3", "hello");
    const pal = join(sandbox.pals, "skeleton.so");
    const run = async () => {
      sandbox.configure(config);
      return messageOf(await sandbox.call(["run", "--platform", "simulation", sandbox.id()]));
    };
    renameSync(pal, `${pal}.kept`);
    expect(await run()).toBe(
      `load PAL \`${pal}\`: no such file on the host (PAL_PATH); hint: an enclave runtime is installed on the node, not in the image; it may be in ${sandbox.pals}`,
    );
    writeFileSync(pal, "no library, but long enough");
    expect(await run()).toContain(
      `load PAL \`${pal}\`: it is no ELF file (PAL_ABI_MISMATCH); hint:`,
    );
    const other = Buffer.from(await Bun.file(`${pal}.kept`).bytes());
    other[4] = 1;
    writeFileSync(pal, other);
    expect(await run()).toContain("wrong ELF class: it is not for 64 bits (PAL_ABI_MISMATCH)");
    rmSync(pal);
    symlinkSync("/lib/x86_64-linux-gnu/libm.so.6", pal);
    expect(await run()).toContain("is none of the node's directories for PALs (PAL_PATH); hint:");
    rmSync(pal);
    copyFileSync("/lib/x86_64-linux-gnu/libm.so.6", pal);
    expect(await run()).toContain("symbol `pal_init` not found (PAL_ABI_MISMATCH); hint: `nm -D`");
    rmSync(pal);
    copyFileSync(`${pal}.kept`, pal);
    await command(["chmod", "666", pal]);
    expect(await run()).toContain(
      `may be written by others than root (PAL_PATH); hint: its code runs as the host's root before it is in the container: \`chmod go-w ${pal}\``,
    );
  });

  enclaveTest(
    "whose enclave is not signed for what it is says what the processor says",
    async () => {
      await using sandbox = new SignedEnclaveSandbox();
      await sandbox.sign();
      const image = sandbox.inRootfs("encl.bin");
      const bytes = Buffer.from(await Bun.file(image).bytes());
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      writeFileSync(image, bytes);
      sandbox.configure(sandbox.skeleton("v3", "hello"));
      const result = await sandbox.call(["run", "--platform", "simulation", sandbox.id()]);
      expect(messageOf(result)).toContain(
        "operation not permitted (PAL_FAILED); hint: the enclave",
      );
      expect(result.stderr).toContain("SGX_INVALID_MEASUREMENT (4): encl.bin is not the image");
    },
  );

  enclaveTest("on a machine without SGX, and with a dead AESM", async () => {
    await using sandbox = new SignedEnclaveSandbox();
    await sandbox.sign();
    sandbox.configure(sandbox.skeleton("v3", "hello"));
    expect(messageOf(await sandbox.call(["run", sandbox.id()]))).toMatch(
      /`intelSgx`: this machine has no SGX.*\(ENCLAVE_TYPE_UNSUPPORTED\); hint: .*--platform simulation/,
    );
    const socket = join(sandbox.path, "aesm.sock");
    const asked = await command([sgxTools, "gen-qe-target-info", "--aesm-socket", socket]);
    expect(asked.stderr).toContain(
      `ask AESM at \`${socket}\`: there is no such socket (AESM_UNREACHABLE)\nhint: start the service (systemctl start aesmd)`,
    );
  });
});
