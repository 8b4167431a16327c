// SPDX-License-Identifier: Apache-2.0
/** `containerd-shim-rune-v2`: what containerd calls, with flags as Go's. */
import { RuneError } from "../errors/error.ts";
import { readFront } from "../kernel/front.ts";
import type { Fd } from "../kernel/kernel.ts";
import { linux } from "../kernel/linux.ts";
import { parseShimLine } from "./command-line.ts";

const stdout = 1 as Fd; // open: the front sees to it

export async function main(words: readonly string[]): Promise<number> {
  const line = parseShimLine(words);
  const print = (text: string) => linux.write(stdout, new TextEncoder().encode(text));
  if (line.version) {
    print(`containerd-shim-rune-v2:\n  Version:  ${BUILD_VERSION}\n  Revision: ${BUILD_COMMIT}\n`);
    return 0;
  }
  const front = readFront(linux, process.env);
  const libDir = process.execPath.slice(0, process.execPath.lastIndexOf("/"));
  const given = { ...line, environment: front.environment(), libDir };
  if (line.info) {
    const { info } = await import("./info.ts");
    linux.write(stdout, info());
    return 0;
  }
  if (line.namespace === "") {
    const reason = "it has no namespace";
    throw new RuneError({ code: "USAGE", doing: "start the shim", reason });
  }
  switch (line.action) {
    case "start": {
      const { start } = await import("./start.ts");
      print(await start(linux, given));
      return 0;
    }
    case "delete": {
      const { deleteTask } = await import("./delete.ts");
      linux.write(stdout, await deleteTask(linux, given));
      return 0;
    }
    case "serve": {
      const { serveNamespace } = await import("./serve.ts");
      await serveNamespace(linux, given);
      return 0;
    }
    case "act": {
      const { act } = await import("./act.ts");
      linux.write(stdout, await act(linux, given));
      return 0;
    }
    default:
      return line.action satisfies never;
  }
}
