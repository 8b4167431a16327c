// SPDX-License-Identifier: Apache-2.0
/** What a check is, and what it may find. */
import type { Probe } from "./probe.ts";

export const topics = [
  "sgx",
  "containers",
  "attestation",
  "containerd",
  "docker",
  "podman",
  "kubernetes",
] as const;

export type Topic = (typeof topics)[number];

/**
 * `missing`: it is not there, and may be wanted. `broken`: it is there and cannot work. `unknown`: it
 * cannot be looked at, by this caller or at all.
 */
export type Status = "ok" | "missing" | "broken" | "unknown";

export type Finding = {
  readonly status: Status;
  /** Lower case, no full stop. */
  readonly reason: string;
  /** The command, or the one thing to do, that mends it. */
  readonly mend?: string;
};

/** What the command line says. */
export type Settings = {
  /** In front of /etc, for an image or another root; "" is this machine. */
  readonly configRoot: string;
  /** Ask services that the configuration names. */
  readonly network: boolean;
  /** The simulated platform's emulator socket; undefined where the caller wants no service. */
  readonly platformSocket: string | undefined;
  /** Absolute; undefined: those that the node's directories hold. */
  readonly pal: string | undefined;
  /** Undefined: the sample's. */
  readonly enclave: string | undefined;
  /** SIGSTRUCT; undefined: beside the enclave, `.ss` or `.sig`. */
  readonly signature: string | undefined;
  readonly aesmSocket: string;
  readonly criu: string;
  readonly stateRoot: string;
  /** Where runelet and its companions are. */
  readonly libDir: string;
};

export type Check = {
  readonly topic: Topic;
  /** Unique within its topic. */
  readonly name: string;
  /** What is looked at, for the reference page. */
  readonly about: string;
  /** What is not there does not make `rune doctor TOPIC` fail. */
  readonly optional?: true;
  readonly look: (probe: Probe, settings: Settings) => Finding | Promise<Finding>;
};

export function ok(reason: string): Finding {
  return { status: "ok", reason };
}

export function missing(reason: string, mend?: string): Finding {
  return finding("missing", reason, mend);
}

export function broken(reason: string, mend?: string): Finding {
  return finding("broken", reason, mend);
}

export function unknown(reason: string, mend?: string): Finding {
  return finding("unknown", reason, mend);
}

function finding(status: Status, reason: string, mend: string | undefined): Finding {
  return { status, reason, ...(mend === undefined ? {} : { mend }) };
}
