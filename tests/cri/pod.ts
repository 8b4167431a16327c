// SPDX-License-Identifier: Apache-2.0
/** Pods and their containers, as a kubelet makes and removes them. */
import { join } from "node:path";
import type { Init } from "../../src/protobuf/schema.ts";
import { eventually } from "../support/command.ts";
import { type CriEngine, podImage, textOfLog } from "./engine.ts";
import {
  type ContainerConfig,
  ContainerState,
  type ContainerStatus,
  type PodSandboxConfig,
  type PodSandboxStatus,
  RuntimeService,
} from "./proto/cri.gen.ts";

export class Pod {
  readonly id: string;
  readonly #engine: CriEngine;
  readonly #config: Init<PodSandboxConfig>;
  #names = 0;

  constructor(engine: CriEngine, id: string, config: Init<PodSandboxConfig>) {
    this.#engine = engine;
    this.id = id;
    this.#config = config;
  }

  async status(): Promise<PodSandboxStatus> {
    const request = { podSandboxId: this.id };
    const { client } = this.#engine;
    const { status } = await client.call(RuntimeService, "PodSandboxStatus", request);
    if (status === undefined) throw new Error(`${this.id} has no status`);
    return status;
  }

  async create(config: Init<ContainerConfig>): Promise<PodContainer> {
    const name = `c${this.#names++}`;
    const whole: Init<ContainerConfig> = {
      metadata: { name, attempt: 0 },
      image: { image: podImage },
      logPath: `${name}.log`,
      ...config,
    };
    const request = { podSandboxId: this.id, config: whole, sandboxConfig: this.#config };
    const { client } = this.#engine;
    const { containerId } = await client.call(RuntimeService, "CreateContainer", request);
    const log = join(this.#config.logDirectory ?? "", whole.logPath ?? "");
    return new PodContainer(this.#engine, containerId, log);
  }

  async start(config: Init<ContainerConfig>): Promise<PodContainer> {
    const container = await this.create(config);
    await container.start();
    return container;
  }

  /** A container with a shell script. */
  script(text: string, more: Init<ContainerConfig> = {}): Promise<PodContainer> {
    return this.start({ command: ["/bin/sh", "-c", text], ...more });
  }

  async stop(): Promise<void> {
    const request = { podSandboxId: this.id };
    await this.#engine.client.call(RuntimeService, "StopPodSandbox", request);
  }

  async remove(): Promise<void> {
    await this.stop();
    const request = { podSandboxId: this.id };
    await this.#engine.client.call(RuntimeService, "RemovePodSandbox", request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}

export class PodContainer {
  readonly id: string;
  readonly #engine: CriEngine;
  readonly #log: string;

  constructor(engine: CriEngine, id: string, log: string) {
    this.#engine = engine;
    this.id = id;
    this.#log = log;
  }

  async start(): Promise<void> {
    const request = { containerId: this.id };
    await this.#engine.client.call(RuntimeService, "StartContainer", request);
  }

  async status(): Promise<ContainerStatus> {
    const request = { containerId: this.id };
    const { client } = this.#engine;
    const { status } = await client.call(RuntimeService, "ContainerStatus", request);
    if (status === undefined) throw new Error(`${this.id} has no status`);
    return status;
  }

  exited(): Promise<ContainerStatus> {
    return eventually(`${this.id} has ended`, async () => {
      const status = await this.status();
      return status.state === ContainerState.CONTAINER_EXITED && status;
    });
  }

  /** What it has written so far. */
  output(): string {
    return textOfLog(this.#log);
  }

  says(text: string): Promise<boolean> {
    return eventually(`its log has ${text}`, () => this.output().includes(text));
  }

  async exec(
    cmd: readonly string[],
    timeoutSeconds = 0,
  ): Promise<{ exitCode: number; stdout: string; stderr: string }> {
    const request = { containerId: this.id, cmd, timeout: BigInt(timeoutSeconds) };
    const { client } = this.#engine;
    const answer = await client.call(RuntimeService, "ExecSync", request);
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    const { exitCode, stdout, stderr } = answer;
    return { exitCode, stdout: text(stdout), stderr: text(stderr) };
  }

  /** @param seconds until it is killed */
  async stop(seconds = 0): Promise<void> {
    const request = { containerId: this.id, timeout: BigInt(seconds) };
    await this.#engine.client.call(RuntimeService, "StopContainer", request);
  }

  async remove(): Promise<void> {
    const request = { containerId: this.id };
    await this.#engine.client.call(RuntimeService, "RemoveContainer", request);
  }
}
