// SPDX-License-Identifier: Apache-2.0
/** `rune restore`: a container from the images of a checkpoint, through criu. */
import { readHierarchies } from "../cgroups/layout.ts";
import { mentionsEnclave } from "../enclave/mentions.ts";
import { RuneError } from "../errors/error.ts";
import type { Fd } from "../kernel/kernel.ts";
import { checkUser } from "../plan/user.ts";
import { type Bundle, checkSupported, readBundle } from "./bundle.ts";
import { type ConsoleSocket, connectConsole, requireConsoleSocket } from "./console.ts";
import { openDirectory, requireFeature, requireVersion, warnUnlessRoot } from "./criu.ts";
import { requireEntry } from "./criu-images.ts";
import { type SharedRequest, workDirectory } from "./criu-options.ts";
import { closingOnFailure, type Deps } from "./deps.ts";
import { callerOf } from "./launch.ts";
import { loadHelpers } from "./launch-helpers.ts";
import { checkLabels } from "./lsm.ts";
import { absolute } from "./path.ts";
import { removePidFile, writePidFile } from "./pid-file.ts";
import { readStdio } from "./restore-descriptors.ts";
import { type Restoration, Restoring } from "./restoring.ts";
import { monitorPlan } from "./run.ts";
import { becomePlan } from "./runelet.ts";
import { prepareSeccomp } from "./seccomp.ts";
import { ContainerDirectory } from "./store.ts";
import { prepareUnit } from "./unit.ts";

export type RestoreRequest = SharedRequest & {
  readonly id: string;
  /** The directory with config.json. */
  readonly bundle: string;
  readonly consoleSocket?: ConsoleSocket;
  readonly pidFile?: string;
  readonly detach: boolean;
  readonly subreaper: boolean;
  /** A label in the place of the one that the processes had. */
  readonly lsmProfile?: string;
  /** A label in the place of that of the container's mounts. */
  readonly lsmMountContext?: string;
};

/** Restores a container. In the foreground this process becomes its monitor. */
export function restore(deps: Deps, request: RestoreRequest): Promise<void> {
  return closingOnFailure(deps, (own) => restoreWith(own, request));
}

async function restoreWith(deps: Deps, request: RestoreRequest): Promise<void> {
  const { kernel } = deps;
  const { detach, consoleSocket, subreaper } = request;
  warnUnlessRoot(deps, "restore");
  const bundle = readBundle(kernel, request.bundle);
  const { config } = bundle;
  refuseEnclave(request, bundle);
  checkSupported(config);
  checkLabels(kernel, config.process, config.linux?.mountLabel);
  const caller = callerOf(kernel);
  checkUser(config, caller);
  const terminal = config.process.terminal === true;
  requireConsoleSocket(terminal, consoleSocket, detach);
  const images = openDirectory(kernel, absolute(kernel, request.imagePath));
  requireEntry(kernel, images, { path: request.imagePath, config });
  const stdio = readStdio(kernel, images, request.imagePath);
  const directories = { images, ...workDirectory(kernel, request) };
  const criuVersion = requireVersion(deps);
  checkLabelOptions(criuVersion, request);
  if (request.lazyPages) requireFeature(deps, "lazyPages", "--lazy-pages");
  const { unit } = await prepareUnit(deps, request.id, config);
  const { seccomp } = await prepareSeccomp(deps, config);
  const helpers = await loadHelpers(config, undefined, deps.notifySocket);

  const [ours, theirs] = terminal && !detach ? kernel.streamPair() : [undefined, undefined];
  const console = consoleSocket === undefined ? theirs : connectConsole(kernel, consoleSocket);
  const restoration: Restoration = {
    request,
    bundle,
    caller,
    directories,
    stdio,
    helpers,
    hierarchies: readHierarchies(kernel),
    ...(unit === undefined ? {} : { unit }),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(console === undefined ? {} : { console }),
  };
  const directory = ContainerDirectory.create(kernel, deps.root, request.id, deps.stickyRoot);
  const attempt = new Restoring(deps, restoration, directory);
  let pidFile: string | undefined;
  try {
    const { pid, state, hasTerminal } = attempt.restore();
    if (request.pidFile !== undefined) {
      writePidFile(kernel, request.pidFile, pid);
      pidFile = request.pidFile;
    }
    for (const fd of Object.values(directories)) kernel.close(fd);
    if (console !== undefined) kernel.close(console);
    if (detach) return directory.release();
    const launched = { directory, state, pid };
    const watch = { subreaper, keep: false, helpers, notify: undefined };
    const terminalSocket: Fd | undefined = hasTerminal ? ours : undefined;
    await becomePlan(deps, monitorPlan(deps, launched, { ...watch, ours: terminalSocket }));
  } catch (error) {
    removePidFile(kernel, pidFile);
    attempt.undo();
    throw error;
  }
}

function refuseEnclave({ id }: RestoreRequest, { config }: Bundle): void {
  if (!mentionsEnclave(config)) return;
  const doing = `restore \`${id}\``;
  const reason = "the bundle is of an enclave container: an enclave cannot be restored";
  throw new RuneError({ code: "CONFIG_UNSUPPORTED", doing, reason });
}

/** What older versions ignore or get wrong: runc asks for the same. */
const labelsFrom = 31600;

function checkLabelOptions(version: number, request: RestoreRequest): void {
  const option =
    request.lsmProfile !== undefined
      ? "--lsm-profile"
      : request.lsmMountContext !== undefined
        ? "--lsm-mount-context"
        : undefined;
  if (option === undefined || version >= labelsFrom) return;
  const reason = "it needs criu 3.16 or newer";
  throw new RuneError({ code: "CRIU", doing: `use \`${option}\``, reason });
}
