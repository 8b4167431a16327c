// SPDX-License-Identifier: Apache-2.0
/** Hands a parsed command to its verb in src/container and prints what it returns. */
import { absolute } from "../container/bundle.ts";
import { create } from "../container/create.ts";
import { deleteContainer } from "../container/delete.ts";
import type { Deps } from "../container/deps.ts";
import { exec } from "../container/exec.ts";
import { kill } from "../container/kill.ts";
import { inspect, list } from "../container/list.ts";
import { run } from "../container/run.ts";
import { start } from "../container/start.ts";
import { ENOENT } from "../kernel/constants.ts";
import type { Front } from "../kernel/front.ts";
import { type Fd, type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";
import { libseccomp } from "../kernel/libseccomp.ts";
import type { ContainerStart } from "./container-options.ts";
import { execProcess } from "./exec-process.ts";
import type { GlobalOptions } from "./global.ts";
import type { Log } from "./log.ts";
import { printCold } from "./print-cold.ts";
import { stateRoot } from "./state-root.ts";
import type { Command } from "./table.ts";
import { refuseUnsupported } from "./unsupported.ts";

export type Session = {
  readonly kernel: Kernel;
  readonly global: GlobalOptions;
  readonly front: Front;
  readonly log: Log;
  readonly libDir: string;
};

const stdout = 1 as Fd; // open: the front sees to it

/** Resolves when done; hot verbs are done on return. */
export function perform(command: Command, session: Session): Promise<void> | undefined {
  refuseUnsupported(session.global, command);
  const { kernel } = session;
  const print = (text: string) => kernel.write(stdout, new TextEncoder().encode(text));
  switch (command.verb) {
    case "create":
      create(depsOf(session), createRequest(command, session));
      return undefined;
    case "run": {
      const { detach, keep, noSubreaper } = command;
      const request = createRequest(command, session);
      run(depsOf(session), { ...request, detach, keep, subreaper: !noSubreaper });
      return undefined;
    }
    case "exec": {
      const { id, detach, noSubreaper, ignorePaused, consoleSocket, pidFile } = command;
      exec(depsOf(session), {
        id,
        process: (config) => execProcess(kernel, command.program, config),
        detach,
        subreaper: !noSubreaper,
        ignorePaused,
        ...preserved(command.preserveFds, session),
        ...(consoleSocket === undefined ? {} : { consoleSocket }),
        ...(pidFile === undefined ? {} : { pidFile }),
      });
      return undefined;
    }
    case "start":
      start(depsOf(session), command.id);
      return undefined;
    case "kill":
      kill(depsOf(session), command.id, command.signal, command.all);
      return undefined;
    case "delete":
      deleteContainer(depsOf(session), command.id, command.force);
      return undefined;
    case "state":
      print(`${JSON.stringify(inspect(depsOf(session), command.id), null, 2)}\n`);
      return undefined;
    default:
      return printCold(command, { kernel, print, list: () => list(depsOf(session)) });
  }
}

function createRequest(command: ContainerStart, session: Session) {
  const { id, bundle = ".", noPivot, consoleSocket, pidFile } = command;
  return {
    id,
    bundle,
    noPivot,
    ...preserved(command.preserveFds, session),
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
    ...(pidFile === undefined ? {} : { pidFile }),
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

function depsOf({ kernel, global, front, log, libDir }: Session): Deps {
  const { path } = stateRoot(global.root, {
    variable: front.variable,
    effectiveUid: kernel.euid(),
    inUserNamespace: () => inUserNamespace(kernel),
  });
  return {
    kernel,
    seccomp: libseccomp(kernel),
    libDir,
    root: absolute(kernel, path),
    version: BUILD_VERSION,
    openDescriptors: front.openDescriptors,
    warn: (message) => log.warning(message),
  };
}

/** The initial namespace maps everything: "0 0 4294967295". */
function inUserNamespace(kernel: Kernel): boolean {
  const map = unlessErrno(() => readText(kernel, "/proc/self/uid_map"), ENOENT) ?? "";
  return !/^\s*0\s+0\s+4294967295\s*$/.test(map);
}
