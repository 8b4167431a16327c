// SPDX-License-Identifier: Apache-2.0
/** The archive for other distributions: the stage, and `install.sh` on top of it. */
import { symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type PackageRequest, run } from "./tools.ts";

export function makeArchive({ stage, output, source, quick }: PackageRequest): string {
  symlinkSync("packaging/install.sh", join(stage, "install.sh"));
  const path = join(output, `${source.name}-${source.version}-linux-x86_64.tar.gz`);
  // reproducible-builds.org/docs/archives
  const fixed = [
    "--sort=name",
    `--mtime=@${source.epoch}`,
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--format=gnu",
  ];
  const compress = `--use-compress-program=gzip -n -${quick ? 1 : 9}`;
  run(["tar", ...fixed, compress, "-cf", path, "-C", dirname(stage), basename(stage)], source);
  return path;
}
