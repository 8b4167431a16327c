// SPDX-License-Identifier: Apache-2.0
/** Every check, in the order in which they are printed; docs/reference/doctor.md is made of it. */
import type { Check } from "./check.ts";
import { attestationAesm } from "./checks/attestation-aesm.ts";
import { attestationCollateral } from "./checks/attestation-collateral.ts";
import { attestationPolicy } from "./checks/attestation-policy.ts";
import { attestationProvision } from "./checks/attestation-provision.ts";
import { containerdConfig } from "./checks/containerd-config.ts";
import { containerdShim } from "./checks/containerd-shim.ts";
import { containersCalls } from "./checks/containers-calls.ts";
import { containersCgroups } from "./checks/containers-cgroups.ts";
import { containersCriu } from "./checks/containers-criu.ts";
import { containersKernel } from "./checks/containers-kernel.ts";
import { containersLibseccomp } from "./checks/containers-libseccomp.ts";
import { containersPrograms } from "./checks/containers-programs.ts";
import { containersSeccomp } from "./checks/containers-seccomp.ts";
import { containersState } from "./checks/containers-state.ts";
import { containersUserNamespaces } from "./checks/containers-user-namespaces.ts";
import { dockerRuntimeCheck } from "./checks/docker-runtime.ts";
import { containerdProgram, dockerProgram, podmanProgram } from "./checks/engine-installed.ts";
import { kubernetesClass } from "./checks/kubernetes-class.ts";
import { kubernetesHandler } from "./checks/kubernetes-handler.ts";
import { podmanRuntimeCheck } from "./checks/podman-runtime.ts";
import { sgxBios } from "./checks/sgx-bios.ts";
import { sgxCpu } from "./checks/sgx-cpu.ts";
import { sgxDriver } from "./checks/sgx-driver.ts";
import { sgxEnclave } from "./checks/sgx-enclave.ts";
import { sgxEpc } from "./checks/sgx-epc.ts";
import { sgxFlc } from "./checks/sgx-flc.ts";
import { sgxFsgsbase } from "./checks/sgx-fsgsbase.ts";
import { sgxNodeConfig } from "./checks/sgx-node-config.ts";
import { sgxPal } from "./checks/sgx-pal.ts";
import { sgxSimulation } from "./checks/sgx-simulation.ts";
import { sgxVdso } from "./checks/sgx-vdso.ts";

export const checks: readonly Check[] = [
  sgxCpu,
  sgxFlc,
  sgxBios,
  sgxEpc,
  sgxFsgsbase,
  sgxDriver,
  sgxVdso,
  sgxSimulation,
  sgxNodeConfig,
  sgxPal,
  sgxEnclave,
  containersKernel,
  containersCalls,
  containersUserNamespaces,
  containersCgroups,
  containersSeccomp,
  containersLibseccomp,
  containersPrograms,
  containersState,
  containersCriu,
  attestationAesm,
  attestationProvision,
  attestationCollateral,
  attestationPolicy,
  containerdProgram,
  containerdConfig,
  containerdShim,
  dockerProgram,
  dockerRuntimeCheck,
  podmanProgram,
  podmanRuntimeCheck,
  kubernetesHandler,
  kubernetesClass,
];
