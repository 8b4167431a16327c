// SPDX-License-Identifier: Apache-2.0
/** A containerd with its CRI plugin, a bridge for pods, and nothing but local images. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Init } from "../../src/protobuf/schema.ts";
import { command, eventually, mustRun } from "../support/command.ts";
import { addressOf, containerdFolders, startContainerd } from "../support/engines/containerd.ts";
import type { Daemon } from "../support/engines/daemon.ts";
import { EngineHost } from "../support/engines/host.ts";
import { makeImage } from "../support/engines/image.ts";
import { engineObstacle } from "../support/engines/shared.ts";
import { CriClient } from "./client.ts";
import { type ConfigForm, criConfig } from "./config.ts";
import { Pod } from "./pod.ts";
import {
  type ContainerConfig,
  ImageService,
  type PodSandboxConfig,
  RuntimeService,
} from "./proto/cri.gen.ts";

export const criObstacle =
  engineObstacle("containerd", "ctr", "ip", "musl-gcc") ??
  (existsSync("/usr/lib/cni/bridge") ? undefined : "needs Debian's containernetworking-plugins");

/** A static busybox with some commands. */
export const podImage = "docker.io/library/busybox:test";
export const pauseImage = "docker.io/library/pause:test";

const network = (dataDir: string) =>
  JSON.stringify({
    cniVersion: "0.4.0",
    name: "pods",
    plugins: [
      {
        type: "bridge",
        bridge: "pods0",
        isGateway: true,
        ipam: { type: "host-local", subnet: "10.22.0.0/16", dataDir },
      },
    ],
  });

export class CriEngine {
  readonly host: EngineHost;
  client: CriClient;
  readonly #config: string;
  #daemon: Daemon | undefined;
  #pods = 0;

  private constructor(host: EngineHost, config: string) {
    this.host = host;
    this.#config = config;
    this.client = new CriClient(addressOf(host));
  }

  /** @param form of the configuration, with which `handler` says who runs its pods */
  static async start(form: ConfigForm): Promise<CriEngine> {
    const host = await EngineHost.start();
    const [folders, address, path] = [containerdFolders(host), addressOf(host), host.path];
    const engine = new CriEngine(host, criConfig(form, { folders, address, path, pauseImage }));
    try {
      await host.write(`${host.path}/cni/pods.conflist`, network(`${host.path}/cni-data`));
      // What CNI remembers of a pod's network is at a fixed place.
      await host.must(["mount", "-t", "tmpfs", "tmpfs", "/var/lib/cni"]);
      await engine.startDaemon();
      await engine.#loadImages();
      return engine;
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
  }

  async startDaemon(): Promise<void> {
    this.#daemon = await startContainerd(this.host, this.#config);
    this.client.close();
    this.client = new CriClient(addressOf(this.host));
    // It is the last plugin that is started, and says in the log why it was not.
    await eventually("the CRI plugin answers", async () => {
      const answer = this.client.call(RuntimeService, "Status", {});
      return (await answer.catch(() => undefined)) !== undefined;
    }).catch(async (error: unknown) => {
      const log = this.#daemon?.log();
      await this.stopDaemon("SIGKILL");
      throw new Error(`the CRI plugin does not answer: ${log}`, { cause: error });
    });
  }

  async stopDaemon(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#daemon?.stop(signal);
    this.#daemon = undefined;
  }

  /** Names of those things of containerd that a pod leaves when it is not removed as a whole. */
  async leftovers(): Promise<string[]> {
    const [tasks, containers] = await Promise.all([
      this.ctr("task", "ls", "--quiet"),
      this.ctr("container", "ls", "--quiet"),
    ]);
    const mounts = (await this.host.mountPoints()).filter((path) => /[0-9a-f]{64}/.test(path));
    const namespaces = await this.host.call(["sh", "-c", "ls /run/netns 2>/dev/null"]);
    return [tasks, containers, ...mounts, namespaces.stdout]
      .flatMap((text) => text.split("\n"))
      .filter(Boolean);
  }

  async ctr(...words: readonly string[]): Promise<string> {
    const argv = ["ctr", "--address", addressOf(this.host), "--namespace", "k8s.io", ...words];
    return (await this.host.must(argv)).trimEnd();
  }

  /** Makes a pod. What it gets is a kubelet's usual, unless `more` says otherwise. */
  async pod(handler = "rune", more: Init<PodSandboxConfig> = {}): Promise<Pod> {
    const name = `pod-${this.#pods++}`;
    const config: Init<PodSandboxConfig> = {
      metadata: { name, uid: `${this.host.mark}-${name}`, namespace: "tests", attempt: 0 },
      hostname: name,
      logDirectory: `${this.host.path}/logs/${name}`,
      linux: { cgroupParent: `/${this.host.mark}/${name}` },
      ...more,
    };
    const request = { config, runtimeHandler: handler };
    const { podSandboxId: id } = await this.client.call(RuntimeService, "RunPodSandbox", request);
    return new Pod(this, id, config);
  }

  /** A container of its own pod, run to its end; both are gone afterwards. */
  async once(config: Init<ContainerConfig>): Promise<{ exitCode: number; log: string }> {
    await using pod = await this.pod();
    const container = await pod.start({ metadata: { name: "once", attempt: 0 }, ...config });
    const { exitCode } = await container.exited();
    return { exitCode, log: container.output() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    try {
      if (this.#daemon !== undefined) await this.#removeAll();
    } catch (error) {
      failures.push(error);
    }
    this.client.close();
    await this.stopDaemon("SIGTERM");
    try {
      await this.host[Symbol.asyncDispose]();
    } catch (error) {
      failures.push(error);
    }
    if (failures.length > 0) throw new AggregateError(failures, failures.join("\n"));
  }

  async #removeAll(): Promise<void> {
    const { items } = await this.client.call(RuntimeService, "ListPodSandbox", {});
    for (const { id } of items) await new Pod(this, id, {}).remove();
    const left = await this.leftovers();
    if (left.length > 0) throw new Error(`left behind by pods:\n${left.join("\n")}`);
  }

  async #loadImages(): Promise<void> {
    const pause = `${this.host.path}/pause`;
    await mustRun(["musl-gcc", "-static", "-Os", "-o", pause, join(import.meta.dir, "pause.c")]);
    const images = [
      [podImage, await makeImage(`${this.host.path}/image`, podImage)],
      [
        pauseImage,
        await makeImage(`${this.host.path}/pause-image`, pauseImage, {
          files: [pause],
          command: ["/pause"],
        }),
      ],
    ] as const;
    for (const [name, archive] of images) {
      await this.ctr("image", "import", archive);
      // The plugin hears of it by an event.
      await eventually(`${name} is known to CRI`, async () => {
        const { images: known } = await this.client.call(ImageService, "ListImages", {});
        return known.some(({ repoTags }) => repoTags.includes(name));
      });
    }
  }
}

/** What the kubelet would show with `kubectl logs`: the text of a log in CRI's format, of both streams. */
export function textOfLog(path: string): string {
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return lines
    .map((line) => {
      const [, tag, text] = /^\S+ (?:stdout|stderr) ([FP]) (.*)$/.exec(line) ?? [];
      if (tag === undefined) throw new Error(`no line of a CRI log: ${line}`);
      return tag === "F" ? `${text}\n` : (text ?? "");
    })
    .join("");
}

/** Runs a program where the engine is; for what is in the pods' network. */
export function inHost(engine: CriEngine, ...argv: readonly string[]) {
  return command(engine.host.inside(...argv));
}
