// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RuneError } from "../errors/error.ts";
import { ENOENT, S_IFCHR, S_IFREG } from "../kernel/constants.ts";
import type { Fd, Kernel, Stat } from "../kernel/kernel.ts";
import { linux } from "../kernel/linux.ts";
import { detectSgx, hasDriver } from "./host-detection.ts";

const cpuinfo = (flags: string) => `processor\t: 0\nflags\t\t: fpu ${flags}\nbugs\t\t:\n\n`;

/** A host with these files in /dev and this /proc/cpuinfo; without one, it must not be asked for. */
function host(files: Record<string, Partial<Stat>>, flags?: string): Kernel {
  return {
    ...linux,
    stat: (path) => {
      const found = files[path];
      if (found === undefined) {
        throw new RuneError({ code: "SYSCALL", doing: path, reason: "none", errno: ENOENT });
      }
      return { ...linux.stat("/"), major: 10, minor: 125, ...found };
    },
    open: (path) => {
      expect([path, flags]).toEqual(["/proc/cpuinfo", expect.any(String)]);
      return 99 as Fd; // never reaches the kernel
    },
    read: () => new TextEncoder().encode(cpuinfo(flags ?? "")),
    close: () => {},
  };
}

const character = (mode: number, minor: number) => ({ mode: S_IFCHR | mode, minor });

test("nodes of the in-tree driver and udev's links to them, each at its own path", () => {
  const { cpu, nodes } = detectSgx(
    host({
      "/dev/sgx_enclave": character(0o660, 125),
      "/dev/sgx/enclave": character(0o660, 125),
      "/dev/sgx_provision": character(0o640, 126),
    }),
  );
  expect(cpu).toBe(true);
  expect(nodes).toEqual([
    { path: "/dev/sgx_enclave", major: 10, minor: 125, fileMode: 0o666 },
    { path: "/dev/sgx/enclave", major: 10, minor: 125, fileMode: 0o666 },
    { path: "/dev/sgx_provision", major: 10, minor: 126, fileMode: 0o640 },
  ]);
});

test("only misc devices are nodes of a driver", () => {
  const files = {
    "/dev/sgx_enclave": { mode: S_IFREG | 0o666 },
    "/dev/isgx": { ...character(0o666, 1), major: 1 },
  };
  expect(detectSgx(host(files, "sse"))).toEqual({ cpu: false, nodes: [] });
});

test("neither a provisioning node nor Graphene's makes enclaves", () => {
  for (const path of ["/dev/sgx_provision", "/dev/sgx/provision", "/dev/gsgx"]) {
    const found = detectSgx(host({ [path]: character(0o666, 9) }, "sse"));
    expect(found.nodes).toHaveLength(1);
    expect(hasDriver(found)).toBe(false);
  }
  expect(hasDriver(detectSgx(host({ "/dev/isgx": character(0o666, 9) })))).toBe(true);
});

test("without a driver the processor's flag is looked at, as a whole word", () => {
  const cpu = (flags: string) => detectSgx(host({}, flags)).cpu;
  expect(cpu("sse sgx sgx_lc")).toBe(true);
  expect(cpu("sse sgx")).toBe(true);
  expect(cpu("sgx_lc nosgx")).toBe(false);
});

test("this machine can be looked at", () => {
  expect(typeof detectSgx(linux).cpu).toBe("boolean");
});
