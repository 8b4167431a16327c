// SPDX-License-Identifier: Apache-2.0
/** A containerd of a test file's own, with its stock shim for runc. */
import { type CommandResult, command, Running } from "../command.ts";
import { binaryOf, runtimeName } from "../runtime.ts";
import { Daemon } from "./daemon.ts";
import { EngineHost } from "./host.ts";
import { makeImage } from "./image.ts";

/** The name that `ctr` knows the tests' image by. */
export const ctrImage = "docker.io/library/busybox:test";

/** Where a containerd in the host's directory keeps what it has, as the head of its configuration. */
export function containerdFolders(host: EngineHost): string {
  const path = `${host.path}/containerd`;
  return `root = "${path}/root"\nstate = "${path}/state"\n`;
}

function withoutPods(host: EngineHost): string {
  return `version = 2
${containerdFolders(host)}
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${addressOf(host)}"
`;
}

/** Starts a containerd that keeps all it has in the host's directory, or with a file of its own. */
export async function startContainerd(
  host: EngineHost,
  config = withoutPods(host),
  given?: string,
): Promise<Daemon> {
  const path = `${host.path}/containerd`;
  await host.write(`${path}/config.toml`, config);
  const argv = ["containerd", "--config", given ?? `${path}/config.toml`];
  const isReady = async () =>
    (await command(["ctr", "--address", addressOf(host), "version"])).status === 0;
  return await Daemon.start(host, argv, isReady);
}

export function addressOf(host: EngineHost): string {
  return `${host.path}/containerd.sock`;
}

const behindStockShim = ["--runc-binary", binaryOf(runtimeName)];

/** With the shim of the project; of containerd's own where runc is judged. */
export const withShim: readonly string[] = [
  "--runtime",
  `io.containerd.${runtimeName === "runc" ? "runc" : "rune"}.v2`,
];

export class Containerd {
  readonly host: EngineHost;
  readonly env: Readonly<Record<string, string>>;
  readonly #runtime: readonly string[];
  #daemon: Daemon | undefined;
  #containers = 0;
  #runs = 0;

  private constructor(host: EngineHost, runtime: readonly string[]) {
    this.host = host;
    this.#runtime = runtime;
    this.env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", CONTAINERD_ADDRESS: addressOf(host) };
  }

  /** @param runtime flags of `ctr run` that choose it */
  static async start(runtime: readonly string[] = behindStockShim): Promise<Containerd> {
    const containerd = new Containerd(await EngineHost.start(), runtime);
    try {
      await containerd.startDaemon();
      await containerd.load(ctrImage);
      return containerd;
    } catch (error) {
      await containerd[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** @param configuration path of a file, instead of the tests' own */
  async startDaemon(configuration?: string): Promise<void> {
    this.#daemon = await startContainerd(this.host, undefined, configuration);
  }

  async stopDaemon(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#daemon?.stop(signal);
    this.#daemon = undefined;
  }

  /** "1.6", "1.7", "2.1". */
  async version(): Promise<string> {
    const text = await this.must("version");
    return /Server:\s+Version:\s+v?(\d+\.\d+)/.exec(text)?.[1] ?? text;
  }

  /** Makes an image of busybox and some files, known by this name. */
  async load(name: string, ...files: string[]): Promise<void> {
    const folder = `${this.host.path}/image-${name.replace(/\W/g, "-")}`;
    await this.must("image", "import", await makeImage(folder, name, { files }));
  }

  /** Another container id. */
  id(): string {
    return `${this.host.mark}-${this.#containers++}`;
  }

  /** ctr runs inside: it mounts what the daemon gives it, and opens the fifos of the container. */
  argv(...words: readonly string[]): string[] {
    const verb = words[0] === "--namespace" ? 2 : 0;
    const cgroup = words[verb] === "run" ? this.#ownCgroup() : [];
    return this.host.inside(
      "ctr",
      ...words.slice(0, verb + 1),
      ...cgroup,
      ...words.slice(verb + 1),
    );
  }

  /**
   * Below one that is removed with the host, unless later words name another: ctr's own choice is
   * below a cgroup of the namespace's name, which stays.
   */
  #ownCgroup(): string[] {
    return ["--cgroup", `/${this.host.mark}/run-${this.#runs++}`];
  }

  call(words: readonly string[], stdin?: string): Promise<CommandResult> {
    const options = stdin === undefined ? {} : { stdin };
    return command(this.argv(...words), { env: this.env, ...options });
  }

  /** As {@link call}; what it wrote to standard output, without the last end of line. */
  async must(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.call(words);
    if (status === 0) return stdout.trimEnd();
    throw new Error(`ctr ${words.join(" ")}: status ${status}: ${stderr}`);
  }

  begin(...words: readonly string[]): Running {
    return new Running(this.argv(...words), { env: this.env });
  }

  /** The words of `ctr run` with the runtime under test. */
  runWords(flags: readonly string[], id: string, ...argv: readonly string[]): string[] {
    return ["run", ...this.#runtime, ...flags, ctrImage, id, ...argv];
  }

  /** Starts a container in the background. */
  async background(flags: readonly string[] = [], ...argv: readonly string[]): Promise<string> {
    const id = this.id();
    const program = argv.length > 0 ? argv : ["sleep", "1000"];
    await this.must(...this.runWords(["--detach", ...flags], id, ...program));
    return id;
  }

  /** Removes a container, its task and its snapshot. */
  async remove(id: string): Promise<void> {
    await this.call(["task", "rm", "--force", id]);
    await this.must("container", "rm", id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    try {
      if (this.#daemon !== undefined) await this.#removeAll();
    } catch (error) {
      failures.push(error);
    }
    await this.stopDaemon("SIGTERM");
    try {
      await this.host[Symbol.asyncDispose]();
    } catch (error) {
      failures.push(error);
    }
    if (failures.length > 0) throw new AggregateError(failures, failures.join("\n"));
  }

  async #removeAll(): Promise<void> {
    const ids = (await this.must("container", "ls", "--quiet")).split("\n");
    for (const id of ids.filter((id) => id !== "")) await this.remove(id);
    const mounts = (await this.host.mountPoints()).filter((path) => path.includes("/rootfs"));
    if (mounts.length > 0) throw new Error(`mounts left behind:\n${mounts.join("\n")}`);
  }
}
