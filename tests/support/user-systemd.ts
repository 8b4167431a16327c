// SPDX-License-Identifier: Apache-2.0
/**
 * A real systemd, as a user's manager, where version 2 is the only cgroup hierarchy that can be seen: in
 * a mount namespace of its own, which also makes it believe that the machine was booted by one.
 */
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { withoutView } from "../cgroups/unified-view.ts";
import { type CommandResult, command, eventually, mustRun, Running } from "./command.ts";
import { leftovers } from "./leftovers.ts";
import { removeTree } from "./remove.ts";
import { runtimeName } from "./runtime.ts";
import { Sandbox } from "./sandbox.ts";

const program = "/lib/systemd/systemd";

export const userSystemdObstacle =
  withoutView() ?? (existsSync(program) ? undefined : "needs systemd (Debian's package)");

const dbusService = `[Service]
Type=notify
NotifyAccess=main
ExecStart=/usr/bin/dbus-daemon --session --address=systemd: --nofork --nopidfile --systemd-activation
`;

export class UserSystemd {
  readonly #folder = mkdtempSync(join(tmpdir(), "rune-user-systemd-"));
  readonly #running: Running;
  /** The manager's own cgroup. */
  readonly cgroup = `/${basename(this.#folder)}`;

  private constructor(withBus: boolean) {
    const [runtime, units] = [join(this.#folder, "run"), join(this.#folder, "units")];
    for (const path of [runtime, units, join(this.#folder, "home")])
      mkdirSync(path, { mode: 0o700 });
    const wants = withBus ? "Wants=dbus.service\nAfter=dbus.service\n" : "";
    writeFileSync(join(units, "default.target"), `[Unit]\nDescription=test\n${wants}`);
    writeFileSync(join(units, "dbus.socket"), "[Socket]\nListenStream=%t/bus\n");
    writeFileSync(join(units, "dbus.service"), `[Unit]\nRequires=dbus.socket\n${dbusService}`);
    const script = `mount -t cgroup2 none /sys/fs/cgroup
      mkdir /sys/fs/cgroup${this.cgroup}; echo $$ >/sys/fs/cgroup${this.cgroup}/cgroup.procs
      mount -t tmpfs none /run; mkdir -p /run/systemd/system
      exec ${program} --user --unit=default.target`;
    const argv = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", script];
    this.#running = new Running(argv, { env: { ...this.env, SYSTEMD_UNIT_PATH: units } });
  }

  /** With a message bus, or with systemd's own socket alone. */
  static async start(withBus: boolean): Promise<UserSystemd> {
    const systemd = new UserSystemd(withBus);
    await eventually("systemd has started", async () => {
      const { stdout } = await systemd.systemctl("is-active", "default.target");
      return stdout === "active\n";
    });
    return systemd;
  }

  /** The environment in which programs find it. */
  get env(): Readonly<Record<string, string>> {
    const path = process.env["PATH"] ?? "";
    const runtime = join(this.#folder, "run");
    return { PATH: path, HOME: join(this.#folder, "home"), XDG_RUNTIME_DIR: runtime };
  }

  /** The command line in its mount namespace, in a directory. */
  inside(directory: string, argv: readonly string[]): string[] {
    const enter = ["nsenter", `--mount=/proc/${this.#running.pid}/ns/mnt`];
    return [...enter, "sh", "-c", 'cd "$0"; exec "$@"', directory, ...argv];
  }

  systemctl(...words: readonly string[]): Promise<CommandResult> {
    return command(this.inside("/", ["systemctl", "--user", "--no-pager", ...words]), {
      env: this.env,
    });
  }

  /** Gives it a unit, or a part of one ("name.service.d/more.conf"). */
  async addUnit(name: string, text: string): Promise<void> {
    const path = join(this.#folder, "units", name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    await this.systemctl("daemon-reload");
  }

  /** Properties of a unit as systemd has them. */
  async show(unit: string, ...names: readonly string[]): Promise<Record<string, string>> {
    const { stdout } = await this.systemctl("show", unit, "-p", names.join(","));
    const entries = stdout
      .trim()
      .split("\n")
      .map((line): [string, string] => {
        const equals = line.indexOf("=");
        return [line.slice(0, equals), line.slice(equals + 1)];
      });
    return Object.fromEntries(entries);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // All that it has started, too; asked to end it would look for units that it does not have here.
    const hierarchy = (await mustRun(["findmnt", "-nt", "cgroup2", "-o", "TARGET"])).split("\n")[0];
    writeFileSync(`${hierarchy}${this.cgroup}/cgroup.kill`, "1");
    await this.#running.exited();
    this.#running[Symbol.dispose]();
    await command([
      "find",
      `${hierarchy}${this.cgroup}`,
      "-depth",
      "-type",
      "d",
      "-exec",
      "rmdir",
      "{}",
      "+",
    ]);
    await eventually("nothing of systemd is left", () => leftovers(this.cgroup).length === 0);
    removeTree(this.#folder);
  }
}

/** A sandbox whose runtime is called beside that systemd, and asks it for scopes. */
export class UserSystemdSandbox extends Sandbox {
  readonly #systemd: UserSystemd;

  constructor(systemd: UserSystemd) {
    // Root takes the system's manager unless told.
    super(runtimeName, { flags: ["--systemd-cgroup", "--rootless=true"], env: systemd.env });
    this.#systemd = systemd;
  }

  override argv(...words: readonly string[]): string[] {
    return this.#systemd.inside(this.bundle.path, super.argv(...words));
  }
}
