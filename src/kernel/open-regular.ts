// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../errors/error.ts";
import { O_PATH, O_RDONLY, S_IFMT, S_IFREG } from "./constants.ts";
import type { Fd, Kernel } from "./kernel.ts";

/**
 * To read a file that others may have made. It is looked at before it is opened: opening a fifo would
 * block, opening a device may do anything. Links are followed.
 */
export function openRegular(kernel: Kernel, path: string): Fd {
  const looked = kernel.open(path, O_PATH);
  try {
    if ((kernel.fstat(looked).mode & S_IFMT) !== S_IFREG) {
      const reason = "it is no regular file";
      throw new RuneError({ code: "SYSCALL", doing: `open \`${path}\``, reason });
    }
    return kernel.open(`/proc/self/fd/${looked}`, O_RDONLY);
  } finally {
    kernel.close(looked);
  }
}
