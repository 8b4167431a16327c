// SPDX-License-Identifier: Apache-2.0
/** The machine that rune runs on. */
import { aesmClient } from "../aesm/client.ts";
import { unixExchange } from "../aesm/exchange.ts";
import { httpFetcher } from "../attest/fetch/http.ts";
import { readHierarchies } from "../cgroups/layout.ts";
import { readNodeConfig } from "../config/node-config.ts";
import { openPal } from "../enclave/pal-path.ts";
import { RuneError } from "../errors/error.ts";
import {
  ECONNREFUSED,
  ENOENT,
  ENOTDIR,
  O_NONBLOCK,
  O_PATH,
  O_RDWR,
  S_IFMT,
  S_IFREG,
} from "../kernel/constants.ts";
import { type Kernel, readToEnd, unlessErrno } from "../kernel/kernel.ts";
import { libseccomp } from "../kernel/libseccomp.ts";
import { openRegular } from "../kernel/open-regular.ts";
import { cpuid, readMsr, readVdso } from "../kernel/processor.ts";
import type { Probe } from "./probe.ts";

/** A service that is there answers the cheapest request at once. */
const aesmTimeoutMs = 2000;
/** criu prints its version within milliseconds. */
const outputTimeoutMs = 10_000;
/** /proc/cpuinfo has 1.5 KB a processor. */
const largestTextBytes = 16 << 20;
const largestPalBytes = 1 << 30;

export type HostProbeOptions = {
  readonly kernel: Kernel;
  /** The caller's PATH, and the rest of its environment for the programs that are asked. */
  readonly environment: ReadonlyMap<string, string>;
  /** Path of the node's configuration. */
  readonly nodeConfig: string;
};

export function hostProbe({ kernel, environment, nodeConfig }: HostProbeOptions): Probe {
  const present = <T>(attempt: () => T) => unlessErrno(attempt, ENOENT, ENOTDIR);
  const stat = (path: string) => present(() => kernel.stat(path));
  const bytes = (path: string, maxBytes: number) => {
    const fd = present(() => openRegular(kernel, path));
    if (fd === undefined) return undefined;
    try {
      return readToEnd(kernel, fd, path, maxBytes);
    } finally {
      kernel.close(fd);
    }
  };
  const which = (name: string) => {
    if (name.includes("/")) return name;
    const folders = (environment.get("PATH") ?? "").split(":").filter((one) => one !== "");
    return folders.map((folder) => `${folder}/${name}`).find((path) => isProgram(stat(path)?.mode));
  };
  return {
    euid: kernel.euid(),
    cpuid,
    msr: (register) => readMsr(kernel, register),
    text: (path) => {
      const found = bytes(path, largestTextBytes);
      return found === undefined ? undefined : new TextDecoder().decode(found);
    },
    bytes,
    stat,
    list: (path) => present(() => kernel.list(path))?.map(({ name }) => name),
    refusal: (path) =>
      reasonOf(() => kernel.close(kernel.open(path, O_RDWR | O_NONBLOCK)), `open \`${path}\``),
    which,
    vdso: () => readVdso(kernel),
    hierarchies: () => readHierarchies(kernel),
    without: (call) => {
      const attempts = {
        pidfd_open: () => kernel.close(kernel.pidfd(kernel.pid())),
        openat2: () => kernel.close(kernel.openWithoutMagicLinks("/", O_PATH)),
      };
      return reasonOf(attempts[call], call);
    },
    seccompVersion: () => libseccomp(kernel).version(),
    output: async ([program = "", ...argv]) => {
      const path = which(program);
      return path === undefined || stat(path) === undefined
        ? undefined
        : await outputOf([path, ...argv], environment);
    },
    listens: (socket) => {
      const connection = unlessErrno(() => kernel.connectUnix(socket), ENOENT, ECONNREFUSED);
      if (connection !== undefined) kernel.close(connection);
      return connection !== undefined;
    },
    aesm: async (socket) => {
      const exchange = unixExchange({ socket, timeoutMs: aesmTimeoutMs });
      const client = aesmClient({ exchange, timeoutMs: aesmTimeoutMs });
      const { extendedGroupId } = await client.ask("getExtendedEpidGroupId", {});
      return `extended EPID group ${extendedGroupId}`;
    },
    get: async (url) => {
      try {
        return (await httpFetcher({ insecure: false })(url)).status;
      } catch (error) {
        throw RuneError.from(error, `fetch \`${url}\``);
      }
    },
    nodeConfig: () => readNodeConfig(kernel, nodeConfig),
    pal: (path, palDirs) => {
      const { fd } = openPal(kernel, path, palDirs);
      try {
        return readToEnd(kernel, fd, path, largestPalBytes);
      } finally {
        kernel.close(fd);
      }
    },
  };
}

function isProgram(mode: number | undefined): boolean {
  return mode !== undefined && (mode & S_IFMT) === S_IFREG && (mode & 0o111) !== 0;
}

function reasonOf(attempt: () => void, doing: string): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return RuneError.from(error, doing).reason;
  }
}

async function outputOf(argv: readonly string[], environment: ReadonlyMap<string, string>) {
  const child = Bun.spawn([...argv], {
    env: Object.fromEntries(environment),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: outputTimeoutMs,
    killSignal: "SIGKILL",
  });
  const [out, err, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, text: `${out}${err}` };
}
