// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RuneError } from "../errors/error.ts";
import { ENOENT } from "../kernel/constants.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { linux } from "../kernel/linux.ts";
import type { Config } from "../oci/config.ts";
import { prepareEnclave, storedEnclaveConfig } from "./prepare.ts";

const noNodeConfig = "/no/such/config.toml";
const spid = "a1".repeat(16);
const key = "b2".repeat(16);

/** This machine with nothing of SGX in /dev and no AESM, whatever it has. */
const withoutSgx: Kernel = {
  ...linux,
  stat: (path) => {
    throw new RuneError({ code: "SYSCALL", doing: path, reason: "none", errno: ENOENT });
  },
};

const on = (kernel: Kernel, nodeConfig: string) => ({
  kernel,
  nodeConfig,
  service: () => undefined,
});

function config(env: string[], annotations: Record<string, string> = {}): Config {
  return {
    ociVersion: "1.3.0",
    root: { path: "rootfs" },
    process: { user: { uid: 0, gid: 0 }, args: ["x"], cwd: "/", env },
    annotations,
  };
}

test("only a platform: an ordinary container with the platform's nodes and a warning", () => {
  const asked = config(["PATH=/bin", "ENCLAVE_PLATFORM=simulation"]);
  const prepared = prepareEnclave(on(withoutSgx, noNodeConfig), asked, undefined);
  expect(prepared?.pal).toBeUndefined();
  expect(prepared?.platform).toEqual({ name: "simulation", chosenBy: "ENCLAVE_PLATFORM" });
  expect(prepared?.config.process.env).toEqual(["PATH=/bin"]);
  expect(prepared?.config.linux?.devices).toHaveLength(2);
  expect(prepared?.warnings).toEqual([expect.stringContaining("nothing is protected")]);
});

test("the flag alone is as good; asking for hardware asks for nothing on a machine without", () => {
  const prepare = (flag: "hardware" | "simulation", annotations = {}) =>
    prepareEnclave(on(withoutSgx, noNodeConfig), config([], annotations), flag);
  expect(prepare("simulation")?.platform.chosenBy).toBe("--platform");
  expect(prepare("hardware")).toBeUndefined();
  expect(prepare("hardware", { "enclave.platform": "simulation" })).toBeUndefined();
  expect(() => prepare("hardware", { "enclave.type": "intelSgx" })).toThrow("no SGX");
});

const isRoot = process.getuid?.() === 0;

/** As much of a shared object for x86-64 as is looked at before it is loaded. */
const sharedObject = new Uint8Array(20);
sharedObject.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
sharedObject.set([3, 0, 62, 0], 16);

describe.skipIf(!isRoot)("a container with a type (needs root)", () => {
  let base = "";
  let node = "";
  beforeEach(() => {
    base = mkdtempSync("/var/lib/prepare-");
    chmodSync(base, 0o755);
    node = join(base, "config.toml");
    writeFileSync(node, `[runtime]\npal_dirs = ["${base}"]\npal_init_timeout = 7\n`);
    writeFileSync(join(base, "libpal.so"), sharedObject);
  });
  afterEach(() => rmSync(base, { recursive: true }));

  const annotations = () => ({
    "enclave.type": "intelSgx",
    "enclave.runtime.path": join(base, "libpal.so"),
    "enclave.runtime.args": "a,b",
    "enclave.attestation.ra_type": "epidLinkable",
    "enclave.attestation.ra_epid_spid": spid,
  });

  test("whose PAL is no shared object is refused, and nothing stays open", () => {
    writeFileSync(join(base, "libpal.so"), "text");
    const before = readdirSync("/proc/self/fd").length;
    const asked = config([`ENCLAVE_RA_EPID_SUB_KEY=${key}`], annotations());
    expect(() => prepareEnclave(on(withoutSgx, node), asked, "simulation")).toThrow(
      "it is no ELF file",
    );
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });

  test("gets its PAL; what is stored has the original's shape and no secret", () => {
    const asked = config([`ENCLAVE_RA_EPID_SUB_KEY=${key}`], annotations());
    const prepared = prepareEnclave(on(withoutSgx, node), asked, "simulation");
    if (prepared?.pal === undefined) throw new Error("no PAL was opened");
    linux.close(prepared.pal.fd);
    expect(prepared.palInitTimeoutMs).toBe(7000);
    expect(storedEnclaveConfig(prepared)).toEqual({
      Enclave: {
        type: "intelSgx",
        path: join(base, "libpal.so"),
        args: "a b",
        loglevel: "info",
        ra_type: "epidLinkable",
        ra_epid_secrets_given: true,
      },
    });
    expect(JSON.stringify(prepared)).not.toMatch(new RegExp(`${spid}|${key}`));
  });

  test("needs one", () => {
    const { "enclave.runtime.path": _, ...rest } = annotations();
    const asked = config([`ENCLAVE_RA_EPID_SUB_KEY=${key}`], rest);
    expect(() => prepareEnclave(on(withoutSgx, node), asked, "simulation")).toThrow(
      "needs the path of an enclave runtime's PAL",
    );
  });
});
