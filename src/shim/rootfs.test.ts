// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RuneError } from "../errors/error.ts";
import { EINVAL } from "../kernel/constants.ts";
import { linux } from "../kernel/linux.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import { compactOverlay, mountRootfs, unmountRootfs } from "./rootfs.ts";

function calls(fails = (_: readonly unknown[]) => false) {
  const made: unknown[][] = [];
  let mounted = 0;
  return {
    made,
    mount: (...words: unknown[]) => {
      made.push(words);
      if (fails(words)) throw new RuneError({ code: "SYSCALL", doing: "mount", reason: "no" });
      mounted++;
    },
    unmount: (target: string, flags: number) => {
      if (mounted-- <= 0) {
        throw new RuneError({ code: "SYSCALL", doing: "unmount", reason: "no", errno: EINVAL });
      }
      made.push(["unmount", target, flags]);
    },
  };
}

const machine = () => new RecordingKernel().directory("/b");
const overlay = { type: "overlay", source: "overlay", target: "" };

test("options are flags or data, in their order; the last word counts", () => {
  const made = calls();
  const options = ["ro", "nosuid", "lowerdir=/a:/b", "rw", "index=off"];
  mountRootfs(machine(), made, "/b", [{ ...overlay, options }]);
  expect(made.made).toEqual([["overlay", "/b/rootfs", "overlay", 2, "lowerdir=/a:/b,index=off"]]);
});

test("a bind mount gets its other flags in a second step", () => {
  const made = calls();
  const bind = { type: "bind", source: "/s", target: "", options: ["rbind", "ro"] };
  mountRootfs(machine(), made, "/b", [bind]);
  expect(made.made).toEqual([
    ["/s", "/b/rootfs", "bind", 4096 | 16384 | 1, ""],
    ["/s", "/b/rootfs", "bind", 4096 | 16384 | 1 | 32, ""],
  ]);
});

test("what is mounted when one fails is taken back", () => {
  const made = calls(([source]) => source === "bad");
  const mounts = [
    { ...overlay, options: [] },
    { ...overlay, source: "bad", options: [] },
  ];
  expect(() => mountRootfs(machine(), made, "/b", mounts)).toThrow("mount `/b/rootfs`");
  expect(made.made.at(-1)).toEqual(["unmount", "/b/rootfs", 2 | 8]);
});

test("a target below stays below", () => {
  const mounts = [{ ...overlay, target: "a/../../x", options: [] }];
  expect(() => mountRootfs(machine(), calls(), "/b", mounts)).toThrow("leads out");
});

test("a target below leads through no link of an image's", () => {
  const folder = mkdtempSync(join(tmpdir(), "shim-rootfs-"));
  try {
    mkdirSync(join(folder, "rootfs/kept"), { recursive: true });
    symlinkSync("/etc", join(folder, "rootfs/kept/link"));
    const made = calls();
    const mount = (target: string) =>
      mountRootfs(linux, made, folder, [{ ...overlay, target, options: [] }]);
    mount("/kept/new");
    expect(made.made.at(-1)?.[1]).toBe(join(folder, "rootfs/kept/new"));
    for (const target of ["kept/link", "/kept/link/deep"]) {
      expect(() => mount(target)).toThrow("is a symbolic link");
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("nothing mounted is nothing to unmount", () => {
  const made = calls();
  unmountRootfs(made, "/b");
  expect(made.made).toEqual([]);
});

test("many lower directories are named relative to what they have in common", () => {
  const paths = Array.from({ length: 60 }, (_, at) => `/${"x".repeat(80)}/snapshots/${at}/fs`);
  const options = [`lowerdir=${paths.join(":")}`, "upperdir=/u", "workdir=/w"];
  const { data, directory } = compactOverlay("overlay", options);
  expect(directory).toBe(`/${"x".repeat(80)}/snapshots`);
  expect(data).toStartWith("lowerdir=0/fs:1/fs:");
  expect(data).toEndWith(":59/fs,upperdir=/u,workdir=/w");
  expect(compactOverlay("overlay", ["lowerdir=/a:/b"])).toEqual({ data: "lowerdir=/a:/b" });
});
