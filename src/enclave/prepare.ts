// SPDX-License-Identifier: Apache-2.0
/** From what a configuration says of its enclave to what launching it needs. */
import { type Platform, readNodeConfig } from "../config/node-config.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Config } from "../oci/config.ts";
import { type SimulatedService, simulatedNodes, withEnclave } from "./additions.ts";
import { type EnclaveConfig, readEnclaveConfig } from "./enclave-config.ts";
import { detectSgx, hasDriver } from "./host-detection.ts";
import { checkPalFile } from "./pal-file.ts";
import { type OpenedPal, openPal } from "./pal-path.ts";
import { type ChosenPlatform, choosePlatform } from "./platform-choice.ts";
import { checkProfile } from "./profile-check.ts";
import { type SimulatedEpc, takeEpcLimit } from "./simulated-epc.ts";

export type PreparedEnclave = {
  /** With the enclave's devices, rules and mounts, without its variables. */
  readonly config: Config;
  readonly enclave: EnclaveConfig;
  readonly platform: ChosenPlatform;
  /** Behind the simulated platform; absent where the caller wants none. */
  readonly service?: SimulatedService;
  /** How much simulated enclave memory the container may have; absent where nothing bounds it. */
  readonly epcBytes?: number;
  /** Absent without a type. */
  readonly pal?: OpenedPal;
  readonly palInitTimeoutMs: number;
  readonly warnings: readonly string[];
};

export type Surroundings = {
  readonly kernel: Kernel;
  /** The path of the node's configuration. */
  readonly nodeConfig: string;
  /** Finds the simulated platform's service, or starts it; undefined where the caller wants none. */
  readonly service: () => SimulatedService | undefined;
};

/** Undefined for an ordinary container. Nothing is left open when it throws. */
export function prepareEnclave(
  { kernel, nodeConfig, service: findService }: Surroundings,
  config: Config,
  flag: Platform | undefined,
): PreparedEnclave | undefined {
  const enclave = readEnclaveConfig(config) ?? platformOnly(config, flag);
  if (enclave === undefined) return undefined;
  const node = readNodeConfig(kernel, nodeConfig);
  const host = detectSgx(kernel);
  if (
    enclave.type === undefined &&
    (flag ?? enclave.platform?.name) === "hardware" &&
    !hasDriver(host)
  ) {
    return undefined; // nothing is asked for that an ordinary container lacks
  }
  const platform = choosePlatform(flag, enclave, node, host);
  const simulated = platform.name === "simulation";
  checkProfile(config.linux?.seccomp, { pal: enclave.type !== undefined, simulation: simulated });
  const epc: SimulatedEpc = simulated ? takeEpcLimit(config) : { config };
  const service = simulated ? findService() : undefined;
  const changed = simulated
    ? withEnclave(kernel, epc.config, simulatedNodes, { simulated, service, epcBytes: epc.bytes })
    : withEnclave(kernel, config, host.nodes, { simulated });
  // Last: whatever else fails leaves no descriptor behind.
  const pal = enclave.type === undefined ? undefined : openedPal(kernel, enclave, node.palDirs);
  return {
    config: changed,
    enclave,
    platform,
    ...(service === undefined ? {} : { service }),
    ...(epc.bytes === undefined ? {} : { epcBytes: epc.bytes }),
    ...(pal === undefined ? {} : { pal }),
    palInitTimeoutMs: node.palInitTimeoutMs,
    warnings: [
      ...node.warnings,
      ...enclave.warnings,
      ...(simulated
        ? [`simulated SGX platform, chosen by ${platform.chosenBy}: nothing is protected`]
        : []),
    ],
  };
}

/** The PAL's descriptor, if it is a file that can be loaded; else none is left open. */
function openedPal(kernel: Kernel, { palPath }: EnclaveConfig, dirs: readonly string[]): OpenedPal {
  const pal = openPal(kernel, palPath, dirs);
  try {
    checkPalFile(kernel, pal);
    return pal;
  } catch (error) {
    kernel.close(pal.fd);
    throw error;
  }
}

/** `--platform` on a container that names neither type nor platform. */
function platformOnly(config: Config, flag: Platform | undefined): EnclaveConfig | undefined {
  if (flag !== "simulation") return undefined;
  const annotations = { ...config.annotations, "enclave.platform": flag };
  return readEnclaveConfig({ ...config, annotations });
}

/**
 * The record that the original kept in state.json, in its shape. It stored SPID and subscription key
 * in clear text; here only whether they were given is known.
 */
export function storedEnclaveConfig({ enclave, pal }: PreparedEnclave): object {
  return {
    Enclave: {
      type: enclave.type ?? "",
      path: pal?.path ?? "",
      ...(enclave.palArgs === "" ? {} : { args: enclave.palArgs }),
      loglevel: enclave.logLevel,
      ...(enclave.raType === undefined ? {} : { ra_type: enclave.raType }),
      ...(enclave.hasEpidSecrets ? { ra_epid_secrets_given: true } : {}),
    },
  };
}
