// SPDX-License-Identifier: Apache-2.0

import { readConfig } from "../../container/bundle.ts";
import { create as createContainer } from "../../container/create.ts";
import type { Deps } from "../../container/deps.ts";
import { RuneError } from "../../errors/error.ts";
import type { Fd } from "../../kernel/kernel.ts";
import type { Config } from "../../oci/config.ts";
import type { Call } from "../../ttrpc/call.ts";
import { codes, StatusError } from "../../ttrpc/status.ts";
import { actAside, mayTakeLong } from "../aside.ts";
import { aside } from "../aside-input.ts";
import { attach } from "../attach.ts";
import { forget } from "../forget.ts";
import { killRest } from "../kill-rest.ts";
import { forgetTask, rememberTask } from "../memory.ts";
import { monitorKernel, type Stdio } from "../monitor-kernel.ts";
import { taskOptions } from "../options.ts";
import { deleteOwn } from "../ownership.ts";
import { TaskCreate } from "../proto/events.gen.ts";
import type { CreateTaskRequest, CreateTaskResponse } from "../proto/task-v2.gen.ts";
import { mountRootfs, unmountRootfs } from "../rootfs.ts";
import type { ShimServer } from "../server.ts";
import { type Opened, openStreams } from "../stdio.ts";
import { surroundingsOf } from "../surroundings.ts";
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
    server.left();
  }
}

async function make(
  server: ShimServer,
  request: CreateTaskRequest,
  call: Call,
  givenUp: AbortSignal,
): Promise<CreateTaskResponse> {
  const { kernel, calls, libDir, place, namespace, environment, log } = server.input;
  const { id, bundle, rootfs, stdin, stdout, stderr, terminal } = request;
  const options = taskOptions(request.options);
  const config = readConfig(kernel, bundle);
  const group = groupOf(config.annotations ?? {}) ?? id;
  const pod = server.pods.enter(group, options.shimCgroup ?? "");
  const opened: Fd[] = [];
  const about = { id, bundle };
  const warn = (message: string) => log.write(about, "warning", message);
  const step = (message: string) => log.write(about, "debug", message);
  const depsWith = (stdio?: Stdio) => {
    const own = monitorKernel(kernel, pod.link, stdio);
    const told = log.debug ? { warn, step } : { warn };
    return verbDeps({ kernel: own, libDir, environment, namespace, options, ...told });
  };
  const deps = depsWith();
  const init = new TaskProcess("", server.token(), { stdin, stdout, stderr, terminal });
  const task: Task = {
    ...{ id, bundle, pod, deps, options, init },
    execs: new Map(),
    mounted: rootfs.length > 0,
    endRest: () => killRest(deps, id),
    hooked: isHooked(config),
    paused: false,
    ...(request.checkpoint === "" ? {} : { images: request.checkpoint }),
  };
  try {
    const known = { root: deps.root, pod: pod.directory, token: String(init.token) };
    rememberTask(kernel, place, id, known);
    place.started(kernel, id);
    if (task.mounted) mountRootfs(kernel, calls, bundle, rootfs);
    // One that is restored has nothing to wait with: all of it comes with Start.
    if (task.images === undefined) {
      const signal = () => AbortSignal.any([call.signal, givenUp]);
      const environment = await enclaveEnvironment(server, task, config, signal);
      const ready = await openStreams(surroundingsOf(server, task), init.streams, opened);
      await launch(server, { task, config, deps: depsWith, environment, signal }, ready);
      givenUp.throwIfAborted();
      attach(server, task, ready, opened);
    }
    server.tasks.set(id, task);
    announce(server, request, init.pid);
    return { pid: init.pid };
  } catch (error) {
    forget(server, task, init);
    await undo(server, task);
    server.pods.leave(pod);
    if (task.mounted) unmountRootfs(calls, bundle);
    forgetTask(kernel, place, id);
    throw error;
  } finally {
    for (const fd of opened) kernel.close(fd);
  }
}

type Making = {
  readonly task: Task;
  readonly config: Config;
  readonly deps: (stdio: Stdio) => Deps;
  /** The process's variables, where a carrier has added to them. */
  readonly environment: readonly string[] | undefined;
  readonly signal: () => AbortSignal;
};

async function launch(server: ShimServer, making: Making, ready: Opened): Promise<void> {
  const { task, config, environment } = making;
  const { id, bundle, options } = task;
  const { console } = ready;
  if (mayTakeLong(config)) {
    const descriptors = [...ready.stdio, ...(console === undefined ? [] : [console.theirs])];
    const act = { ...aside(server, task), verb: "create", environment };
    return await actAside(server.input, act, descriptors, making.signal());
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
  { id, bundle, deps }: Task,
  config: Config,
  signal: () => AbortSignal,
): Promise<readonly string[] | undefined> {
  const asks = config.process.env?.some((entry) => entry.startsWith("RUNE_CARRIER="));
  if (asks !== true) return undefined;
  const { prepareEnclave } = await import("../carrier/prepare.ts");
  const log = (level: "info" | "warning", message: string) =>
    input.log.write({ id, bundle }, level, message);
  const { kernel } = input;
  const { nodeConfig, libDir } = deps;
  return prepareEnclave({ kernel, nodeConfig, libDir, bundle, signal: signal(), log });
}

function isHooked({ hooks = {} }: Config): boolean {
  return (hooks.poststart ?? []).length + (hooks.poststop ?? []).length > 0;
}

/** In the order of the original: the pod's containers share one monitor. */
export function groupOf(annotations: Readonly<Record<string, string>>): string | undefined {
  return annotations["io.containerd.runc.v2.group"] ?? annotations["io.kubernetes.cri.sandbox-id"];
}

/** Hooks of its removal may take long, too: longer than anybody should wait for what has failed. */
const undoPatienceMs = 10_000;

async function undo(server: ShimServer, task: Task): Promise<void> {
  const { deps, id, bundle } = task;
  try {
    if (!task.hooked) return await deleteOwn(deps, id, bundle);
    const act = { ...aside(server, task), verb: "undo" };
    await actAside(server.input, act, [], AbortSignal.timeout(undoPatienceMs));
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
