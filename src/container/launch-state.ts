// SPDX-License-Identifier: Apache-2.0
/** What state.json says of a container that is being made. */
import { withoutSecrets } from "../enclave/mentions.ts";
import type { Config } from "../oci/config.ts";
import { cloneFlags } from "../oci/namespaces.ts";
import { isNew } from "../plan/namespaces.ts";
import type { SeccompFilter } from "../seccomp/filter.ts";
import type { Bundle } from "./bundle.ts";
import type { Deps } from "./deps.ts";
import type { LaunchRequest } from "./launch.ts";
import { type ProcessSettings, type State, stateSchema } from "./state.ts";

/** `init` is absent until there is one. */
export function launchState(
  { kernel, version }: Deps,
  { config, path, rootfs }: Bundle,
  { id, enclave, unit, seccomp, noNewKeyring, monitored }: LaunchRequest,
  made: Pick<State, "cgroup" | "intelRdt">,
  init: State["init"],
): State {
  const namespaces = config.linux?.namespaces ?? [];
  return {
    schema: stateSchema,
    writer: version,
    id,
    bundle: path,
    rootfs,
    ociVersion: config.ociVersion,
    created: new Date().toISOString(),
    ownerUid: kernel.euid(),
    annotations: withoutSecrets(config.annotations ?? {}),
    ...(init === undefined ? {} : { init: { pid: init.pid, startTime: init.startTime } }),
    ...made,
    ...(unit?.isOurs === true ? { systemd: unit.record } : {}),
    ...(enclave === undefined ? {} : { enclave: enclave.state, enclave_config: enclave.record }),
    ...laterHooks(config),
    ...(seccomp === undefined ? {} : { seccomp: seccompState(seccomp) }),
    processes: processSettings(config, !noNewKeyring),
    namespaces: namespaces.reduce((flags, { type }) => flags | cloneFlags[type], 0),
    ...(monitored === undefined ? {} : { monitored }),
    ownPidNamespace: isNew(config, "pid"),
  };
}

function laterHooks({ hooks = {} }: Config): Pick<State, "hooks"> {
  const { poststart = [], poststop = [] } = hooks;
  return poststart.length + poststop.length === 0 ? {} : { hooks: { poststart, poststop } };
}

function seccompState({ filter: _, ...rest }: SeccompFilter): NonNullable<State["seccomp"]> {
  return rest;
}

function processSettings({ linux = {} }: Config, keyring: boolean): ProcessSettings {
  const { personality, memoryPolicy } = linux;
  return {
    keyring,
    ...(personality === undefined ? {} : { personality }),
    ...(memoryPolicy === undefined ? {} : { memoryPolicy }),
  };
}
