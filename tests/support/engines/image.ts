// SPDX-License-Identifier: Apache-2.0
/** Container images without a registry: archives that `docker load`, `ctr image import` and `podman load` read. */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { makeBundle } from "../bundle.ts";
import { mustRun } from "../command.ts";
import { busybox } from "../runtime.ts";

export type ImageOptions = {
  /** Further files of the root directory. */
  readonly files?: readonly string[];
  readonly command?: readonly string[];
};

/** Writes the archive of an image with all of busybox below `path`; returns the archive's path. */
export async function makeImage(
  path: string,
  name: string,
  { files = [], command = ["/bin/sh"] }: ImageOptions = {},
): Promise<string> {
  mkdirSync(path);
  const { rootfs } = makeBundle(join(path, "bundle"));
  await addApplets(rootfs);
  for (const file of files) copyFileSync(file, join(rootfs, basename(file)));
  await mustRun(["tar", "-C", rootfs, "-cf", join(path, "layer.tar"), "."]);
  const digest = createHash("sha256")
    .update(readFileSync(join(path, "layer.tar")))
    .digest("hex");
  const config = {
    architecture: "amd64",
    os: "linux",
    config: { Env: ["PATH=/bin"], Cmd: command },
    rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
    history: [{ created_by: "tests" }],
  };
  const manifest = [{ Config: "config.json", RepoTags: [name], Layers: ["layer.tar"] }];
  writeFileSync(join(path, "config.json"), JSON.stringify(config));
  writeFileSync(join(path, "manifest.json"), JSON.stringify(manifest));
  const archive = join(path, "image.tar");
  const parts = ["manifest.json", "config.json", "layer.tar"];
  await mustRun(["tar", "-C", path, "-cf", archive, ...parts]);
  return archive;
}

async function addApplets(rootfs: string): Promise<void> {
  for (const applet of (await mustRun([busybox, "--list"])).split("\n")) {
    const link = join(rootfs, "bin", applet);
    if (applet !== "" && !existsSync(link)) symlinkSync("busybox", link);
  }
}
