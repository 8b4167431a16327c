// SPDX-License-Identifier: Apache-2.0
/** Which SGX platform a container gets, and who decided: the design's rule. */
import type { NodeConfig, Platform } from "../config/node-config.ts";
import { RuneError } from "../errors/error.ts";
import { type EnclaveConfig, enclaveKeys } from "./enclave-config.ts";
import { hasDriver, type SgxHost } from "./host-detection.ts";

export type ChosenPlatform = { readonly name: Platform; readonly chosenBy: string };

/**
 * --platform beats ENCLAVE_PLATFORM beats enclave.platform beats the node's default. What an image or
 * pod asks for counts only where the node allows it: who runs on simulation gets no protection.
 * @throws RuneError SIMULATION_REFUSED, ENCLAVE_TYPE_UNSUPPORTED
 */
export function choosePlatform(
  flag: Platform | undefined,
  config: EnclaveConfig,
  node: NodeConfig,
  host: SgxHost,
): ChosenPlatform {
  const chosen = choose(flag, config, node);
  const isImages = flag === undefined && config.platform !== undefined;
  if (chosen.name === "simulation" && isImages && !(node.allowSimulation ?? !hasDriver(host))) {
    throw new RuneError({
      code: "SIMULATION_REFUSED",
      doing: `use the simulated platform, asked for by ${chosen.chosenBy}`,
      reason: "this node does not allow images and pods to choose it",
      hint: "`[runtime] allow_simulation = true` in the node's configuration allows it; it protects nothing",
    });
  }
  if (chosen.name === "hardware") requireHardware(host, node);
  return chosen;
}

function choose(
  flag: Platform | undefined,
  { platform }: EnclaveConfig,
  node: NodeConfig,
): ChosenPlatform {
  if (flag !== undefined) return { name: flag, chosenBy: "--platform" };
  if (platform !== undefined) {
    const [variable, annotation] = enclaveKeys.platform;
    return {
      name: platform.name,
      chosenBy: platform.from === "environment" ? variable : annotation,
    };
  }
  if (node.platform === undefined) return { name: "hardware", chosenBy: "default" };
  return { name: node.platform, chosenBy: "the node's configuration" };
}

function requireHardware(host: SgxHost, { allowSimulation }: NodeConfig): void {
  if (hasDriver(host)) return;
  throw new RuneError({
    code: "ENCLAVE_TYPE_UNSUPPORTED",
    doing: "use enclave type `intelSgx`",
    reason: host.cpu
      ? "the processor has SGX, but there is no driver: neither /dev/sgx_enclave, /dev/sgx/enclave nor /dev/isgx"
      : "this machine has no SGX, or its firmware switches it off",
    hint: `for development the simulated platform runs the same enclave without any protection: ${howToSimulate(allowSimulation)}`,
  });
}

function howToSimulate(allowSimulation: boolean | undefined): string {
  return allowSimulation === false
    ? "`--platform simulation`; this node does not let images and pods choose it"
    : "`--platform simulation`, ENCLAVE_PLATFORM=simulation or enclave.platform=simulation";
}
