// SPDX-License-Identifier: Apache-2.0
/** A podman with storage of its own; it has no daemon. */
import type { CommandOptions, CommandResult } from "../command.ts";
import { binaryOf, runtimeName } from "../runtime.ts";
import { EngineHost } from "./host.ts";
import { makeImage } from "./image.ts";

export const podmanImage = "localhost/busybox:test";

export class Podman {
  readonly host: EngineHost;

  private constructor(host: EngineHost) {
    this.host = host;
  }

  static async start(): Promise<Podman> {
    const podman = new Podman(await EngineHost.start());
    try {
      await podman.#configure();
      return podman;
    } catch (error) {
      await podman[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #configure(): Promise<void> {
    const { host } = this;
    const storage = `[storage]\ndriver = "overlay"\ngraphroot = "${host.path}/graph"\nrunroot = "${host.path}/podman"\n`;
    await host.write("/etc/containers/storage.conf", storage);
    await host.write(
      "/etc/containers/policy.json",
      JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }),
    );
    await this.must("load", "-i", await makeImage(`${host.path}/image`, podmanImage));
  }

  /** Calls podman with the runtime under test. */
  call(words: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const engine = ["--cgroup-manager", "cgroupfs", "--events-backend", "file"];
    const argv = ["podman", "--runtime", binaryOf(runtimeName), ...engine, ...words];
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: this.host.path };
    return this.host.call(argv, { env, ...options });
  }

  /** As {@link call}; what it wrote to standard output, without the last end of line. */
  async must(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.call(words);
    if (status === 0) return stdout.trimEnd();
    throw new Error(`podman ${words.join(" ")}: status ${status}: ${stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const removed = await this.call(["rm", "--all", "--force"]);
    await this.host[Symbol.asyncDispose]();
    if (removed.status !== 0) throw new Error(`podman rm: ${removed.stderr}`);
  }
}
