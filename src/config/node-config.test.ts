// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RuneError } from "../errors/error.ts";
import { linux } from "../kernel/linux.ts";
import { defaultPalDirs, parseNodeConfig, readNodeConfig } from "./node-config.ts";

function refusal(text: string): string {
  try {
    parseNodeConfig(text, "c.toml");
  } catch (error) {
    const { code, message } = error as RuneError; // thrown by what is tested
    return `${code} ${message}`;
  }
  return "accepted";
}

test("an absent file means the defaults", () => {
  expect(readNodeConfig(linux, "/no/such/config.toml")).toEqual({
    palDirs: defaultPalDirs,
    platform: undefined,
    allowSimulation: undefined,
    palInitTimeoutMs: 120_000,
    attestation: { collateral: undefined, iasUrl: undefined, policy: undefined },
    shim: {
      logLevel: "info",
      signature: {
        serverAddress: undefined,
        caCertificate: undefined,
        clientCertificate: undefined,
        clientKey: undefined,
        publicKey: undefined,
        timeoutMs: 10_000,
        development: false,
      },
      signatureMethod: "server",
      occlum: { runtimePath: undefined, libosPath: undefined },
      gramine: { runtimePath: undefined, libosPath: undefined },
      carrier: {
        maxBuilds: 2,
        buildTimeoutMs: 1_800_000,
        cacheDirectory: "/var/cache/inclavare-containers",
        cacheMaxBytes: 10 * 2 ** 30,
      },
    },
    warnings: [],
  });
});

test("keys are read; the original's are accepted, [epm] with a warning, others are warned about", () => {
  const config = parseNodeConfig(
    `log_level = "info"
     colour = "blue"
     [runtime]
     pal_dirs = ["/opt/pal"]
     allow_simulation = true
     pal_init_timeout = 2.5
     sped = 1
     [attestation]
     collateral = "https://pccs:8081"
     ias_url = "https://ias/sgx"
     policy = "/etc/policy.toml"
     anything = 1
     [epm]
     socket = "/var/run/epm/epm.sock"
     [enclave_runtime.occlum]
     enclave_runtime_path = "/opt/occlum/build/lib/libocclum-pal.so"`,
    "c.toml",
  );
  expect(config).toMatchObject({
    palDirs: ["/opt/pal"],
    allowSimulation: true,
    palInitTimeoutMs: 2500,
    attestation: {
      collateral: "https://pccs:8081",
      iasUrl: "https://ias/sgx",
      policy: "/etc/policy.toml",
    },
  });
  expect(config.warnings).toEqual([
    expect.stringContaining("[epm]"),
    "unknown key `colour` in `c.toml`, line 2",
    "unknown key `runtime.sped` in `c.toml`, line 7",
    expect.stringContaining("unknown key `attestation.anything` in `c.toml`, line "),
  ]);
});

test("wrong values are errors that name the file and the key", () => {
  expect(refusal("[runtime")).toContain("NODE_CONFIG read `c.toml`");
  expect(refusal("runtime = 1")).toContain("runtime: expected a table");
  expect(refusal('[runtime]\npal_dirs = "/x"')).toContain(
    "runtime.pal_dirs: expected a list of strings",
  );
  expect(refusal('[runtime]\npal_dirs = ["x"]')).toContain("not absolute");
  expect(refusal('[runtime]\nplatform = "moon"')).toContain("runtime.platform");
  expect(refusal('[attestation]\npolicy = "p.toml"')).toContain("not absolute");
  expect(refusal("[attestation]\ncollateral = 1")).toContain("attestation.collateral");
  expect(refusal("[runtime]\nallow_simulation = 1")).toContain("true or false");
  expect(refusal("[runtime]\npal_init_timeout = 0")).toContain("greater than 0");
  expect(refusal("[runtime]\npal_init_timeout = inf")).toContain("at most 86400");
  expect(refusal("runtime = 2026-11-24")).toContain("runtime: expected a table");
});

const isRoot = process.getuid?.() === 0;

test.skipIf(!isRoot)("a file that others may write or own is refused (needs root)", () => {
  const directory = mkdtempSync(join(tmpdir(), "node-config-"));
  const path = join(directory, "config.toml");
  try {
    writeFileSync(path, "");
    chmodSync(path, 0o644);
    expect(readNodeConfig(linux, path).platform).toBeUndefined();
    chmodSync(path, 0o664);
    expect(() => readNodeConfig(linux, path)).toThrow("writable by root alone");
    chmodSync(path, 0o644);
    chownSync(path, 1000, 0);
    expect(() => readNodeConfig(linux, path)).toThrow("belong to root");
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("every directory on the way must be root's, also behind a link", () => {
  if (process.getuid?.() !== 0) return;
  const folder = mkdtempSync(join(tmpdir(), "rune-config-parents-"));
  try {
    mkdirSync(join(folder, "safe/own"), { recursive: true });
    mkdirSync(join(folder, "open"));
    const file = join(folder, "safe/own/config.toml");
    writeFileSync(file, "");
    symlinkSync(join(folder, "safe"), join(folder, "open/link"));
    symlinkSync(join(folder, "safe"), join(folder, "link"));
    readNodeConfig(linux, file);
    readNodeConfig(linux, join(folder, "link/own/config.toml"));
    readNodeConfig(linux, join(folder, "open/link/own/config.toml"));
    chmodSync(join(folder, "open"), 0o777);
    expect(() => readNodeConfig(linux, join(folder, "open/link/own/config.toml"))).toThrow(
      `\`${folder}/open\` must belong to root`,
    );
    chownSync(join(folder, "safe"), 1000, 0);
    for (const path of [file, join(folder, "link/own/config.toml")]) {
      expect(() => readNodeConfig(linux, path)).toThrow("must belong to root");
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
