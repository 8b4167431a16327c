// SPDX-License-Identifier: Apache-2.0
/** For tests: a host with cgroups, a bundle and a runelet that behaves, on the recording kernel. */
import type { Fd } from "../kernel/kernel.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import { defaultSpec } from "../oci/default-spec.ts";
import { RecordWriter } from "../record/record.ts";
import type { Deps } from "./deps.ts";
import { encodeState, type State, stateSchema } from "./state.ts";

export const root = "/run/rune";
/** The pid the fake runelet gives its child. */
export const initPid = 4242;

export const cgroup = [
  { version: 1, controllers: ["memory"], path: "/cg/memory/web" },
  { version: 2, controllers: [], path: "/cg/unified/web" },
] as const;

export type Host = {
  readonly kernel: RecordingKernel;
  readonly deps: Deps;
  readonly warnings: string[];
};

/** What the fake runelet says once it has its plan; by default that its child is ready. */
export type Answers = (kernel: RecordingKernel) => readonly Uint8Array[];

export function fakeHost(config: object = {}, answers: Answers = ready): Host {
  const kernel = new RecordingKernel()
    .cgroupMount("/cg/memory", { "cgroup.procs": "", tasks: "", "memory.limit_in_bytes": "" })
    .cgroupMount("/cg/unified", { "cgroup.procs": "" })
    .file("/proc/self/cgroup", "4:memory:/\n0::/\n")
    .file(
      "/proc/self/mountinfo",
      "35 24 0:32 / /cg/memory rw - cgroup cgroup rw,memory\n41 24 0:38 / /cg/unified rw - cgroup2 cgroup2 rw\n",
    )
    .file("/lib/rune/runelet", "\x7fELF")
    .file("/bundle/config.json", configText(config))
    .directory("/bundle/rootfs")
    .directory("/run");
  const warnings: string[] = [];
  const deps: Deps = {
    kernel,
    libDir: "/lib/rune",
    root,
    stickyRoot: false,
    rootless: "auto",
    searchPath: () => "/usr/bin",
    callerVariable: () => undefined,
    nodeConfig: "/etc/inclavare-containers/config.toml",
    version: "0.0.0",
    openDescriptors: new Set(),
    reportCommand: (verb, id) => ["rune", "report", verb, id],
    systemd: {
      wanted: false,
      user: () => false,
      environment: () => ({}),
      deleteCommand: (id) => ({ argv: ["/bin/rune", "delete", id], env: [] }),
    },
    criu: { program: "criu", environment: () => ["PATH=/usr/bin"] },
    warn: (message) => warnings.push(message),
  };
  behaveAsRunelet(kernel, answers);
  return { kernel, deps, warnings };
}

/** The default configuration without a terminal, changed at its top level. */
export function configText(change: object = {}): string {
  const spec = defaultSpec({ kind: "default" }, { unifiedCgroups: false });
  const terminal = (value: unknown, key: string) => (key === "terminal" ? false : value);
  const plain = JSON.stringify(spec, (key, value) => terminal(value, key));
  return JSON.stringify({ ...JSON.parse(plain), ...change });
}

/** A container with a state file; its init runs, or has ended. */
export function existing({ kernel }: Host, change: Partial<State> = {}, alive = true): State {
  const state: State = {
    schema: stateSchema,
    writer: "0.0.0",
    id: "web",
    bundle: "/bundle",
    rootfs: "/bundle/rootfs",
    ociVersion: "1.2.0",
    created: "2026-11-23T23:31:00.789Z",
    ownerUid: 0,
    annotations: {},
    init: { pid: initPid, startTime: 1000 },
    cgroup,
    namespaces: 0x6c020000,
    ownPidNamespace: true,
    ...change,
  };
  for (const { path } of state.cgroup) kernel.mkdir(path, 0o755);
  kernel.file(`${root}/web/state.json`, encodeState(state));
  if (alive) {
    kernel.process(initPid);
    for (const { path } of state.cgroup) kernel.file(`${path}/cgroup.procs`, `${initPid}\n`);
  }
  kernel.calls.length = 0;
  return state;
}

export const pidMessage = (pid: number) => message(1, (w) => w.u32(pid));
export const readyMessage = () => message(2, () => {});
export const failedMessage = (code: number, errno: number, doing: string, reason: string) =>
  message(3, (w) => w.u32(code).u32(errno).string(doing).string(reason));

export function message(code: number, fill: (writer: RecordWriter) => void): Uint8Array {
  const writer = new RecordWriter().begin(code);
  fill(writer);
  return writer.end().finish().slice();
}

/** The usual course: the child is made, in its cgroups, and ready. */
export function ready(kernel: RecordingKernel): readonly Uint8Array[] {
  kernel.process(initPid);
  for (const { path } of cgroup) {
    if (kernel.text(`${path}/cgroup.procs`) !== undefined) {
      kernel.file(`${path}/cgroup.procs`, `${initPid}\n`);
    }
  }
  return [pidMessage(initPid), readyMessage()];
}

/** Answers PLAN; its child lives until its channel closes before RUN, or somebody kills it. */
function behaveAsRunelet(kernel: RecordingKernel, answers: Answers): void {
  let channel: Fd | undefined;
  let running = false;
  kernel.reactions.write = (fd, bytes) => {
    if (kernel.nameOf(fd) !== "channel") return;
    if (bytes[0] === 17) {
      const packets = answers(kernel);
      // A plan of hooks makes no child, and its end is nobody's.
      if (packets.length === 0 || packets.some(([code]) => code === 1)) channel ??= fd;
      for (const packet of packets) kernel.deliver(fd, packet);
    } else if (bytes[0] === 16) running = true;
  };
  kernel.reactions.close = (fd) => {
    if (fd === channel && !running) kernel.endProcess(initPid);
  };
}
