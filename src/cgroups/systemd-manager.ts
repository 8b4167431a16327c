// SPDX-License-Identifier: Apache-2.0
/** systemd's manager over D-Bus: org.freedesktop.systemd1(5). */
import { socketPaths } from "../dbus/address.ts";
import { Connection, DbusError } from "../dbus/connection.ts";
import type { Message } from "../dbus/message.ts";
import type { DbusValue, Variant } from "../dbus/value.ts";
import { RuneError } from "../errors/error.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { ManagerChoice } from "./unit.ts";

/** A property as the manager's methods take it: (sv). */
export type Property = readonly [name: string, value: Variant];

const bus = "org.freedesktop.DBus";
const systemd = "org.freedesktop.systemd1";
const managerPath = "/org/freedesktop/systemd1";
const managerInterface = `${systemd}.Manager`;
/** runc gives systemd as long. */
const jobTimeoutMs = 30_000;
/** How long a unit that has no processes any more may take to go: systemd looks after it when idle. */
const leftoverPatienceMs = 3000;

export class Manager {
  readonly #kernel: Kernel;
  readonly #connection: Connection;
  /** The unique name of systemd on the bus; absent where it is at the other end of the socket. */
  readonly #owner: string | undefined;
  #subscribed = false;

  private constructor(kernel: Kernel, connection: Connection, owner: string | undefined) {
    this.#kernel = kernel;
    this.#connection = connection;
    this.#owner = owner;
  }

  /** The first place where systemd answers: a bus, then the socket it keeps for the time without one. */
  static open(kernel: Kernel, choice: ManagerChoice): Manager {
    const refusals: string[] = [];
    for (const { path, direct } of sockets(kernel, choice)) {
      try {
        return Manager.#connect(kernel, path, direct);
      } catch (error) {
        refusals.push(RuneError.from(error, "connect").message);
      }
    }
    const whose = choice.user ? "the user's" : "the system's";
    const none = choice.user ? "neither $DBUS_SESSION_BUS_ADDRESS nor $XDG_RUNTIME_DIR is set" : "";
    throw new RuneError({
      code: "DBUS",
      doing: `reach ${whose} systemd`,
      reason: refusals.join("; ") || none,
      hint: "--systemd-cgroup needs a running systemd; without the flag rune makes cgroups itself",
    });
  }

