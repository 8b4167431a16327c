// SPDX-License-Identifier: Apache-2.0
/** The server of a namespace: from its sockets to its end, once there is nothing to serve any more. */
import { ENOENT, O_CREAT, O_RDWR } from "../kernel/constants.ts";
import { type Kernel, unlessErrno } from "../kernel/kernel.ts";
import { plannerCalls } from "../kernel/planner-calls.ts";
import { shimCalls } from "../kernel/shim-calls.ts";
import { serve } from "../ttrpc/server.ts";
import type { ShimCall } from "./command-line.ts";
import { createPublisher } from "./events.ts";
import { bundleLog } from "./log.ts";
import { Place } from "./place.ts";
import { Rest } from "./rest.ts";
import { ShimServer } from "./server.ts";
import { taskService } from "./service.ts";

const [SIGHUP, SIGINT, SIGTERM] = [1, 2, 15] as const;

/** Containers often follow one another: the next one finds the server still there. */
const lingerMs = 3000;
/** A `start` that no Create has followed for so long is none any more. */
const startingMaxSeconds = 120;

export async function serveNamespace(kernel: Kernel, call: ShimCall): Promise<void> {
  // As the stock shim: what ends a service or a session is not the pods' end.
  for (const signal of [SIGHUP, SIGINT, SIGTERM]) plannerCalls.ignoreSignal(signal);
  const place = new Place(call.address, call.namespace);
  const { environment } = call;
  const publisher = createPublisher({
    address: environment.get("TTRPC_ADDRESS") ?? "",
    namespace: call.namespace,
    binary: call.publishBinary,
    containerd: call.address,
    warn: () => {}, // containerd is away: there is nobody to tell
  });
  const rest = new Rest(kernel, shimCalls, process.execPath);
  const server = new ShimServer({
    ...{ kernel, place, publisher, libDir: call.libDir, namespace: call.namespace },
    calls: { ...shimCalls, ...plannerCalls },
    environment,
    stir: () => rest.stir(),
    log: bundleLog(kernel, call.namespace, call.debug),
  });
  const listener = serve({ address: place.socket, services: taskService(server) });
  for (;;) {
    await server.idle();
    await Bun.sleep(lingerMs);
    if (server.isBusy() || listener.connections() > 0) continue;
    const lock = kernel.open(place.lock, O_RDWR | O_CREAT, 0o600);
    const mine = plannerCalls.tryLock(lock);
    if (mine && !server.isBusy() && listener.connections() === 0 && !isAwaited(kernel, place)) {
      await publisher.drained(lingerMs);
      // Whoever waits for the lock finds no socket, and starts another server.
      await listener.close();
      server.pods.close();
      place.remove(kernel);
      return;
    }
    kernel.close(lock);
  }
}

function isAwaited(kernel: Kernel, place: Place): boolean {
  const now = Date.now() / 1000;
  return kernel.list(place.starting).some(({ name }) => {
    const path = `${place.starting}/${name}`;
    const found = unlessErrno(() => kernel.stat(path), ENOENT);
    const fresh = found !== undefined && now - found.modified < startingMaxSeconds;
    if (!fresh) unlessErrno(() => kernel.unlink(path), ENOENT);
    return fresh;
  });
}
