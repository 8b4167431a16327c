// SPDX-License-Identifier: Apache-2.0
/** A connection of our own to a container's agent, for what needs no descriptors passed. */
import { type AgentClient, type AgentStream, greetAgent } from "../enclave/agent-client.ts";
import type { Fd, Kernel } from "../kernel/kernel.ts";
import { connectAgent } from "./agent-socket.ts";
import type { Deps } from "./deps.ts";

/** Greets the agent and lets `use` talk to it. */
export function withAgent<T>(
  { kernel, root }: Pick<Deps, "kernel" | "root">,
  id: string,
  use: (agent: AgentClient) => T,
): T {
  const socket = connectAgent(kernel, `${root}/${id}`);
  try {
    return use(greetAgent(streamOf(kernel, socket)));
  } finally {
    kernel.close(socket);
  }
}

function streamOf(kernel: Kernel, socket: Fd): AgentStream {
  return {
    send(bytes, fds) {
      if (fds.length > 0) throw new RangeError("this connection passes no descriptors");
      kernel.write(socket, bytes);
    },
    // read(2) takes no control messages: descriptors that the agent sends are dropped.
    receive: (maxBytes, timeoutMs) =>
      kernel.waitReadable(socket, timeoutMs) ? kernel.read(socket, maxBytes) : undefined,
  };
}