  static #connect(kernel: Kernel, path: string, direct: boolean): Manager {
    const connection = Connection.open(kernel, path);
    try {
      if (direct) return new Manager(kernel, connection, undefined);
      const call = (member: string, signature: string, body: readonly DbusValue[]) => {
        const path = "/org/freedesktop/DBus";
        return connection.call({ destination: bus, path, interface: bus, member, signature, body });
      };
      call("Hello", "", []);
      const [owner] = call("GetNameOwner", "s", [systemd]);
      return new Manager(kernel, connection, String(owner));
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  close(): void {
    this.#connection.close();
  }

  /** "252.1-1" is 252; 0 where it says something that is no version. */
  version(): number {
    const text = this.#property(managerPath, managerInterface, "Version");
    return Number(/^v?([0-9]+)/.exec(String(text))?.[1] ?? 0);
  }

  /** The manager's own cgroup, "" for that of the whole system. */
  controlGroup(): string {
    const path = String(this.#property(managerPath, managerInterface, "ControlGroup"));
    return path === "/" ? "" : path;
  }

  /** The cgroup of a unit, from the root of the hierarchy. */
  controlGroupOf(unit: string): string {
    const [path] = this.#call("GetUnit", "s", [unit]);
    return String(this.#property(String(path), `${systemd}.Scope`, "ControlGroup"));
  }

  /** Makes a transient unit; returns what waits until it has started. */
  startTransient(unit: string, properties: readonly Property[]): () => void {
    this.#subscribe();
    const start = () =>
      this.#call("StartTransientUnit", "ssa(sv)a(sa(sv))", [unit, "replace", list(properties), []]);
    const [job] = this.#retryingOnLeftover(unit, start);
    return () => this.#awaitJob(job, `start systemd unit \`${unit}\``);
  }

  setProperties(unit: string, properties: readonly Property[]): void {
    const atRunTime = true; // not in a file that outlives the unit
    this.#call("SetUnitProperties", "sba(sv)", [unit, atRunTime, list(properties)]);
  }

  /** Stops a unit, waits until it has, and makes systemd forget it also where it has failed. */
  stop(unit: string): void {
    this.#subscribe();
    try {
      const [job] = this.#call("StopUnit", "ss", [unit, "replace"]);
      this.#awaitJob(job, `stop systemd unit \`${unit}\``);
    } catch (error) {
      if (!isNamed(error, "NoSuchUnit")) throw error;
    }
    this.#resetFailed(unit);
  }

  /**
   * A unit of the same name may be in the way: it failed, and is forgotten first; or it has just lost its
   * last process, for the monitor of a foreground `run` does not talk to systemd. One that goes on
   * running is somebody else's.
   */
  #retryingOnLeftover<T>(unit: string, start: () => T): T {
    const deadlineMs = this.#kernel.nowMs() + leftoverPatienceMs;
    for (let waitMs = 5; ; waitMs = Math.min(2 * waitMs, 100)) {
      try {
        return start();
      } catch (error) {
        if (!isNamed(error, "UnitExists") || this.#kernel.nowMs() > deadlineMs) throw error;
      }
      this.#resetFailed(unit);
      this.#kernel.sleepMs(waitMs);
    }
  }

  #resetFailed(unit: string): void {
    try {
      this.#call("ResetFailedUnit", "s", [unit]);
    } catch (error) {
      // Loaded only while it is of use: usually it is gone already.
      if (!(error instanceof DbusError)) throw error;
    }
  }

  /** systemd sends signals only while somebody has asked for them. */
  #subscribe(): void {
    if (this.#subscribed) return;
    if (this.#owner !== undefined) {
      const rule = `type='signal',sender='${systemd}',path='${managerPath}',interface='${managerInterface}',member='JobRemoved'`;
      const path = "/org/freedesktop/DBus";
      const call = { destination: bus, path, interface: bus, member: "AddMatch" };
      this.#connection.call({ ...call, signature: "s", body: [rule] });
    }
    this.#call("Subscribe", "", []);
    this.#subscribed = true;
  }

  #awaitJob(job: DbusValue | undefined, doing: string): void {
    const isOurs = (signal: Message) =>
      signal.member === "JobRemoved" &&
      signal.interface === managerInterface &&
      // A signal that is sent to one connection passes its match rules, whoever sends it.
      (this.#owner === undefined || signal.sender === this.#owner) &&
      signal.body[1] === job;
    const { body } = this.#connection.waitSignal(isOurs, jobTimeoutMs, doing);
    const [, , , result] = body;
    if (result === "done") return;
    throw new RuneError({
      code: "DBUS",
      doing,
      reason: `systemd's job ended as \`${result}\``,
      hint: "`journalctl` says why",
    });
  }

  #call(member: string, signature: string, body: readonly DbusValue[]): readonly DbusValue[] {
    const target = { destination: systemd, path: managerPath, interface: managerInterface };
    return this.#connection.call({ ...target, member, signature, body }, jobTimeoutMs);
  }

  #property(path: string, owner: string, name: string): DbusValue | undefined {
    const [variant] = this.#connection.call({
      destination: systemd,
      path,
      interface: `${bus}.Properties`,
      member: "Get",
      signature: "ss",
      body: [owner, name],
    });
    return typeof variant === "object" && "signature" in variant ? variant.value : undefined;
  }
}

type Socket = { readonly path: string; readonly direct: boolean };

function sockets(kernel: Kernel, { user, environment }: ManagerChoice): Socket[] {
  const { systemBus, sessionBus, runtimeDirectory } = environment;
  const given = user ? sessionBus : systemBus;
  const named = socketPaths(given ?? "", runtimeDirectory).map((path) => ({ path, direct: false }));
  if (user) {
    if (runtimeDirectory === undefined) return named;
    return [
      ...named,
      { path: `${runtimeDirectory}/bus`, direct: false },
      { path: `${runtimeDirectory}/systemd/private`, direct: true },
    ];
  }
  if (named.length > 0) return named;
  const shared = { path: "/run/dbus/system_bus_socket", direct: false };
  // Only root may use the other one.
  return kernel.euid() === 0 ? [shared, { path: "/run/systemd/private", direct: true }] : [shared];
}

function list(properties: readonly Property[]): DbusValue {
  return properties.map(([name, value]) => [name, value]);
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof DbusError && error.errorName === `${systemd}.${name}`;
}
