// SPDX-License-Identifier: Apache-2.0
/**
 * `linux.netDevices`: devices of the host that the container gets (config-linux.md, "Network devices").
 * Their addresses are read while they are here; they are moved once the container's network namespace
 * exists; then the plan gives them their addresses back and brings them up.
 */
import { RuneError } from "../errors/error.ts";
import { EEXIST, EINVAL, ENODEV, EPERM, O_RDONLY } from "../kernel/constants.ts";
import { type Fd, type Kernel, unlessErrno } from "../kernel/kernel.ts";
import { type Device, RouteClient } from "../netlink/route.ts";
import type { NetDevice } from "../oci/config-linux.ts";
import type { PlannedDevice } from "../plan/host.ts";

type FoundDevice = PlannedDevice &
  Device & {
    /** The name on the host. */
    readonly from: string;
  };

/** The devices of one container, and where they are. */
export class NetDevices {
  readonly found: readonly FoundDevice[];
  readonly #kernel: Kernel;
  readonly #moved: FoundDevice[] = [];
  #namespace: Fd | undefined;

  /** Looks at all of them before any is moved: one that is missing must not cost the others. */
  constructor(kernel: Kernel, devices: Readonly<Record<string, NetDevice>>) {
    this.#kernel = kernel;
    using route = new RouteClient(kernel);
    this.found = Object.entries(devices).map(([from, { name = "" }]) =>
      about(from, () => {
        const device = route.device(from);
        const addresses = route.addressesToKeep(device.index);
        return { ...device, from, name: name === "" ? from : name, addresses };
      }),
    );
  }

  /** Moves them into an open network namespace, whose descriptor is this object's from now on. */
  moveInto(namespace: Fd): void {
    this.#namespace = namespace;
    using inside = new RouteClient(this.#kernel, namespace);
    using route = new RouteClient(this.#kernel);
    for (const { from, name } of this.found) about(from, () => refuseTaken(inside, name));
    for (const device of this.found) {
      about(device.from, () => route.move(device.index, namespace, device.name));
      this.#moved.push(device);
    }
  }

  /** Gives them their addresses there and brings them up: the plan's work, where there is no plan. */
  bringUp(): void {
    if (this.#namespace === undefined) return;
    using inside = new RouteClient(this.#kernel, this.#namespace);
    for (const { from, name, addresses } of this.found) {
      about(from, () => {
        const { index } = inside.device(name);
        inside.giveAddresses(index, addresses);
        inside.bringUp(index);
      });
    }
  }

  /** They are the container's, whatever comes. */
  leave(): void {
    if (this.#namespace !== undefined) this.#kernel.close(this.#namespace);
    this.#namespace = undefined;
  }

  /** Takes back what has been moved: with the namespace a virtual device would end. */
  takeBack(): void {
    const namespace = this.#namespace;
    if (namespace === undefined) return;
    const host = this.#kernel.open("/proc/thread-self/ns/net", O_RDONLY);
    try {
      using inside = new RouteClient(this.#kernel, namespace);
      using route = new RouteClient(this.#kernel);
      for (const { from, name, addresses, isUp } of this.#moved.splice(0)) {
        inside.move(inside.device(name).index, host, from);
        const { index } = route.device(from);
        route.giveAddresses(index, addresses);
        if (isUp) route.bringUp(index);
      }
    } finally {
      this.#kernel.close(host);
      this.leave();
    }
  }
}

/** Those that an open network namespace does not have yet: one that is joined outlives a container. */
export function missingDevices(
  kernel: Kernel,
  devices: Readonly<Record<string, NetDevice>>,
  namespace: Fd,
): Record<string, NetDevice> {
  using inside = new RouteClient(kernel, namespace);
  const isMissing = (name: string) => unlessErrno(() => inside.device(name), ENODEV) === undefined;
  return Object.fromEntries(
    Object.entries(devices).filter(([from, { name = "" }]) => isMissing(name === "" ? from : name)),
  );
}

/** The kernel would move the device and then fail to rename it. */
function refuseTaken(inside: RouteClient, name: string): void {
  if (unlessErrno(() => inside.device(name), ENODEV) === undefined) return;
  const reason = `the namespace has a device \`${name}\``;
  throw new RuneError({ code: "SYSCALL", doing: "rtnetlink", reason, errno: EEXIST });
}

const hints: ReadonlyMap<number, string> = new Map([
  [ENODEV, "`ip link` lists the network devices of the namespace that rune runs in"],
  [EEXIST, "choose another `name`"],
  [EINVAL, "the kernel does not move such a device (`ethtool -k`: netns-local), `lo` is one"],
  [EPERM, "CAP_NET_ADMIN is needed over the host's network namespace"],
]);

function about<T>(device: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const { code, reason, errno } = RuneError.from(error, "move a network device");
    const hint = errno === undefined ? undefined : hints.get(errno);
    throw new RuneError({
      code,
      doing: `move network device \`${device}\` into the container`,
      reason,
      ...(errno === undefined ? {} : { errno }),
      ...(hint === undefined ? {} : { hint }),
    });
  }
}
