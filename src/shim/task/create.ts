// SPDX-License-Identifier: Apache-2.0

import { readConfig } from "../../container/bundle.ts";
import { create as createContainer } from "../../container/create.ts";
import type { Deps } from "../../container/deps.ts";
import { peekState } from "../../container/store.ts";
import { RuneError } from "../../errors/error.ts";
import type { Fd, Pid } from "../../kernel/kernel.ts";
import type { Config } from "../../oci/config.ts";
import type { Call } from "../../ttrpc/call.ts";
import { codes, StatusError } from "../../ttrpc/status.ts";
import { actAside, mayTakeLong } from "../aside.ts";
import { aside } from "../aside-input.ts";
import { killRest } from "../kill-rest.ts";
import { receiveMaster } from "../master.ts";
import { forgetTask, rememberTask } from "../memory.ts";
import { monitorKernel, type Stdio } from "../monitor-kernel.ts";
import { watchMemory } from "../oom.ts";
import { type TaskOptions, taskOptions } from "../options.ts";
import { deleteOwn } from "../ownership.ts";
import type { Pod } from "../pods.ts";
import { TaskCreate } from "../proto/events.gen.ts";
import type { CreateTaskRequest, CreateTaskResponse } from "../proto/task-v2.gen.ts";
import { mountRootfs, unmountRootfs } from "../rootfs.ts";
import type { ShimServer } from "../server.ts";
import { holdInput, type Opened, openStreams } from "../stdio.ts";
import { type Task, TaskProcess } from "../task.ts";
import { verbDeps } from "../verb-deps.ts";

/** Makes the container: its first process waits for Start. */
export async function create(
  server: ShimServer,
  request: CreateTaskRequest,
  call: Call,
): Promise<CreateTaskResponse> {
  const { id } = request;
  if (server.tasks.has(id) || server.making.has(id)) {
    throw new StatusError(codes.ALREADY_EXISTS, `container \`${id}\` exists`);
  }
  const [controller, ended] = [new AbortController(), Promise.withResolvers<void>()];
  server.making.set(id, { controller, ended: ended.promise });
  try {
    return await make(server, request, call, controller.signal);
  } finally {
    server.making.delete(id);
    ended.resolve();
  }
}

async function make(
  server: ShimServer,
  request: CreateTaskRequest,
  call: Call,
  givenUp: AbortSignal,
): Promise<CreateTaskResponse> {
  const { kernel, calls, libDir, place, namespace, environment } = server.input;
  const { id, bundle, rootfs, stdin, stdout, stderr, terminal } = request;
  const options = taskOptions(request.options);
  const config = readConfig(kernel, bundle);
  const group = groupOf(config.annotations ?? {}) ?? id;
  const pod = server.pods.enter(group, options.shimCgroup ?? "");
  const opened: Fd[] = [];
  const warn = (message: string) => server.input.warn(bundle, message);
  const depsWith = (stdio?: Stdio) => {
    const own = monitorKernel(kernel, pod.link, stdio);
    return verbDeps({ kernel: own, libDir, environment, namespace, options, warn });
  };
  const deps = depsWith();
  try {
    const token = server.token();
    const known = { root: deps.root, pod: pod.directory, token: String(token) };
    rememberTask(kernel, place, id, known);
    place.started(kernel, id);
    if (rootfs.length > 0) mountRootfs(kernel, calls, bundle, rootfs);
    const streams = { stdin, stdout, stderr, terminal };
    const process = new TaskProcess("", token, streams);
    const around = { kernel, calls, link: pod.link, container: id, namespace };
    const ready = await openStreams(around, streams, opened);
    const environment = await enclaveEnvironment(server, deps, config, bundle, () =>
      AbortSignal.any([call.signal, givenUp]),
    );
    const making = { request, options, config, pod, deps: depsWith, environment };
    await launch(server, making, ready);
    if (givenUp.aborted) throw new StatusError(codes.CANCELLED, `\`${id}\` is not wanted any more`);
    const task: Task = {
      ...{ id, bundle, pod, deps, options, init: process },
      execs: new Map(),
      mounted: rootfs.length > 0,
      endRest: () => killRest(deps, id),
      hooked: isHooked(config),
      paused: false,
    };
    await attach(server, task, ready, opened);
    server.tasks.set(id, task);
    announce(server, request, process.pid);
    return { pid: process.pid };
  } catch (error) {
    await undo(deps, id, bundle);
    server.pods.leave(pod);
    if (rootfs.length > 0) unmountRootfs(calls, bundle);
    forgetTask(kernel, place, id);
    throw error;
  } finally {
    for (const fd of opened) kernel.close(fd);
  }
}

