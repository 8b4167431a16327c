// SPDX-License-Identifier: Apache-2.0
/** What the verbs need to know of an enclave container; src/enclave finds it out. */
import { RuneError } from "../errors/error.ts";
import type { Fd } from "../kernel/kernel.ts";
import type { EnclaveState } from "./state.ts";

export type EnclaveLaunch = {
  /** Absent where the container only gets an SGX platform (enclave.platform without enclave.type). */
  readonly pal?: {
    /** The checked file, which is what gets loaded. */
    readonly file: Fd;
    readonly path: string;
    readonly args: string;
    readonly logLevel: string;
    /** How long pal_init may take. */
    readonly initTimeoutMs: number;
  };
  readonly state: EnclaveState;
};

/** pal_init crashed, or called exit: all the host sees is the end of the channel. */
export function palDied({ path }: { readonly path: string }): RuneError {
  return new RuneError({
    code: "PAL_FAILED",
    doing: `start PAL \`${path}\``,
    reason: "init-runelet ended while it loaded or initialised the PAL, without a word",
    hint: "the PAL crashed or called exit; its own messages, if any, are on the container's standard error",
  });
}

export function palHangs({ path, initTimeoutMs }: NonNullable<EnclaveLaunch["pal"]>): RuneError {
  return new RuneError({
    code: "PAL_FAILED",
    doing: `start PAL \`${path}\``,
    reason: `pal_init has not come back within ${initTimeoutMs / 1000} s`,
    hint: "a large enclave may need longer: `[runtime] pal_init_timeout` in the node's configuration",
  });
}
