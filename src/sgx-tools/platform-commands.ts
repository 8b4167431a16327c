// SPDX-License-Identifier: Apache-2.0
/** The command line of `sgx-tools platform`, as data. */
import { defineCommand } from "../options/option.ts";

const none = { usage: "", minimum: 0, maximum: 0 } as const;
const json = { name: "json", kind: "flag", help: "print an object" } as const;

const idleTimeout = {
  name: "idle-timeout",
  kind: "integer",
  argument: "seconds",
  default: 300,
  minimum: 0,
  maximum: 1_000_000,
  help: "end when nothing has used the platform for so long; 0: never",
} as const;

export const platformStatus = defineCommand({
  name: "platform status",
  path: "sgx-tools platform status",
  summary: "print what the simulated platform's service says of itself",
  arguments: none,
  options: [json],
});

export const platformEnclaves = defineCommand({
  name: "platform enclaves",
  path: "sgx-tools platform enclaves",
  summary: "list the enclaves that run on the simulated platform",
  arguments: none,
  options: [json],
});

export const platformMetrics = defineCommand({
  name: "platform metrics",
  path: "sgx-tools platform metrics",
  summary: "print what the simulated platform's service has counted, as Prometheus reads it",
  arguments: none,
  options: [],
});

export const platformReset = defineCommand({
  name: "platform reset",
  path: "sgx-tools platform reset",
  summary: "make the simulated platform another machine: all that was sealed is lost",
  arguments: none,
  options: [{ name: "yes", kind: "flag", help: "do it; without it nothing is done" }],
});

export const platformStart = defineCommand({
  name: "platform start",
  path: "sgx-tools platform start",
  summary: "start the simulated platform's service, where none runs",
  arguments: none,
  options: [idleTimeout],
});

export const platformStop = defineCommand({
  name: "platform stop",
  path: "sgx-tools platform stop",
  summary: "end the simulated platform's service",
  arguments: none,
  options: [],
});

export const platformServe = defineCommand({
  name: "platform serve",
  path: "sgx-tools platform serve",
  summary: "be the simulated platform's service",
  arguments: none,
  options: [
    { name: "runtime", kind: "string", argument: "folder", help: "where the sockets are" },
    { name: "state", kind: "string", argument: "folder", help: "where the secret is" },
    idleTimeout,
    {
      name: "ready-fd",
      kind: "integer",
      argument: "n",
      minimum: 3,
      maximum: 1023,
      help: "the descriptor to which a byte is written when the service answers",
    },
  ],
});
