// SPDX-License-Identifier: Apache-2.0
/**
 * A stand-in for containerd by its protocol alone: it starts the shim as containerd does, keeps the events that
 * it is told, and calls the task service. For what `ctr` cannot ask for, and for version 3 of the service,
 * which no containerd here speaks.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { decode } from "../../src/protobuf/codec.ts";
import type { Schema } from "../../src/protobuf/schema.ts";
import { Events } from "../../src/shim/proto/events-service.gen.ts";
import { type Client, connect } from "../../src/ttrpc/client.ts";
import { type Server, serve } from "../../src/ttrpc/server.ts";
import { implement } from "../../src/ttrpc/service.ts";
import {
  type Bundle,
  configWith,
  type JsonObject,
  makeBundle,
  writeConfig,
} from "../support/bundle.ts";
import { command, eventually } from "../support/command.ts";
import { leftovers, processes } from "../support/leftovers.ts";
import { removeTree } from "../support/remove.ts";
import { repository } from "../support/runtime.ts";

const shim = join(repository, "dist/bin/containerd-shim-rune-v2");

export type Told = { readonly topic: string; readonly type: string; readonly value: Uint8Array };

export class StandIn implements AsyncDisposable {
  readonly path = mkdtempSync(join(tmpdir(), "rune-shim-"));
  readonly mark = basename(this.path);
  readonly told: Told[] = [];
  #events: Server | undefined;
  #clients: Client[] = [];

  constructor() {
    this.listen();
  }

  /** Takes events, from now on. */
  listen(): void {
    const handlers = {
      Forward: async ({
        envelope,
      }: {
        envelope: { topic: string; event: Any | undefined } | undefined;
      }) => {
        const { typeUrl = "", value = new Uint8Array() } = envelope?.event ?? {};
        this.told.push({ topic: envelope?.topic ?? "", type: typeUrl, value });
        return {};
      },
    };
    this.#events = serve({
      address: `${this.path}/events.sock`,
      services: [implement(Events, handlers)],
    });
  }

  async goAway(): Promise<void> {
    await this.#events?.close();
    await Bun.file(`${this.path}/events.sock`)
      .unlink()
      .catch(() => {});
  }

  topics(): string[] {
    return this.told.map(({ topic }) => topic);
  }

  event<T extends object>(schema: Schema<T>): T {
    const found = this.told.find(({ type }) => type === schema.typeName);
    if (found === undefined) throw new Error(`no ${schema.typeName} was told`);
    return decode(schema, found.value);
  }

  bundle(id: string, ...changes: JsonObject[]): Bundle {
    const bundle = makeBundle(join(this.path, id));
    const cgroup = { linux: { cgroupsPath: `/${this.mark}-${id}` } };
    writeConfig(bundle, configWith(cgroup, ...changes));
    return bundle;
  }

  /** What `start` says. */
  async start(
    id: string,
    more: Readonly<Record<string, string>> = {},
    flags: readonly string[] = [],
  ): Promise<string> {
    return await this.#do("start", id, more, flags);
  }

  /** As for a server that is gone. */
  async delete(id: string): Promise<void> {
    await this.#do("delete", id);
  }

  async #do(
    verb: string,
    id: string,
    more: Readonly<Record<string, string>> = {},
    flags: readonly string[] = [],
  ): Promise<string> {
    const words = ["-namespace", "test", "-address", `${this.path}/containerd.sock`, "-id", id];
    const { status, stdout, stderr } = await command([shim, ...words, ...flags, verb], {
      cwd: join(this.path, id),
      env: {
        PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
        TTRPC_ADDRESS: `${this.path}/events.sock`,
        ...more,
      },
    });
    if (status !== 0) throw new Error(`${verb}: ${stderr}`);
    return stdout;
  }

  async client(address: string): Promise<Client> {
    const client = await connect(address);
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    try {
      await eventually("nothing is left", () => leftovers(this.mark).length === 1); // the events' socket
    } catch {
      const left = leftovers(this.mark);
      for (const line of processes(this.mark)) {
        process.kill(Number(/^process (\d+)/.exec(line)?.[1]), "SIGKILL");
      }
      throw new Error(`left behind:\n${left.join("\n")}`);
    } finally {
      await this.goAway();
      removeTree(this.path);
    }
  }
}

type Any = { readonly typeUrl: string; readonly value: Uint8Array };
