// SPDX-License-Identifier: Apache-2.0
/** What a restored process gets in the place of what its descriptors 0, 1 and 2 were. */
import { RuneError } from "../errors/error.ts";
import { ENOENT } from "../kernel/constants.ts";
import { type Fd, type Kernel, readToEnd, unlessErrno } from "../kernel/kernel.ts";
import { descriptorsFile } from "./criu-options.ts";

const fileMaxBytes = 64 << 10;

/** Links of /proc/PID/fd, by descriptor. @throws RuneError CRIU where there is no finished checkpoint */
export function readStdio(kernel: Kernel, images: Fd, imagePath: string): readonly string[] {
  const name = `${imagePath}/${descriptorsFile}`;
  const fd = unlessErrno(() => kernel.openAt(images, descriptorsFile, 0), ENOENT);
  if (fd === undefined) {
    throw unusable(
      name,
      "there is no such file: these are not the images of a finished checkpoint",
    );
  }
  const bytes = readToEnd(kernel, fd, name, fileMaxBytes);
  kernel.close(fd);
  let links: unknown;
  try {
    links = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw unusable(name, "not JSON");
  }
  if (links === null) return []; // what runc writes for none
  if (!Array.isArray(links) || !links.every((link) => typeof link === "string")) {
    throw unusable(name, "not a list of strings");
  }
  return links.slice(0, 3);
}

/**
 * Pipes, and fifos that `checkpoint` has called external, have their other end outside: ours stand in for
 * them. Anything else criu opens by its path.
 */
export function inheritedPipes(stdio: readonly string[]): { key: string; fd: number }[] {
  return stdio.flatMap((key, fd) => (/^(pipe:|file\[)/.test(key) ? [{ key, fd }] : []));
}

function unusable(name: string, reason: string): RuneError {
  return new RuneError({ code: "CRIU", doing: `read \`${name}\``, reason });
}
