// SPDX-License-Identifier: Apache-2.0
/** A sandbox whose runtime runs as an ordinary user, who exists for its calls only. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { binaryOf, needs, type RuntimeName, runtimeName, type Test, unified } from "./runtime.ts";
import { Sandbox } from "./sandbox.ts";

/** No user of the machine's, and his ranges of subordinate ids. */
export const person = { uid: 47110, gid: 47111, subordinate: { first: 1_200_000, count: 65_536 } };

export type PersonOptions = {
  readonly runtime?: RuntimeName;
  /** Whether /etc/subuid and /etc/subgid have ranges for him. */
  readonly subordinateIds?: boolean;
};

/**
 * The user is in /etc/passwd, subuid and subgid of a private mount namespace alone: the machine's own
 * files stay as they are. State lives in the default place below XDG_RUNTIME_DIR.
 */
export class RootlessSandbox extends Sandbox {
  readonly home: string;
  readonly runtimeDirectory: string;

  constructor({ runtime = runtimeName, subordinateIds = true }: PersonOptions = {}) {
    super(runtime);
    this.home = join(this.path, "host");
    this.runtimeDirectory = join(this.path, "runtime");
    mkdirSync(this.home);
    const range = `runetest:${person.subordinate.first}:${person.subordinate.count}\n`;
    writeFileSync(
      join(this.home, "passwd"),
      `root:x:0:0::/:/bin/sh\nrunetest:x:${person.uid}:${person.gid}::/:/bin/sh\n`,
    );
    for (const name of ["subuid", "subgid"]) {
      writeFileSync(join(this.home, name), subordinateIds ? range : "");
    }
    mkdirSync(this.runtimeDirectory);
    chmodSync(this.runtimeDirectory, 0o700);
    chownSync(this.runtimeDirectory, person.uid, person.gid);
    giveTree(this.bundle.path);
  }

  override get stateRoot(): string {
    return join(this.runtimeDirectory, this.runtime);
  }

  protected override get platformFolder(): string {
    return this.runtimeDirectory;
  }

  override argv(...words: readonly string[]): string[] {
    return this.as([binaryOf(this.runtime), ...words]);
  }

  /** A command line that runs something as the user. */
  as(command: readonly string[], ...variables: readonly string[]): string[] {
    const bind = `for f in passwd subuid subgid; do mount --bind ${this.home}/$f /etc/$f; done`;
    return [
      ...["unshare", "--mount", "sh", "-ec", `${bind}; exec "$@"`, "sh"],
      ...["setpriv", "--reuid", String(person.uid), "--regid", String(person.gid)],
      ...["--clear-groups", "env", `XDG_RUNTIME_DIR=${this.runtimeDirectory}`, ...variables],
      ...command,
    ];
  }
}

/** Makes everything below a path the user's, links themselves included. */
function giveTree(path: string): void {
  chown(path);
  if (!statSync(path).isDirectory()) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) giveTree(child);
    else if (entry.isFile()) chown(child);
  }
}

function chown(path: string): void {
  chownSync(path, person.uid, person.gid);
}

/** A test with a user for whom the runtime's files and user namespaces are within reach. */
export const test: Test = needs(obstacle());

/** A test that needs newuidmap besides. */
export const testWithTools: Test = needs(
  obstacle() ?? (Bun.which("newuidmap") === null ? "needs Debian's uidmap" : undefined),
);

function obstacle(): string | undefined {
  if (runtimeName === "crun" && existsSync(unified)) return "crun: 1.8.1 refuses hybrid hosts";
  if (!existsSync("/etc/subuid")) return "needs /etc/subuid, which Debian's passwd brings";
  for (let path = dirname(binaryOf("rune")); path !== "/"; path = dirname(path)) {
    if ((statSync(path).mode & 0o005) !== 0o005) return `${path} is not open to other users`;
  }
  return undefined;
}
