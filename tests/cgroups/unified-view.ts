// SPDX-License-Identifier: Apache-2.0
/** For tests: what a host with version 2 alone looks like, on one with version 1 hierarchies beside it. */
import { isUnifiedOnly } from "../../src/cgroups/layout.ts";
import { Sandbox } from "../support/sandbox.ts";
import { hierarchies } from "./files.ts";

/** Runs the command behind it where /sys/fs/cgroup is the version 2 hierarchy, in a mount namespace of its own. */
const mountedView: readonly string[] = [
  "unshare",
  "--mount",
  "--propagation",
  "private",
  "sh",
  "-euc",
  'mount -t cgroup2 none /sys/fs/cgroup; exec "$@"',
  "unified-view",
];

/** As {@link mountedView}; nothing where that is what the host looks like. */
const unifiedView = isUnifiedOnly(hierarchies) ? [] : mountedView;

/** Why there is no such view; the controllers it has are those that version 1 leaves. */
export function withoutView(): string | undefined {
  return hierarchies.some(({ version }) => version === 2)
    ? undefined
    : "needs the cgroup v2 hierarchy";
}

/** A sandbox whose runtime sees version 2 alone. */
export class UnifiedSandbox extends Sandbox {
  override argv(...words: readonly string[]): string[] {
    return [...unifiedView, ...super.argv(...words)];
  }
}
