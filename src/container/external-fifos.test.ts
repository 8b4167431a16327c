// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { S_IFIFO } from "../kernel/constants.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import { externalFifos } from "./external-fifos.ts";

const mountinfo = "30 20 0:26 / / rw - overlay overlay rw\n31 30 0:5 / /dev rw - tmpfs tmpfs rw\n";

/** Descriptors of process 9: where each leads, what it is, and the mount that it is on. */
function machine(...streams: { link: string; mode?: number; mount?: number }[]): RecordingKernel {
  const kernel = new RecordingKernel().file("/proc/9/mountinfo", mountinfo);
  const links = new Map<string, string>();
  const modes = new Map<string, number>();
  for (const [fd, { link, mode = S_IFIFO, mount = 77 }] of streams.entries()) {
    links.set(`/proc/9/fd/${fd}`, link);
    modes.set(`/proc/9/fd/${fd}`, mode);
    kernel
      .file(`/proc/9/fd/${fd}`, "")
      .file(`/proc/9/fdinfo/${fd}`, `pos:\t0\nmnt_id:\t${mount}\n`);
  }
  const stat = kernel.stat.bind(kernel);
  return Object.assign(kernel, {
    readlink: (path: string) => links.get(path) ?? "",
    stat: (path: string) => ({ ...stat(path), mode: modes.get(path) ?? 0, inode: 0xabcn }),
  });
}

test("a fifo on a mount that the container does not have is named by mount and inode, in hexadecimal", () => {
  const streams = ["0", "1", "2"].map((name) => ({ link: `/run/fifo/${name}`, mount: 0x1f4 }));
  expect(externalFifos(machine(...streams), 9)).toEqual(Array(3).fill("file[1f4:abc]"));
});

test("pipes, files, the container's own fifos and closed streams are not", () => {
  const kernel = machine(
    { link: "pipe:[7]" },
    { link: "/dev/null", mode: 0o020000 },
    { link: "/fifo", mount: 30 },
  );
  expect(externalFifos(kernel, 9)).toEqual([undefined, undefined, undefined]);
  expect(externalFifos(machine(), 9)).toEqual([undefined, undefined, undefined]);
});
