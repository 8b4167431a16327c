// SPDX-License-Identifier: Apache-2.0
/** Hands a parsed command to its verb in src/container and prints what it returns. */

import type { Deps } from "../container/deps.ts";
import { absolute } from "../container/path.ts";
import type { Front } from "../kernel/front.ts";
import type { Fd, Kernel } from "../kernel/kernel.ts";
import { isInUserNamespace } from "../kernel/user-namespace.ts";
import { type ContainerStart, given } from "./container-options.ts";
import type { GlobalOptions } from "./global.ts";
import type { Log } from "./log.ts";
import { stateRoot } from "./state-root.ts";
import type { Command } from "./table.ts";

export type Session = {
  readonly kernel: Kernel;
  readonly global: GlobalOptions;
  readonly front: Front;
  readonly log: Log;
  readonly libDir: string;
  /** The exit status of a command whose result is one; 0 where nobody calls it. */
  readonly endWith: (exitCode: number) => void;
};

/** What a shell without PATH uses, and where newuidmap is. */
const defaultSearchPath = "/usr/local/bin:/usr/bin:/bin";

const stdout = 1 as Fd; // open: the front sees to it

/**
 * Each verb is imported when it is the one: what `state` or `kill` cost is mostly the reading of what
 * they do not use.
 */
export async function perform(command: Command, session: Session): Promise<void> {
  const { kernel } = session;
  const print = (text: string) => kernel.write(stdout, new TextEncoder().encode(text));
  switch (command.verb) {
    case "create": {
      const { create } = await import("../container/create.ts");
      return await create(depsOf(session), createRequest(command, session));
    }
    case "run": {
      const { run } = await import("../container/run.ts");
      const { detach, keep, noSubreaper } = command;
      const request = createRequest(command, session);
      return await run(depsOf(session), { ...request, detach, keep, subreaper: !noSubreaper });
    }
    case "exec": {
      const { exec } = await import("../container/exec.ts");
      const { execProcess } = await import("./exec-process.ts");
      const { id, detach, noSubreaper, ignorePaused, consoleSocket, pidFile, pidfdSocket } =
        command;
      const deps = depsOf(session);
      return await exec(deps, {
        id,
        process: (state) => execProcess(kernel, deps.root, command.program, state),
        detach,
        subreaper: !noSubreaper,
        ignorePaused,
        cgroups: command.cgroups,
        ...preserved(command.preserveFds, session),
        ...(consoleSocket === undefined ? {} : { consoleSocket }),
        ...(pidFile === undefined ? {} : { pidFile }),
        ...(pidfdSocket === undefined ? {} : { pidfdSocket }),
      });
    }
    case "report-failure": {
      const { failureOf } = await import("../container/channel.ts");
      const failure = failureOf(command.code, command.errno, command.doing, command.reason);
      if (command.failed === "exec") {
        const { noteExecFailure } = await import("../container/journal.ts");
        noteExecFailure(depsOf(session), failure.code);
      }
      if (command.failed !== "hook") throw failure;
      return session.log.warning(`poststop hooks: ${failure.message}`);
    }
    case "start": {
      const { start } = await import("../container/start.ts");
      return await start(depsOf(session), command.id);
    }
    case "kill": {
      const { kill } = await import("../container/kill.ts");
      return kill(depsOf(session), command.id, command.signal, command.all);
    }
    case "delete": {
      const { deleteContainers } = await import("../container/delete.ts");
      return await deleteContainers(depsOf(session), command.ids, command.force);
    }
    case "state": {
      const { inspect } = await import("../container/list.ts");
      return print(`${JSON.stringify(inspect(depsOf(session), command.id), null, 2)}\n`);
    }
    case "update": {
      const { update } = await import("../container/update.ts");
      const { verb: _, ...request } = command;
      return await update(depsOf(session), request);
    }
    case "pause": {
      const { pause } = await import("../container/pause.ts");
      return pause(depsOf(session), command.id);
    }
    case "resume": {
      const { resume } = await import("../container/resume.ts");
      return resume(depsOf(session), command.id);
    }
    case "checkpoint": {
      const { checkpoint } = await import("../container/checkpoint.ts");
      const { verb: _, ...request } = command;
      return await checkpoint(depsOf(session), request);
    }
    case "restore": {
      const { restore } = await import("../container/restore.ts");
      const { verb: _, ...request } = command;
      return await restore(depsOf(session), request);
    }
    case "events": {
      const { enclaveEvents, events, statistics } = await import("../container/events.ts");
      const { eventLine } = await import("./print-events.ts");
      const deps = depsOf(session);
      const { id, intervalMs, json } = command;
      const emit = (event: Parameters<typeof eventLine>[0]) => print(eventLine(event));
      if (id === undefined) return await enclaveEvents(deps, intervalMs, emit);
      if (intervalMs === undefined) return statistics(deps, id, emit);
      return await events(deps, id, intervalMs, emit, json);
    }
    case "ps": {
      const { processes } = await import("../container/processes.ts");
      const { formatPids, formatTable, hostPs } = await import("./print-processes.ts");
      const pids = processes(depsOf(session), command.id);
      if (command.format === "json") return print(formatPids(pids));
      const ps = hostPs(session.front.environment());
      return print(formatTable(pids, command.arguments, ps));
    }
    case "attest": {
      const { printAttest } = await import("./print-attest.ts");
      return await printAttest(depsOf(session), command, print);
    }
    case "top": {
      const [{ top }, { terminalSize, untilSignal }, { usages }] = await Promise.all([
        import("./top.ts"),
        import("./terminal.ts"),
        import("../container/usage.ts"),
      ]);
      const deps = depsOf(session);
      using end = untilSignal();
      const { signal } = end;
      const context = { kernel, print, size: terminalSize, signal, usages: () => usages(deps) };
      return await top(command, context);
    }
    case "metrics": {
      const { printMetrics } = await import("./print-metrics.ts");
      return printMetrics(depsOf(session), command, print);
    }
    case "doctor": {
      const { doctor } = await import("./print-doctor.ts");
      const { environment } = session.front;
      const status = await doctor(command, { deps: depsOf(session), environment, print, stdout });
      return session.endWith(status);
    }
    case "install":
    case "uninstall": {
      const { install, uninstall } = await import("./print-install.ts");
      const context = { kernel, print, libDir: session.libDir };
      return command.verb === "install" ? install(command, context) : uninstall(command, context);
    }
    case "planner": {
      const { plan } = await import("./planner.ts");
      return await plan(command, session);
    }
    case "planner-worker": {
      const { work } = await import("./planner.ts");
      return await work(session);
    }
    default: {
      const { printCold } = await import("./print-cold.ts");
      const { list } = await import("../container/list.ts");
      return await printCold(command, { kernel, print, list: () => list(depsOf(session)) });
    }
  }
}

