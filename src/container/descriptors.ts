// SPDX-License-Identifier: Apache-2.0
/** Everything of ours that a container's first process gets; runelet inherits it when it starts. */
import { RuneError } from "../errors/error.ts";
import { O_NONBLOCK, O_RDONLY, O_RDWR } from "../kernel/constants.ts";
import type { Fd, Kernel } from "../kernel/kernel.ts";
import type { Config } from "../oci/config.ts";
import { cloneFlags, type NamespaceType, namespaceTypes } from "../oci/namespaces.ts";
import type { Entry, LaunchInput } from "../plan/host.ts";
import type { Deps } from "./deps.ts";
import type { LaunchRequest } from "./launch.ts";
import { preservedDescriptors } from "./runelet.ts";
import type { EnclaveState } from "./state.ts";
import type { ContainerDirectory } from "./store.ts";

/** Connections that may wait while pal_init still runs. */
const agentBacklog = 64;

export type Descriptors = Pick<
  LaunchInput,
  "namespaces" | "consoleSocket" | "fifo" | "entry" | "enclave"
> & {
  readonly all: readonly Fd[];
};

export function openDescriptors(
  deps: Deps,
  request: LaunchRequest,
  namespaces: ReadonlyMap<string, Fd>,
  directory: ContainerDirectory,
): Descriptors {
  const { kernel } = deps;
  const consoleSocket = request.console;
  const fifo = request.waitsForStart ? makeFifo(kernel, directory) : undefined;
  const enclave = { ...openReentry(deps, request), ...openEnclave(deps, request, directory) };
  const all = [...namespaces.values(), ...preservedDescriptors(request.preserveFds)];
  if (consoleSocket !== undefined) all.push(consoleSocket);
  if (fifo !== undefined) all.push(fifo);
  return {
    ...enclave,
    all: [...all, ...enclave.all],
    namespaces,
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
    ...(fifo === undefined ? {} : { fifo }),
  };
}

/** Opens the namespaces to join, so that what is checked is what is joined. */
export function openNamespaces(kernel: Kernel, config: Config): ReadonlyMap<string, Fd> {
  const open = new Map<string, Fd>();
  for (const { type, path } of config.linux?.namespaces ?? []) {
    if (path === undefined || path === "") continue;
    open.set(path, openNamespace(kernel, type, path));
  }
  return open;
}

function openNamespace(kernel: Kernel, type: NamespaceType, path: string): Fd {
  // A fifo in its place would keep whoever opens it waiting.
  const fd = kernel.open(path, O_RDONLY | O_NONBLOCK);
  requireType(kernel.namespaceType(fd), type, path);
  return fd;
}

/** setns(2) would say EINVAL, which says nothing. */
function requireType(found: number | undefined, type: NamespaceType, path: string): void {
  if (found === cloneFlags[type]) return;
  const actual = namespaceTypes.find((name) => cloneFlags[name] === found);
  const reason = actual === undefined ? "it is no namespace" : `it is one of type \`${actual}\``;
  throw new RuneError({
    code: "CONFIG_INVALID",
    doing: `join \`${path}\` as namespace of type \`${type}\``,
    reason,
  });
}

/** Held open for reading and writing: the init waits without /proc, `start` sees whether it lives. */
function makeFifo(kernel: Kernel, directory: ContainerDirectory): Fd {
  kernel.mkfifo(directory.fifo, 0o600);
  return kernel.open(directory.fifo, O_RDWR);
}

/**
 * An ordinary user may take no descriptor from a program that is not dumpable and was started outside
 * the container's user namespace (__ptrace_may_access in kernel/ptrace.c): where a seccomp listener has
 * to be taken, runelet starts once more inside.
 */
export function reentryFor({ kernel, libDir }: Deps, hasListener: boolean): Fd | undefined {
  if (!hasListener || kernel.euid() === 0) return undefined;
  return kernel.sealedCopy(`${libDir}/runelet`, "runelet");
}

function openReentry(deps: Deps, { seccomp }: LaunchRequest): Pick<Descriptors, "all" | "entry"> {
  const program = reentryFor(deps, seccomp?.listener !== undefined);
  return program === undefined
    ? { all: [] }
    : { all: [program], entry: { name: "runelet", program } };
}

function openEnclave(
  deps: Deps,
  { enclave }: LaunchRequest,
  directory: ContainerDirectory,
): Partial<Pick<Descriptors, "all" | "entry" | "enclave">> {
  if (enclave === undefined) return {};
  const { kernel, libDir } = deps;
  const name = enclave.pal === undefined ? "runelet" : "init-runelet";
  const simulated = enclave.state.platform === "simulation";
  if (enclave.pal === undefined && !simulated) return {};
  const program = kernel.sealedCopy(`${libDir}/${name}`, name);
  const entry: Entry = {
    name,
    program,
    ...(simulated ? openSimulator(deps, enclave.state) : {}),
  };
  const all = entry.simulator === undefined ? [program] : [program, entry.simulator];
  if (enclave.pal === undefined) return { all, entry };
  const { file, path, args, logLevel } = enclave.pal;
  const agent = listen(kernel, directory);
  return {
    all: [...all, file, agent],
    entry,
    enclave: { pal: file, palPath: path, palArgs: args, logLevel, agent },
  };
}

/** What a program is started under, on the simulated platform. */
export function openSimulator(
  { kernel, libDir }: Deps,
  { serviceSocket: service, epcBytes }: EnclaveState,
): Pick<Entry, "simulator" | "service" | "epcBytes"> {
  const simulator = kernel.sealedCopy(`${libDir}/sgxsim`, "sgxsim");
  return {
    simulator,
    ...(service === undefined ? {} : { service }),
    ...(epcBytes === undefined ? {} : { epcBytes }),
  };
}

/** The agent's socket: made here, so that its directory stays root's; only root may connect. */
function listen(kernel: Kernel, directory: ContainerDirectory): Fd {
  const path = directory.socketPath("agent.sock");
  const socket = kernel.listenUnix(path, agentBacklog);
  kernel.chmod(path, 0o600);
  return socket;
}
