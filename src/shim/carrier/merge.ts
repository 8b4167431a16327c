// SPDX-License-Identifier: Apache-2.0

import { constants } from "node:fs";
import { chmod, copyFile, mkdir, readdir, readlink, rm, stat, symlink } from "node:fs/promises";
import { inRoot } from "./tree.ts";

/**
 * Copies one tree over another. The lower one is an image's: where its links lead the copies go, and that
 * never is outside of it.
 */
export async function mergeOver(upper: string, lower: string, signal: AbortSignal): Promise<void> {
  await mergeFolder(upper, lower, "", signal);
}

async function mergeFolder(
  upper: string,
  lower: string,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  for (const entry of await readdir(`${upper}/${folder}`, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    const parent = await inRoot(lower, folder);
    if (entry.isDirectory()) {
      const target = await inRoot(lower, path);
      if ((await typeOf(target)) !== "folder") await rm(target, { recursive: true, force: true });
      await mkdir(target, { recursive: true });
      await mergeFolder(upper, lower, path, signal);
      continue;
    }
    // The name itself, not what a link of that name leads to.
    const target = `${parent}/${entry.name}`;
    await rm(target, { recursive: true, force: true });
    if (entry.isSymbolicLink()) {
      await symlink(await readlink(`${upper}/${path}`), target);
    } else if (entry.isFile()) {
      await copyFile(`${upper}/${path}`, target, constants.COPYFILE_EXCL);
      await chmod(target, (await stat(`${upper}/${path}`)).mode & 0o7777);
    }
  }
}

async function typeOf(path: string): Promise<"folder" | "other" | "nothing"> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "other";
  } catch {
    return "nothing";
  }
}
