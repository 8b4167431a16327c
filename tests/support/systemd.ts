// SPDX-License-Identifier: Apache-2.0
/** A real message bus with a stand-in for systemd on it. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, Running } from "./command.ts";

export const busObstacle = ["dbus-daemon", "dbus-monitor"].every((name) => Bun.which(name) !== null)
  ? undefined
  : "needs dbus-daemon (Debian's package dbus)";

/** A line of the stand-in's log. */
export type Noted = {
  readonly member?: string;
  readonly body?: readonly unknown[];
  readonly refused?: string;
  readonly message?: string;
  readonly collected?: string;
};

export class Systemd {
  readonly #folder = mkdtempSync(join(tmpdir(), "rune-systemd-"));
  readonly #daemon: Running;
  readonly #standIn: Running;
  readonly #monitor: Running;

  private constructor() {
    const config = join(this.#folder, "bus.conf");
    writeFileSync(
      config,
      `<busconfig><type>session</type><listen>unix:path=${this.socket}</listen><auth>EXTERNAL</auth>
       <policy context="default"><allow send_destination="*" eavesdrop="true"/>
       <allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`,
    );
    this.#daemon = new Running(["dbus-daemon", `--config-file=${config}`, "--nofork"]);
    const wait = [
      "sh",
      "-c",
      `while ! [ -S ${this.socket} ]; do sleep 0.01; done; exec "$@"`,
      "sh",
    ];
    const program = join(import.meta.dir, "systemd-stand-in.ts");
    this.#standIn = new Running([...wait, process.execPath, program, this.socket, this.#log]);
    this.#monitor = new Running([...wait, "dbus-monitor", "--address", this.address]);
  }

  static async start(): Promise<Systemd> {
    const systemd = new Systemd();
    await eventually("the stand-in is on the bus", () => {
      return existsSync(systemd.#log) && systemd.heard().includes("RequestName");
    });
    return systemd;
  }

  get socket(): string {
    return join(this.#folder, "bus");
  }

  get address(): string {
    return `unix:path=${this.socket}`;
  }

  get #log(): string {
    return join(this.#folder, "log");
  }

  /** The environment in which rune finds it. */
  get env(): Readonly<Record<string, string>> {
    return { PATH: process.env["PATH"] ?? "", DBUS_SYSTEM_BUS_ADDRESS: this.address };
  }

  /** Everything the stand-in was asked, in order. */
  noted(): Noted[] {
    return readFileSync(this.#log, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  /** What dbus-monitor has decoded, which is not our code. */
  heard(): string {
    return this.#monitor.stdout();
  }

  /** The properties of the last unit that was asked for. */
  properties(): Map<string, unknown> {
    const call = this.noted().findLast(({ member }) => member === "StartTransientUnit");
    return propertiesIn(call?.body?.[2]);
  }

  /** From now on units fail to start. */
  failJobs(): void {
    writeFileSync(`${this.#log}.fail-jobs`, "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of [this.#standIn, this.#monitor, this.#daemon]) {
      one.kill("SIGTERM");
      await one.exited();
      one[Symbol.dispose]();
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** An array of (name, variant) as the log has it. */
export function propertiesIn(list: unknown): Map<string, unknown> {
  const entries = list as readonly [string, { readonly value: unknown }][];
  return new Map(entries.map(([name, { value }]) => [name, value]));
}
