// SPDX-License-Identifier: Apache-2.0
/** Toolchains that stand in for the real ones, images, and a shim's configuration around them. */
import { generateKeyPairSync } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseNodeConfig } from "../../src/config/node-config.ts";
import type { ShimConfig } from "../../src/config/shim-config.ts";
import type { RuneError } from "../../src/errors/error.ts";
import { Builds } from "../../src/shim/carrier/build.ts";
import { chooseCarrier } from "../../src/shim/carrier/choose.ts";
import { openAuditLog } from "../../src/signature/audit.ts";
import { listen, type RunningServer } from "../../src/signature/server.ts";
import { pemSigner } from "../../src/signature/signer.ts";
import { repository } from "../support/runtime.ts";

/** Occlum.json as `occlum init` writes it, of the two eras of its mount section. */
export const eras = {
  2020: {
    resource_limits: {
      user_space_size: "256MB",
      kernel_space_heap_size: "32MB",
      kernel_space_stack_size: "1MB",
      max_num_of_threads: 32,
    },
    process: { default_stack_size: "4MB", default_heap_size: "32MB", default_mmap_size: "80MB" },
    entry_points: ["/bin"],
    env: { default: ["OCCLUM=yes"], untrusted: ["EXAMPLE"] },
    metadata: { product_id: 0, version_number: 0, debuggable: true },
    mount: [
      { target: "/", type: "sefs", source: "./image", options: { integrity_only: true } },
      { target: "/root", type: "sefs" },
      { target: "/host", type: "hostfs", source: "." },
      { target: "/tmp", type: "ramfs" },
    ],
  },
  2022: {
    resource_limits: {
      user_space_init_size: "256MB",
      user_space_max_size: "1GB",
      kernel_space_heap_size: "32MB",
      kernel_space_heap_max_size: "64MB",
      kernel_space_stack_size: "1MB",
      max_num_of_threads: 32,
    },
    process: { default_stack_size: "4MB", default_heap_size: "32MB", default_mmap_size: "80MB" },
    entry_points: ["/bin"],
    env: { default: ["OCCLUM=yes"], untrusted: ["EXAMPLE"] },
    metadata: { product_id: 0, version_number: 0, debuggable: true, enable_kss: false },
    mount: [
      {
        target: "/",
        type: "unionfs",
        options: {
          layers: [
            { target: "/", type: "sefs", source: "./build/mount/__ROOT", options: { MAC: "" } },
            { target: "/", type: "sefs", source: "./run/mount/__ROOT" },
          ],
        },
      },
      { target: "/host", type: "hostfs", source: "." },
      { target: "/proc", type: "procfs" },
      { target: "/dev", type: "devfs" },
    ],
  },
} as const;

export type Pod = {
  readonly carrier?: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
};

export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), "carrier-test-"));
  readonly lines: string[] = [];
  readonly warnings: string[] = [];
  server: RunningServer | undefined;
  #images = 0;
  #config: ShimConfig = parseNodeConfig("", "c.toml").shim;

  constructor(era: keyof typeof eras = 2020) {
    const bin = this.path("occlum/build/bin");
    mkdirSync(this.path("occlum/build/lib"), { recursive: true });
    cpSync(join(import.meta.dir, "stand-ins"), bin, { recursive: true });
    cpSync(join(repository, "dist/lib/inclavare/encl.ss"), `${bin}/encl.ss`);
    mkdirSync(this.path("occlum/build/template"));
    writeFileSync(this.path("occlum/build/template/Occlum.json"), JSON.stringify(eras[era]));
    writeFileSync(this.path("occlum/build/lib/libocclum-libos.so"), "libos");
    const { privateKey, publicKey } = generateKeyPairSync("rsa", {
      modulusLength: 3072,
      publicExponent: 3,
      privateKeyEncoding: { type: "pkcs1", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    });
    writeFileSync(this.path("key.pem"), privateKey, { mode: 0o600 });
    writeFileSync(this.path("pub.pem"), publicKey);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  get bin(): string {
    return this.path("occlum/build/bin");
  }

  /** The stand-in's calls so far. */
  calls(): string[] {
    const file = `${this.bin}/calls`;
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  }

  async sign(): Promise<string> {
    const routes = {
      signer: pemSigner(this.path("key.pem"), this.path("pub.pem")),
      audit: openAuditLog(this.path("audit")),
      anyMaterial: false,
    };
    const warn = (message: string) => void this.warnings.push(message);
    this.server = await listen({ routes, host: "127.0.0.1", port: 0, tls: undefined, warn });
    return `http://127.0.0.1:${this.server.port}`;
  }

  async config(extra = ""): Promise<ShimConfig> {
    const text = `
[signature]
server_address = "${await this.sign()}"
public_key = "${this.path("pub.pem")}"
[enclave_runtime.occlum]
enclave_runtime_path = "/opt/occlum/build/lib/libocclum-pal.so"
enclave_libos_path = "${this.path("occlum/build/lib/libocclum-libos.so")}"
[enclave_runtime.gramine]
enclave_runtime_path = "/usr/local/lib/libgramine-pal.so"
[carrier]
cache_directory = "${this.path("cache")}"
${extra}`;
    return parseNodeConfig(text, "c.toml").shim;
  }

  async builds(extra = ""): Promise<Builds> {
    this.#config = await this.config(extra);
    return new Builds(this.#config.carrier);
  }

  /** A root file system with these files; a text that begins with -> is a link. */
  image(files: Readonly<Record<string, string>> = { "bin/web_server": "program" }): string {
    const root = this.path(`image-${this.#images++}`);
    for (const [name, text] of Object.entries({ "etc/hosts": "the image's", ...files })) {
      mkdirSync(join(root, name, ".."), { recursive: true });
      if (text.startsWith("->")) symlinkSync(text.slice(2), join(root, name));
      else writeFileSync(join(root, name), text);
    }
    return root;
  }

  async run(
    builds: Builds,
    rootfs: string,
    pod: Pod = {},
  ): Promise<Readonly<Record<string, string>>> {
    const { carrier = "occlum", args = ["/bin/web_server"], cwd = "/run/rune", env = {} } = pod;
    const environment = new Map(Object.entries({ RUNE_CARRIER: carrier, ...env }));
    const chosen = await chooseCarrier(environment);
    if (chosen === undefined) return {};
    return builds.run(chosen, {
      config: this.#config,
      rootfs,
      cwd,
      args,
      environment,
      libDir: join(repository, "dist/lib/inclavare"),
      log: (line) => void this.lines.push(line),
      warn: (line) => void this.warnings.push(line),
      signal: pod.signal ?? new AbortController().signal,
    });
  }

  /** What a build leaves behind while it runs. */
  unfinished(): string[] {
    return readdirSync(this.path("cache/builds"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server?.close();
    rmSync(this.folder, { recursive: true });
  }
}

/** Code and message of what the promise throws. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    return `done: ${JSON.stringify(await promise)}`;
  } catch (error) {
    const { code, message } = error as RuneError; // thrown by what is tested
    return `${code} ${message}`;
  }
}