function createRequest(command: ContainerStart, session: Session) {
  const { id, bundle = ".", noPivot, noNewKeyring } = command;
  const { consoleSocket, pidFile, pidfdSocket, platform } = command;
  return {
    id,
    bundle,
    noPivot,
    noNewKeyring,
    ...preserved(command.preserveFds, session),
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
    ...(pidFile === undefined ? {} : { pidFile }),
    ...(pidfdSocket === undefined ? {} : { pidfdSocket }),
    ...(platform === undefined ? {} : { platform }),
  };
}

/** Socket activation passes its descriptors behind the preserved ones: sd_listen_fds(3). */
function preserved(count: number, { front, kernel }: Session) {
  const descriptors = front.variable("LISTEN_FDS") ?? "";
  const addressee = front.variable("LISTEN_PID") ?? String(kernel.pid());
  const forUs = addressee === String(kernel.pid());
  const listening = forUs && /^[0-9]{1,4}$/.test(descriptors) ? Number(descriptors) : 0;
  return { preserveFds: count + listening, listeningFds: listening };
}

function depsOf(session: Session): Deps {
  const { kernel, global, front, log, libDir } = session;
  const { path, sticky } = stateRoot(global.root, {
    variable: front.variable,
    effectiveUid: kernel.euid(),
    inUserNamespace: () => isInUserNamespace(kernel),
  });
  return {
    kernel,
    libDir,
    root: absolute(kernel, path),
    stickyRoot: sticky,
    rootless: global.rootless,
    searchPath: () => front.environment().get("PATH") ?? defaultSearchPath,
    callerVariable: (name) => front.environment().get(name),
    nodeConfig: global.config ?? "/etc/inclavare-containers/config.toml",
    version: BUILD_VERSION,
    openDescriptors: front.openDescriptors,
    reportCommand: (verb, id) => [
      // Beside lib/inclavare, as the front that started this engine.
      `${libDir}/../../bin/rune`,
      ...(verb === "exec" ? ["--root", absolute(kernel, path)] : []),
      ...logFlags(session),
      ...["report-failure", verb, id],
    ],
    systemd: {
      wanted: global.systemdCgroup,
      user: () => isRootless(session),
      environment: () => busEnvironment(session),
      deleteCommand: (id) => ({
        argv: [
          `${libDir}/../../bin/rune`,
          ...["--root", absolute(kernel, path)],
          ...logFlags(session),
          ...["delete", "--force", id],
        ],
        env: busVariables.flatMap((name) => {
          const value = front.environment().get(name);
          return value === undefined ? [] : [`${name}=${value}`];
        }),
      }),
    },
    criu: {
      program: global.criu,
      environment: () => [...front.environment()].map(([name, value]) => `${name}=${value}`),
    },
    ...given("notifySocket", front.variable("NOTIFY_SOCKET") || undefined),
    ...(log.writes("debug") ? { step: log.debug } : {}),
    warn: (message) => log.warning(message),
  };
}

/** For a rune that a monitor calls: its working directory may be another by then. */
function logFlags({ global, kernel }: Session): string[] {
  const file = global.log === undefined ? [] : ["--log", absolute(kernel, global.log)];
  const level = global.logLevel === "info" ? [] : ["--log-level", global.logLevel];
  return [...file, "--log-format", global.logFormat, ...level];
}

/** Whose systemd it is: runc's rule, shouldUseRootlessCgroupManager. */
function isRootless({ kernel, global, front }: Session): boolean {
  if (global.rootless !== "auto") return global.rootless === "true";
  if (kernel.euid() !== 0) return true;
  return front.variable("USER") !== "root" && isInUserNamespace(kernel);
}

const busVariables = ["DBUS_SYSTEM_BUS_ADDRESS", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"];

function busEnvironment({ front, kernel }: Session) {
  const environment = front.environment();
  const [system, own, directory] = busVariables.map((name) => environment.get(name));
  return {
    ...given("systemBus", system),
    ...given("sessionBus", own),
    runtimeDirectory: directory ?? `/run/user/${kernel.euid()}`,
  };
}
