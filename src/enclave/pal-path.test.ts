// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { RuneError } from "../errors/error.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { linux } from "../kernel/linux.ts";
import { openPal } from "./pal-path.ts";

const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)("the PAL that is loaded (needs root)", () => {
  let base = "";
  let pals = "";
  let pal = "";

  beforeEach(() => {
    // Not below /tmp: whatever lies there can be changed by others.
    base = realpathSync(mkdtempSync("/var/lib/pal-path-"));
    chmodSync(base, 0o755);
    pals = join(base, "pals");
    pal = file("pals/libpal.so", "checked");
  });
  afterEach(() => rmSync(base, { recursive: true }));

  /** Makes a file of root's below the test's directory. */
  function file(name: string, content: string): string {
    const path = join(base, name);
    mkdirSync(join(path, ".."), { recursive: true, mode: 0o755 });
    writeFileSync(path, content, { mode: 0o755 });
    return path;
  }

  function refusal(path: string, kernel: Kernel = linux, dirs = [pals]): string {
    const before = openDescriptors();
    try {
      linux.close(openPal(kernel, path, dirs).fd);
    } catch (error) {
      expect(openDescriptors()).toEqual(before);
      const { code, message } = error as RuneError; // thrown by what is tested
      return `${code} ${message}`;
    }
    return "accepted";
  }

  /** Runs `change` between resolving the path and looking at what it leads to. */
  function changing(change: () => void): Kernel {
    let resolved = 0;
    return {
      ...linux,
      readlink: (path) => {
        const target = linux.readlink(path);
        // The PAL's path is resolved first, then the directories'.
        resolved += 1;
        if (resolved === 2) change();
        return target;
      },
    };
  }

  test("a file of root's in a directory of the node's is opened, by its canonical path", () => {
    const opened = openPal(linux, pal, ["/no/such/directory", pals]);
    expect(opened.path).toBe(pal);
    expect(fstatSync(opened.fd).ino).toBe(statSync(pal).ino);
    expect(readFileSync(`/proc/self/fd/${opened.fd}`, "utf8")).toBe("checked");
    linux.close(opened.fd);
  });

  test("links within the node's directories, and to them, are followed", () => {
    symlinkSync("libpal.so", join(pals, "libpal.so.1"));
    symlinkSync(pals, join(base, "link"));
    for (const path of [join(pals, "libpal.so.1"), join(base, "link/libpal.so")]) {
      const opened = openPal(linux, path, [`${base}/link/`]);
      expect(opened.path).toBe(pal);
      linux.close(opened.fd);
    }
  });

  test("an image's path is none of the node's directories", () => {
    expect(refusal(file("rootfs/usr/lib/libpal.so", ""))).toContain("PAL_PATH");
    expect(refusal(file("pals-of-mine/libpal.so", ""))).toContain("none of the node's directories");
    expect(refusal(file("pals/below/libpal.so", ""))).toContain("none of the node's directories");
  });

  test("a volume: a directory or a file that somebody else owns or may write", () => {
    const volume = file("volume/data/libpal.so", "");
    const dirs = [join(base, "volume/data")];
    expect(refusal(volume, linux, dirs)).toBe("accepted");
    chownSync(join(base, "volume"), 1000, 0);
    expect(refusal(volume, linux, dirs)).toContain(
      `directory \`${base}/volume\` belongs to uid 1000`,
    );
    chownSync(join(base, "volume"), 0, 1000);
    for (const mode of [0o1777, 0o775, 0o757]) {
      chmodSync(join(base, "volume"), mode);
      expect(refusal(volume, linux, dirs)).toContain(`directory \`${base}/volume\` may be written`);
    }
    chmodSync(pal, 0o764);
    expect(refusal(pal)).toContain(`file \`${pal}\` may be written`);
    chmodSync(pal, 0o755);
    chownSync(pal, 7, 0);
    expect(refusal(pal)).toContain("belongs to uid 7");
  });

  test("a link that leads out of the node's directories", () => {
    symlinkSync(file("outside/evil.so", ""), join(pals, "inside.so"));
    expect(refusal(join(pals, "inside.so"))).toContain("none of the node's directories");
    symlinkSync("loop.so", join(pals, "loop.so"));
    expect(refusal(join(pals, "loop.so"))).toContain("in a circle");
  });

  test("magic links of /proc, although they lead to the very file", () => {
    const open = openSync(pal, "r");
    for (const path of [
      `/proc/self/root${pal}`,
      `/proc/${process.pid}/root${pal}`,
      `/proc/self/fd/${open}`,
    ]) {
      expect(readFileSync(path, "utf8")).toBe("checked");
      expect(refusal(path)).toContain("magic link");
    }
    closeSync(open);
    symlinkSync(`/proc/self/root${pal}`, join(pals, "magic.so"));
    expect(refusal(join(pals, "magic.so"))).toContain("magic link");
  });

  test("paths that are none", () => {
    expect(refusal("")).toContain("ENCLAVE_CONFIG");
    expect(refusal("libpal.so")).toContain("absolute");
    expect(refusal(`${pals}/../pals/libpal.so`)).toContain("absolute");
    expect(refusal(`${pals}/missing.so`)).toContain("no such file");
    expect(refusal(`${pal}/below`)).toContain("no such file");
    expect(refusal("/")).toContain("PAL_PATH");
  });

  test("what is no regular file is not opened", () => {
    linux.mkfifo(join(pals, "fifo.so"), 0o644);
    expect(refusal(join(pals, "fifo.so"))).toContain("not a regular file");
    mkdirSync(join(pals, "directory.so"));
    expect(refusal(join(pals, "directory.so"))).toContain("not a regular file");
  });

  test("a swap after the check changes nothing: the descriptor is on what was checked", () => {
    const inode = statSync(pal).ino;
    const opened = openPal(linux, pal, [pals]);
    renameSync(file("outside/evil.so", "evil"), pal);
    expect(fstatSync(opened.fd).ino).toBe(inode);
    expect(readFileSync(`/proc/self/fd/${opened.fd}`, "utf8")).toBe("checked");
    linux.close(opened.fd);
  });

  test("a swap before the check is checked: no link is followed any more", () => {
    const evil = file("outside/libpal.so", "evil");
    const file_ = changing(() => {
      rmSync(pal);
      symlinkSync(evil, pal);
    });
    expect(refusal(pal, file_)).toContain("not a regular file");
    rmSync(pal);
    writeFileSync(pal, "");
    const directory = changing(() => {
      renameSync(pals, `${pals}-away`);
      symlinkSync(join(base, "outside"), pals);
    });
    expect(refusal(pal, directory)).toContain("changed while it was looked at");
  });
});

function openDescriptors(): string[] {
  return linux.list("/proc/self/fd").map(({ name }) => name);
}
