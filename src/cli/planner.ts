// SPDX-License-Identifier: Apache-2.0
/** The planner and its workers, with rune's command line. */
import { RuneError } from "../errors/error.ts";
import type { Fd } from "../kernel/kernel.ts";
import { plannerCalls } from "../kernel/planner-calls.ts";
import { runPool } from "../planner/pool.ts";
import { Worker } from "../planner/worker.ts";
import type { Session } from "./perform.ts";
import { loadVerbs, plannerVerbs } from "./planner-verbs.ts";
import type { PlannerCommand } from "./verbs/planner.ts";

/** Keeps workers until it is told to end, or has nothing to do. */
export async function plan(command: PlannerCommand, session: Session): Promise<void> {
  const { kernel, log, libDir } = session;
  await runPool({
    kernel,
    calls: plannerCalls,
    engine: `${libDir}/engine`,
    flags: log.writes("debug") ? ["--debug"] : [],
    socket: passedSocket(session) ?? command.socket ?? usualSocket(session),
    idleMs: command.idleMs,
    workers: command.workers,
    step: log.debug,
    warn: log.warning,
  });
}

/** Serves fronts until the planner lets go. */
export async function work({ kernel, log, libDir }: Session): Promise<void> {
  const worker = new Worker({
    kernel,
    calls: plannerCalls,
    verbs: plannerVerbs(libDir),
    abandon: () => process.exit(1),
    tell: log.debug,
  });
  await loadVerbs();
  await worker.work();
}

/** systemd's, as sd_listen_fds(3) says. */
function passedSocket({ kernel, front }: Session): Fd | undefined {
  if (front.variable("LISTEN_PID") !== String(kernel.pid())) return undefined;
  if (front.variable("LISTEN_FDS") === "1") return 3 as Fd;
  const reason = `systemd has passed ${front.variable("LISTEN_FDS")} sockets`;
  throw new RuneError({ code: "USAGE", doing: "take systemd's socket", reason });
}

function usualSocket({ kernel, front }: Session): string {
  if (kernel.euid() === 0) return "/run/inclavare/planner.sock";
  const directory = front.variable("XDG_RUNTIME_DIR") ?? "";
  if (directory.startsWith("/")) return `${directory}/inclavare/planner.sock`;
  throw new RuneError({
    code: "USAGE",
    doing: "find a place for the socket",
    reason: "XDG_RUNTIME_DIR is not set",
    hint: "name one with --socket",
  });
}
