// SPDX-License-Identifier: Apache-2.0
/** A platform service for tests, in a folder of its own, and programs that use it. */
import { chmodSync, existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askControl, type Status } from "../../src/platform/control.ts";
import { controlSocket, emulatorSocket } from "../../src/platform/folders.ts";
import { markOf } from "../../src/platform/processes.ts";
import { type CommandResult, command, eventually } from "../support/command.ts";
import { endPlatform, foldersBelow, platformVariables } from "../support/platform.ts";
import { removeTree } from "../support/remove.ts";
import { repository } from "../support/runtime.ts";

export const tool = join(repository, "dist/bin/sgx-tools");
const libraries = join(repository, "dist/lib/inclavare");

/** Why no service can run here; undefined where one can. */
export const obstacle: string | undefined = existsSync(join(libraries, "platform-launch"))
  ? undefined
  : "needs `npm run build`";

export class TestService implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "platform-test-"));
  readonly folders = foldersBelow(this.folder);
  readonly socket = emulatorSocket(this.folders);

  constructor() {
    chmodSync(this.folder, 0o755);
  }

  get variables(): Record<string, string> {
    return { PATH: "/usr/bin:/bin", ...platformVariables(this.folder) };
  }

  call(...words: readonly string[]): Promise<CommandResult> {
    return command([tool, ...words], { env: this.variables });
  }

  async must(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.call(...words);
    if (status === 0) return stdout;
    throw new Error(`${words.join(" ")}: status ${status}: ${stderr}`);
  }

  async start(idleSeconds = 300): Promise<void> {
    await this.must("platform", "start", "--idle-timeout", String(idleSeconds));
  }

  async status(): Promise<Status> {
    return (await askControl(controlSocket(this.folders), { verb: "status" })) as Status;
  }

  /** As the kernel does when memory is short. */
  async kill(): Promise<void> {
    const { pid } = await this.status();
    process.kill(pid, "SIGKILL");
    await eventually("the service is dead", () => markOf(pid) === undefined);
  }

  stop(): Promise<void> {
    return endPlatform(this.folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.stop();
    } finally {
      removeTree(this.folder);
    }
  }
}
