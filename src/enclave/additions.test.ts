// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RuneError } from "../errors/error.ts";
import { ENOENT, S_IFDIR, S_IFREG } from "../kernel/constants.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { linux } from "../kernel/linux.ts";
import type { Config, Mount } from "../oci/config.ts";
import type { LinuxConfig } from "../oci/config-linux.ts";
import { simulatedNodes, withEnclave } from "./additions.ts";

const enclaveNode = { path: "/dev/sgx_enclave", major: 10, minor: 125, fileMode: 0o666 };
const provisionNode = { path: "/dev/sgx_provision", major: 10, minor: 126, fileMode: 0o600 };
const nodes = [enclaveNode, provisionNode];
const kvm = { type: "c", path: "/dev/kvm", major: 10, minor: 232 } as const;
const aesmd = { destination: "/var/run/aesmd", source: "/var/run/aesmd", type: "bind" };

function config(linuxConfig?: LinuxConfig, mounts?: Mount[]): Config {
  return {
    ociVersion: "1.3.0",
    root: { path: "rootfs" },
    process: { user: { uid: 0, gid: 0 }, args: ["x"], cwd: "/", env: ["A=1", "ENCLAVE_TYPE=x"] },
    ...(linuxConfig === undefined ? {} : { linux: linuxConfig }),
    ...(mounts === undefined ? {} : { mounts }),
  };
}

/** A host whose /var/run/aesmd is of this type, or not there. */
function host(aesmdType?: number): Kernel {
  return {
    ...linux,
    stat: (path) => {
      expect(path).toBe("/var/run/aesmd");
      if (aesmdType !== undefined) return { ...linux.stat("/"), mode: aesmdType | 0o755 };
      throw new RuneError({ code: "SYSCALL", doing: path, reason: "none", errno: ENOENT });
    },
  };
}

test("hardware: the host's nodes, and rules for just these", () => {
  const before = config({ devices: [kvm], resources: { pids: { limit: 5n } } });
  const { linux: after, process } = withEnclave(host(), before, nodes, { simulated: false });
  expect(after?.devices).toEqual([
    kvm,
    { type: "c", uid: 0, gid: 0, ...enclaveNode },
    { type: "c", uid: 0, gid: 0, ...provisionNode },
  ]);
  expect(after?.resources).toEqual({
    pids: { limit: 5n },
    devices: [
      { allow: true, type: "c", major: 10, minor: 125, access: "rw" },
      { allow: true, type: "c", major: 10, minor: 126, access: "rw" },
    ],
  });
  expect(process.env).toEqual(["A=1"]);
  expect(before.linux?.devices).toEqual([kvm]);
});

test("a node that the configuration lists is left to it", () => {
  const own = { type: "c", path: "/dev/sgx_enclave", major: 10, minor: 77 } as const;
  const { linux: after } = withEnclave(host(), config({ devices: [own] }), nodes, {
    simulated: false,
  });
  expect(after?.devices).toEqual([own, { type: "c", uid: 0, gid: 0, ...provisionNode }]);
  expect(after?.resources?.devices).toHaveLength(1);
});

test("simulated: nodes without rules, and nothing of the host's Intel software", () => {
  const after = withEnclave(host(S_IFDIR), config(), simulatedNodes, {
    simulated: true,
    service: undefined,
  });
  expect(after.linux?.devices?.map(({ path }) => path)).toEqual([
    "/dev/sgx_enclave",
    "/dev/sgx_provision",
  ]);
  expect(after.linux?.resources?.devices).toEqual([]);
  expect(after.mounts).toEqual([]);
});

test("simulated, in a user namespace: no node could be made", () => {
  for (const namespace of [{ type: "user" }, { type: "user", path: "/proc/7/ns/user" }] as const) {
    const before = config({ namespaces: [namespace] });
    expect(
      withEnclave(host(), before, simulatedNodes, { simulated: true, service: undefined }).linux
        ?.devices,
    ).toEqual([]);
    expect(withEnclave(host(), before, nodes, { simulated: false }).linux?.devices).toHaveLength(2);
  }
});

test("AESM's directory is mounted where the host has it, so that nobody can replace the socket", () => {
  const mounted = (type?: number, mounts?: Mount[]) =>
    withEnclave(host(type), config({}, mounts), nodes, { simulated: false }).mounts ?? [];
  expect(mounted(S_IFDIR)).toEqual([
    { ...aesmd, options: ["rbind", "rprivate", "ro", "nosuid", "nodev", "noexec"] },
  ]);
  expect(mounted(S_IFREG)).toEqual([]);
  expect(mounted()).toEqual([]);
  for (const destination of ["/var/run/aesmd", "/run/aesmd", "/run/aesmd/"]) {
    expect(mounted(S_IFDIR, [{ destination }])).toEqual([{ destination }]);
  }
  const below = [{ destination: "/run" }, { destination: "/run/aesmd2" }];
  expect(mounted(S_IFDIR, below)).toHaveLength(3);
});
