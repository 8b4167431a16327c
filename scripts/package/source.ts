// SPDX-License-Identifier: Apache-2.0
/** What is packaged: its version and its time, from the repository and nothing else. */
import packageJson from "../../package.json";

export type Source = {
  readonly name: string;
  /** As Debian compares versions: every commit is newer than the one before, a release than all of them. */
  readonly version: string;
  readonly commit: string;
  /** Whether files differ from the commit: then the same version may stand for other bytes. */
  readonly dirty: boolean;
  /** Seconds since 1970: of everything that carries a time. */
  readonly epoch: number;
};

/** `SOURCE_DATE_EPOCH` (reproducible-builds.org/specs/source-date-epoch) beats the commit's time. */
export function readSource(root: string): Source {
  const committed = Number(git(root, "log", "-1", "--format=%ct"));
  const commit = git(root, "rev-parse", "HEAD");
  const dirty = git(root, "status", "--porcelain", "--untracked-files=no") !== "";
  const released = git(root, "tag", "--points-at", "HEAD").split("\n");
  const { name, version } = packageJson;
  const release = released.includes(`v${version}`) && !dirty;
  return {
    name,
    version: release ? version : unreleased(version, committed, commit, dirty),
    commit,
    dirty,
    epoch: epochFrom(process.env["SOURCE_DATE_EPOCH"]) ?? committed,
  };
}

/** deb-version(7): `~` sorts before the end, so that the release itself is newer. */
export function unreleased(
  version: string,
  committed: number,
  commit: string,
  dirty: boolean,
): string {
  const time = new Date(committed * 1000).toISOString().replaceAll(/[-:T]|\.000Z$/g, "");
  return `${version}~${time}.g${commit.slice(0, 8)}${dirty ? "+dirty" : ""}`;
}

export function epochFrom(value: string | undefined): number | undefined {
  if (value === undefined || value === "") return undefined;
  if (!/^\d{1,12}$/.test(value)) {
    throw new Error(`package: SOURCE_DATE_EPOCH is \`${value}\`, expected seconds since 1970`);
  }
  return Number(value);
}

function git(root: string, ...words: string[]): string {
  const { stdout, stderr, success } = Bun.spawnSync(["git", "-C", root, ...words]);
  if (!success) throw new Error(`package: git ${words[0]}: ${stderr.toString().trim()}`);
  return stdout.toString().trim();
}
