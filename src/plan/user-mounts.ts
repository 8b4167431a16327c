// SPDX-License-Identifier: Apache-2.0
/** Mounts that a user namespace cannot have as the configuration asks for them. */
import type { Config, Mount } from "../oci/config.ts";
import type { NamespaceType } from "../oci/namespaces.ts";
import { isSeparate } from "./namespaces.ts";
import { type Caller, hostId } from "./user.ts";

/** These show a namespace; only its own user namespace may mount them: kernel, fs/sysfs/mount.c, ipc/mqueue.c. */
const bindable: Readonly<Record<string, { readonly shows: NamespaceType; readonly host: string }>> =
  {
    sysfs: { shows: "network", host: "/sys" },
    mqueue: { shows: "ipc", host: "/dev/mqueue" },
  };

/** The host's directory that stands in for a new instance, as crun does it; undefined where a new one is possible. */
export function standIn({ type }: Mount, config: Config, caller: Caller): string | undefined {
  const found = bindable[type ?? ""];
  if (found === undefined || isSeparate(config, found.shows)) return undefined;
  return isSeparate(config, "user") || caller.inUserNamespace ? found.host : undefined;
}

/**
 * The options of a devpts without a `gid=` that the container does not have: the kernel would refuse
 * the whole file system, and with one mapped id there is no group for terminals.
 */
export function withoutUnmappedGid(
  { type }: Mount,
  data: readonly string[],
  config: Config,
): readonly string[] {
  if (type !== "devpts" || !isSeparate(config, "user")) return data;
  return data.filter((option) => !isUnmappedGid(option, config));
}

/** Options that {@link withoutUnmappedGid} leaves out, to be told. */
export function unmappedGids(config: Config): string[] {
  if (!isSeparate(config, "user")) return [];
  const terminals = (config.mounts ?? []).filter(({ type }) => type === "devpts");
  const options = terminals.flatMap((mount) => mount.options ?? []);
  return options.filter((option) => isUnmappedGid(option, config));
}

function isUnmappedGid(option: string, { linux }: Config): boolean {
  const [, gid] = /^gid=([0-9]+)$/.exec(option) ?? [];
  return gid !== undefined && hostId(linux?.gidMappings ?? [], Number(gid)) === undefined;
}
