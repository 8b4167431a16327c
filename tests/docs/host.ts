// SPDX-License-Identifier: Apache-2.0
/** A machine of a page's own: the project is installed in /usr, and nothing that is written stays. */
import { join } from "node:path";
import { EngineHost } from "../support/engines/host.ts";
import { repository } from "../support/runtime.ts";

/** What pages write to beside /etc, /usr and /run, which are the host's own already. */
const setUp = `
set -eu
cd "$1"
for name in var/lib srv; do
  mkdir -p "$name" "work/$name"
  mount -t overlay -o "lowerdir=/$name,upperdir=$name,workdir=work/$name" overlay "/$name"
done
sh "$2/scripts/install-system.sh" --prefix /usr >/dev/null
ln -s "$INCLAVARE_PLATFORM" /run/inclavare-platform
`;

export class DocsHost {
  readonly #host: EngineHost;

  private constructor(host: EngineHost) {
    this.#host = host;
  }

  static async start(): Promise<DocsHost> {
    const host = await EngineHost.start();
    try {
      await host.must(["sh", "-c", setUp, "sh", host.path, repository]);
      return new DocsHost(host);
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Types the blocks into one shell, which ends with the first command that fails. `printed` is what
   * each block that was reached has printed, to both streams, as a terminal shows it.
   */
  async type(blocks: readonly string[]): Promise<{ status: number; printed: string[] }> {
    const mark = `==== ${this.#host.mark}`;
    const script = blocks.map((block) => `echo '${mark}'\n${block}`).join("\n");
    const environment = [
      ...["HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"],
      // Go compiles its library once for all pages and runs.
      ...[`PROJECT=${repository}`, `GOCACHE=${join(repository, "dist/go-cache")}`],
    ];
    // What pages send to logs is the first thing to look at when a command fails.
    const onFailure = `trap '[ $? = 0 ] || tail -n 3 *.log log 2>/dev/null' EXIT`;
    const inner = `exec 2>&1 </dev/null; set -e; ${onFailure}; cd /srv\n${script}\n`;
    const { status, stdout } = await this.#host.call(["env", ...environment, "sh", "-c", inner]);
    return { status, printed: stdout.split(`${mark}\n`).slice(1) };
  }

  /** Removes containers that a page has left, and all else. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      const script = "rune list --quiet | while read -r id; do rune delete --force $id; done";
      await this.#host.call(["sh", "-c", script]);
    } finally {
      await this.#host[Symbol.asyncDispose]();
    }
  }

  /** A file of the page's machine, as the test sees it: below /etc, /usr, /srv or /var/lib. */
  file(path: string): string {
    return join(this.#host.path, path);
  }
}
