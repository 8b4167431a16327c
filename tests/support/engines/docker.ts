// SPDX-License-Identifier: Apache-2.0
/** A dockerd of a test file's own, whose default runtime is the one under test. */
import { type CommandOptions, type CommandResult, command, Running } from "../command.ts";
import { runtimeName } from "../runtime.ts";
import { addressOf, startContainerd } from "./containerd.ts";
import { Daemon } from "./daemon.ts";
import { EngineHost } from "./host.ts";
import { makeImage } from "./image.ts";

/** Debian's: a client of another version may be in front of it. */
const client = "/usr/bin/docker";

/** The image of all tests. */
export const image = "busybox:test";

/** As the documentation's page says it, and what the tests change. */
const settings = { runtimes: { rune: { path: "/usr/bin/rune", runtimeArgs: [] } } };

export class Docker {
  readonly host: EngineHost;
  readonly env: Readonly<Record<string, string>>;
  #containerd: Daemon | undefined;
  #daemon: Daemon | undefined;
  #more: readonly string[];

  private constructor(host: EngineHost, more: readonly string[]) {
    this.host = host;
    this.#more = more;
    this.env = {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      DOCKER_HOST: `unix://${this.#file("docker.sock")}`,
      DOCKER_CONFIG: this.#file("client"),
      TERM: "xterm",
    };
  }

  /** Starts dockerd with `config` as /etc/docker/daemon.json and loads the image. */
  static async start(
    config: string = JSON.stringify(settings),
    ...more: readonly string[]
  ): Promise<Docker> {
    const docker = new Docker(await EngineHost.start(), more);
    try {
      docker.#containerd = await startContainerd(docker.host);
      await docker.host.write("/etc/docker/daemon.json", config);
      await docker.startDaemon();
      await docker.load(image);
      return docker;
    } catch (error) {
      await docker[Symbol.asyncDispose]();
      throw error;
    }
  }

  async startDaemon(): Promise<void> {
    const argv = [
      "dockerd",
      ...["--host", this.env["DOCKER_HOST"] ?? ""],
      ...["--data-root", this.#file("data"), "--exec-root", this.#file("exec")],
      ...["--containerd", addressOf(this.host)],
      ...["--pidfile", this.#file("pid"), "--cgroup-parent", `/${this.host.mark}`],
      ...["--default-runtime", runtimeName],
      ...this.#more,
    ];
    const isReady = async () => (await this.call(["version"])).status === 0;
    this.#daemon = await Daemon.start(this.host, argv, isReady);
  }

  async stopDaemon(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#daemon?.stop(signal);
    this.#daemon = undefined;
  }

  /** Makes an image of busybox and some files known by this name. */
  async load(name: string, ...files: string[]): Promise<void> {
    const folder = this.#file(`image-${name.replace(/\W/g, "-")}`);
    await this.must(["load", "-i", await makeImage(folder, name, { files })]);
  }

  argv(...words: readonly string[]): string[] {
    return [client, ...words];
  }

  /** Calls the client. */
  call(words: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return command(this.argv(...words), { env: this.env, cwd: this.host.path, ...options });
  }

  /** As {@link call}; what it wrote to standard output, without the last end of line. */
  async must(words: readonly string[], options: CommandOptions = {}): Promise<string> {
    const { status, stdout, stderr } = await this.call(words, options);
    if (status === 0) return stdout.trimEnd();
    throw new Error(`docker ${words.join(" ")}: status ${status}: ${stderr}`);
  }

  /** Starts a call and does not wait for it. */
  begin(...words: readonly string[]): Running {
    return new Running(this.argv(...words), { env: this.env });
  }

  /** What a shell script in a container of its own says; it must succeed. */
  run(flags: readonly string[], script: string): Promise<string> {
    return this.must(["run", "--rm", ...unconnected(flags), image, "sh", "-c", script]);
  }

  /** Starts a container in the background; returns its id. */
  background(flags: readonly string[], script = "exec sleep 1000"): Promise<string> {
    return this.must(["run", "--detach", ...unconnected(flags), image, "sh", "-c", script]);
  }

  /** What a shell script in a running container says; it must succeed. */
  inContainer(id: string, script: string): Promise<string> {
    return this.must(["exec", id, "sh", "-c", script]);
  }

  /** A value of the engine's knowledge, by a template. */
  inspect(id: string, template: string): Promise<string> {
    return this.must(["inspect", "--format", template, id]);
  }

  /** Removes all containers, stops the daemon, and fails where any of it left something. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    try {
      if (this.#daemon !== undefined) await this.#removeAll();
    } catch (error) {
      failures.push(error);
    }
    await this.stopDaemon("SIGTERM");
    await this.#containerd?.stop();
    try {
      await this.host[Symbol.asyncDispose]();
    } catch (error) {
      failures.push(error);
    }
    if (failures.length > 0) throw new AggregateError(failures, failures.join("\n"));
  }

  async #removeAll(): Promise<void> {
    const ids = (await this.must(["ps", "--all", "--quiet"])).split("\n").filter((id) => id !== "");
    if (ids.length > 0) await this.must(["rm", "--force", "--volumes", ...ids]);
    const mounts = (await this.host.mountPoints()).filter((path) => /[0-9a-f]{12}/.test(path));
    if (mounts.length > 0) throw new Error(`mounts left behind:\n${mounts.join("\n")}`);
  }

  #file(name: string): string {
    return `${this.host.path}/${name}`;
  }
}

/** Connecting a container to the bridge takes a third of its start: only where it is the subject. */
function unconnected(flags: readonly string[]): readonly string[] {
  const connects = flags.some((flag) => flag.startsWith("--network") || flag === "-p");
  return connects ? flags : ["--network=none", ...flags];
}
