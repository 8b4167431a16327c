// SPDX-License-Identifier: Apache-2.0
/** A daemon in an engine's host: started, waited for, stopped by its process id. */

import { eventually, Running } from "../command.ts";
import type { EngineHost } from "./host.ts";

export class Daemon {
  readonly #running: Running;

  private constructor(argv: readonly string[]) {
    this.#running = new Running(argv);
  }

  /** Starts it and waits until `isReady` says so. */
  static async start(
    host: EngineHost,
    argv: readonly string[],
    isReady: () => Promise<boolean>,
  ): Promise<Daemon> {
    const daemon = new Daemon(host.inside(...argv));
    try {
      await eventually(`${argv[0]} is ready`, isReady);
      return daemon;
    } catch (error) {
      const log = daemon.log();
      await daemon.stop("SIGKILL");
      throw new Error(`${argv.join(" ")} did not become ready: ${log}`, { cause: error });
    }
  }

  log(): string {
    return this.#running.stderr();
  }

  /** Ends it and waits. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    this.#running.kill(signal);
    await this.#running.exited();
    this.#running[Symbol.dispose]();
  }
}