type Making = {
  readonly request: CreateTaskRequest;
  readonly options: TaskOptions;
  readonly config: Config;
  readonly pod: Pod;
  readonly deps: (stdio: Stdio) => Deps;
  /** The process's variables, where a carrier has added to them. */
  readonly environment: readonly string[] | undefined;
};

async function launch(server: ShimServer, making: Making, ready: Opened): Promise<void> {
  const { request, options, config, pod, environment } = making;
  const { id, bundle, checkpoint } = request;
  const { console } = ready;
  if (checkpoint !== "") {
    const reason = "restoring is not possible through the shim";
    throw new RuneError({ code: "CONFIG_UNSUPPORTED", doing: `create \`${id}\``, reason });
  }
  if (mayTakeLong(config)) {
    const descriptors = [...ready.stdio, ...(console === undefined ? [] : [console.theirs])];
    const act = { ...aside(server, pod, options), verb: "create", id, bundle, environment };
    return await actAside(server.input, act, descriptors);
  }
  const { noPivotRoot = false, noNewKeyring = false } = options;
  await createContainer(making.deps(ready.stdio), {
    ...{ id, bundle, noPivot: noPivotRoot, noNewKeyring, preserveFds: 0, listeningFds: 0 },
    ...(console === undefined ? {} : { consoleSocket: console.theirs }),
    ...(environment === undefined ? {} : { environment }),
  });
}

/** Has an enclave made where the container asks for one; undefined: it is a container as it stands. */
async function enclaveEnvironment(
  { input }: ShimServer,
  { kernel, nodeConfig, libDir }: Deps,
  config: Config,
  bundle: string,
  signalOf: () => AbortSignal,
): Promise<readonly string[] | undefined> {
  const asks = config.process.env?.some((entry) => entry.startsWith("RUNE_CARRIER="));
  if (asks !== true) return undefined;
  const { prepareEnclave } = await import("../carrier/prepare.ts");
  const log = (level: "info" | "warning", message: string) => input.warn(bundle, message, level);
  return prepareEnclave({ kernel, nodeConfig, libDir, bundle, signal: signalOf(), log });
}

/** The container is there: its end is awaited, and what is held goes to the monitor. */
async function attach(server: ShimServer, task: Task, ready: Opened, opened: Fd[]): Promise<void> {
  const { kernel } = server.input;
  const { held, console } = ready;
  const { init, deps, pod } = task;
  const state = peekState(kernel, deps.root, task.id);
  init.pid = state.init?.pid ?? 0;
  const master = console === undefined ? {} : { master: receiveMaster(kernel, console.ours) };
  const given = { ...held, ...master, ...holdInput(server.input, init.streams, ready) };
  const handed = new Set<Fd>(Object.values(given));
  const left = opened.filter((fd) => !handed.has(fd));
  opened.splice(0, opened.length, ...left);
  server.watch(task, init);
  pod.link.watch(init.token, init.pid as Pid, given);
  watchMemory(kernel, pod.link, init.token, state.cgroup, deps.warn);
}

function isHooked({ hooks = {} }: Config): boolean {
  return (hooks.poststart ?? []).length + (hooks.poststop ?? []).length > 0;
}

/** In the order of the original: the pod's containers share one monitor. */
export function groupOf(annotations: Readonly<Record<string, string>>): string | undefined {
  return annotations["io.containerd.runc.v2.group"] ?? annotations["io.kubernetes.cri.sandbox-id"];
}

async function undo(deps: Deps, id: string, bundle: string): Promise<void> {
  try {
    await deleteOwn(deps, id, bundle);
  } catch (error) {
    deps.warn(RuneError.from(error, `undo \`${id}\``).message);
  }
}

function announce(server: ShimServer, request: CreateTaskRequest, pid: number): void {
  const { id, bundle, rootfs, stdin, stdout, stderr, terminal, checkpoint } = request;
  server.publish("/tasks/create", TaskCreate, {
    ...{ containerId: id, bundle, rootfs, pid, checkpoint },
    io: { stdin, stdout, stderr, terminal },
  });
}
