// SPDX-License-Identifier: Apache-2.0
/** What the verbs need to know of an enclave container; src/enclave finds it out. */
import type { Platform } from "../config/node-config.ts";
import type { OwnAttestation } from "../enclave/enclave-config.ts";
import { mentionsEnclave } from "../enclave/mentions.ts";
import { RuneError } from "../errors/error.ts";
import type { Fd } from "../kernel/kernel.ts";
import type { Bundle } from "./bundle.ts";
import type { Deps } from "./deps.ts";
import type { EnclaveState, State } from "./state.ts";

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
  /** Wanted before the payload starts. It holds secrets: nothing of it is written anywhere. */
  readonly attestation?: OwnAttestation;
  /** For state.json, in the original's shape. */
  readonly record: object;
};

export type EnclaveBundle = { readonly bundle: Bundle; readonly enclave?: EnclaveLaunch };

/** Looks whether the bundle is for an enclave; if so, with what the enclave adds to it. */
export async function prepareBundle(
  deps: Deps,
  bundle: Bundle,
  platform: Platform | undefined,
): Promise<EnclaveBundle> {
  if (!mentionsEnclave(bundle.config, platform)) return { bundle };
  const { prepareEnclave, storedEnclaveConfig } = await import("../enclave/prepare.ts");
  const { readOwnAttestation } = await import("../enclave/enclave-config.ts");
  const { startedService } = await import("./platform-service.ts");
  const prepared = prepareEnclave(
    { kernel: deps.kernel, nodeConfig: deps.nodeConfig, service: () => startedService(deps) },
    bundle.config,
    platform,
  );
  if (prepared === undefined) return { bundle };
  for (const warning of prepared.warnings) deps.warn(warning);
  const { config, enclave, pal } = prepared;
  const { type, palArgs, logLevel } = enclave;
  const { palInitTimeoutMs } = prepared;
  const attestation =
    pal === undefined ? undefined : readOwnAttestation(bundle.config, enclave.raType);
  return {
    bundle: { ...bundle, config },
    enclave: {
      ...(pal === undefined
        ? {}
        : {
            pal: {
              file: pal.fd,
              path: pal.path,
              args: palArgs,
              logLevel,
              initTimeoutMs: palInitTimeoutMs,
            },
          }),
      state: {
        ...(type === undefined ? {} : { type }),
        platform: prepared.platform.name,
        platformChosenBy: prepared.platform.chosenBy,
        ...(pal === undefined ? {} : { pal: pal.path }),
        ...(prepared.service === undefined ? {} : { serviceSocket: prepared.service.socket }),
        ...(prepared.epcBytes === undefined ? {} : { epcBytes: prepared.epcBytes }),
      },
      ...(attestation === undefined ? {} : { attestation }),
      record: storedEnclaveConfig(prepared),
    },
  };
}

/** Lets a container that asks for it attest itself, while its payload waits. @throws RuneError */
export async function attestIfWanted(
  deps: Deps,
  enclave: EnclaveLaunch | undefined,
  state: State,
): Promise<void> {
  if (enclave?.attestation === undefined) return;
  const { attestCreated } = await import("./attest-created.ts");
  await attestCreated(deps, state, enclave.attestation);
}

/** Times of the kernel's clock at which parts of a start were done. */
type Times = { readonly begunMs: number; readonly preparedMs: number; readonly readyMs: number };

/** Writes down that an enclave has started, and what that took. */
export async function tellEnclave(
  deps: Deps,
  { id, enclave }: State,
  { begunMs, preparedMs, readyMs }: Times,
): Promise<void> {
  if (enclave?.pal === undefined) return;
  const attest = deps.kernel.nowMs() - readyMs;
  const phases = { prepare: preparedMs - begunMs, launch: readyMs - preparedMs, attest };
  const { noteEnclaveStart } = await import("./journal.ts");
  noteEnclaveStart(deps, id, enclave.platform, phases);
}

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
