// SPDX-License-Identifier: Apache-2.0
/** Which namespaces are made and which are joined. */
import { RuneError } from "../errors/error.ts";
import { O_DIRECTORY, O_RDONLY } from "../kernel/constants.ts";
import type { Fd } from "../kernel/kernel.ts";
import type { Config } from "../oci/config.ts";
import type { LinuxConfig, Namespace } from "../oci/config-linux.ts";
import { cloneFlags, type NamespaceType } from "../oci/namespaces.ts";
import type { PlanBuilder } from "./encode.ts";
import type { LaunchInput } from "./host.ts";
import type { Operation, Slot } from "./operation.ts";
import type { IdMaps } from "./user.ts";

/** True when the configuration asks for a new namespace of the type. */
export function isNew(config: Config, type: NamespaceType): boolean {
  return find(config, type)?.path === "" || isPresentWithoutPath(config, type);
}

/** True when the container has a namespace of the type that is not the runtime's. */
export function isSeparate(config: Config, type: NamespaceType): boolean {
  return find(config, type) !== undefined;
}

/** The open namespace of the type that the container joins. */
export function joinedNamespace(
  config: Config,
  type: NamespaceType,
  input: Pick<LaunchInput, "namespaces">,
): Fd | undefined {
  return input.namespaces.get(find(config, type)?.path ?? "");
}

/** Joins the namespaces given by path, then splits into parent and child. */
export function planNamespaces(
  plan: PlanBuilder,
  config: Config,
  input: LaunchInput,
  maps: IdMaps,
): void {
  // Before a mount namespace is joined, in which the path may mean something else.
  const birthplace = planBirthplace(plan, input.cgroups.unified);
  for (const namespace of joinOrder(config.linux?.namespaces ?? [], input.caller.euid)) {
    const fd = input.namespaces.get(namespace.path ?? "");
    if (fd === undefined) continue;
    if (namespace.type === "user" && input.caller.euid === 0) plan.add({ op: "dropGroups" });
    plan.add({ op: "setns", slot: plan.inherit(fd), types: cloneFlags[namespace.type] });
    // With the host's rights, which may be needed over a namespace that is not the container's own.
    if (namespace.type === "network") plan.add(...netDevices(input));
  }
  plan.add({
    op: "clone",
    // Both are made by the child: cgroup below, time where its offsets are set.
    flags: newNamespaces(config) & ~cloneFlags.cgroup & ~cloneFlags.time,
    ...birthplace,
    ...maps,
  });
  plan.add({ op: "setsid" });
  if (isSeparate(config, "user") && !isNew(config, "user")) plan.add({ op: "namespaceRoot" });
  if (isNew(config, "network")) planOwnNetwork(plan, input);
  // A cgroup namespace has its maker's cgroup as root: the child must be in its own by then.
  if (isNew(config, "cgroup")) plan.add({ op: "unshare", flags: cloneFlags.cgroup });
}

/** Its loopback device is down at first; nobody else could bring it up for a container without capabilities. */
function planOwnNetwork(plan: PlanBuilder, input: LaunchInput): void {
  plan.add({ op: "netDevice", name: "lo", addresses: new Uint8Array() });
  if (input.netDevices.length > 0) plan.add({ op: "awaitDevices" }, ...netDevices(input));
}

function netDevices({ netDevices: devices }: LaunchInput): Operation[] {
  return devices.map(({ name, addresses }) => ({
    op: "netDevice",
    name,
    addresses: concatenate(addresses),
  }));
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Opens the version 2 cgroup that CLONE is to put the child in; a property of that operation. */
export function planBirthplace(plan: PlanBuilder, path: string | undefined): { cgroup?: Slot } {
  if (path === undefined) return {};
  const cgroup = plan.slot();
  plan.add({ op: "open", slot: cgroup, path, flags: O_RDONLY | O_DIRECTORY });
  return { cgroup };
}

/** What this version cannot make, said before anything is done. */
export function checkNamespaces(config: Config): void {
  if (!isSeparate(config, "mount")) {
    // runc refuses masked and read-only paths there, and leaves all other mounts on the host.
    const hint = 'add { "type": "mount" }, or one with the path of a namespace made for it';
    throw unsupported(
      "a container without a mount namespace, whose mounts would be the host's and stay there,",
      hint,
    );
  }
  if (isNew(config, "user") && !hasMappings(config.linux)) {
    throw new RuneError({
      code: "CONFIG_INVALID",
      doing: "config `linux.uidMappings`",
      reason: "a new user namespace needs uidMappings and gidMappings",
    });
  }
}

function hasMappings(linux: LinuxConfig | undefined): boolean {
  return (linux?.uidMappings?.length ?? 0) > 0 && (linux?.gidMappings?.length ?? 0) > 0;
}

/** Root joins the user namespace last, to keep its rights over the others; anyone else first. */
function joinOrder(namespaces: readonly Namespace[], euid: number): Namespace[] {
  const joined = namespaces.filter(({ path }) => path !== undefined && path !== "");
  const user = joined.filter(({ type }) => type === "user");
  const others = joined.filter(({ type }) => type !== "user");
  return euid === 0 ? [...others, ...user] : [...user, ...others];
}

function newNamespaces(config: Config): number {
  return (config.linux?.namespaces ?? [])
    .filter(({ path }) => path === undefined || path === "")
    .reduce((flags, { type }) => flags | cloneFlags[type], 0);
}

function find(config: Config, type: NamespaceType): Namespace | undefined {
  return config.linux?.namespaces?.find((namespace) => namespace.type === type);
}

function isPresentWithoutPath(config: Config, type: NamespaceType): boolean {
  const namespace = find(config, type);
  return namespace !== undefined && namespace.path === undefined;
}

function unsupported(what: string, hint: string): RuneError {
  const doing = "config `linux.namespaces`";
  return new RuneError({
    code: "CONFIG_UNSUPPORTED",
    doing,
    reason: `${what} cannot be made`,
    hint,
  });
}
