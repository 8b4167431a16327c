// SPDX-License-Identifier: Apache-2.0
/** The task service: which verb does which method. */
import { implement, type Service } from "../ttrpc/service.ts";
import { Task as TaskV2 } from "./proto/task-v2.gen.ts";
import { Task as TaskV3 } from "./proto/task-v3.gen.ts";
import type { ShimServer } from "./server.ts";
import { statusOf } from "./status-of-error.ts";
import { checkpoint } from "./task/checkpoint.ts";
import { connect } from "./task/connect.ts";
import { create } from "./task/create.ts";
import { remove } from "./task/delete.ts";
import { exec } from "./task/exec.ts";
import { kill } from "./task/kill.ts";
import { pause } from "./task/pause.ts";
import { pids } from "./task/pids.ts";
import { resume } from "./task/resume.ts";
import { start } from "./task/start.ts";
import { state } from "./task/state.ts";
import { stats } from "./task/stats.ts";
import { closeIO, resizePty } from "./task/terminal.ts";
import { update } from "./task/update.ts";
import { wait } from "./task/wait.ts";

/** Versions 2 and 3 are the same to the word, but for the service's name. */
export function taskService(server: ShimServer): readonly Service[] {
  const doing =
    <I extends { readonly id: string }, C, O>(
      name: string,
      verb: (server: ShimServer, request: I, call: C) => Promise<O>,
    ) =>
    async (request: I, call: C): Promise<O> => {
      const [since, before] = [performance.now(), server.tasks.get(request.id)];
      let outcome = "done";
      try {
        return await verb(server, request, call);
      } catch (error) {
        const status = statusOf(error, name);
        outcome = `failed: ${status.message}:`;
        throw status;
      } finally {
        server.input.stir();
        const about = before ?? server.tasks.get(request.id);
        if (server.input.log.debug && about !== undefined) {
          const ms = (performance.now() - since).toFixed(1);
          server.input.log.write(about, "debug", `${name}: ${outcome} in ${ms} ms`);
        }
      }
    };
  const handlers = {
    State: doing("state", state),
    Create: doing("create", create),
    Start: doing("start", start),
    Delete: doing("delete", remove),
    Pids: doing("pids", pids),
    Pause: doing("pause", pause),
    Resume: doing("resume", resume),
    Checkpoint: doing("checkpoint", checkpoint),
    Kill: doing("kill", kill),
    Exec: doing("exec", exec),
    ResizePty: doing("resize", resizePty),
    CloseIO: doing("close", closeIO),
    Update: doing("update", update),
    Wait: doing("wait", wait),
    Stats: doing("stats", stats),
    Connect: doing("connect", connect),
    // The server ends by itself once nothing is left: one task's end is not the others'.
    Shutdown: async () => ({}),
  };
  return [implement(TaskV2, handlers), implement(TaskV3, handlers)];
}
