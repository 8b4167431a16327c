// SPDX-License-Identifier: Apache-2.0
/** The platform where rune puts it: sealed memfds, a root without /proc, no identity, a filter. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { isRoot, readTap, run, simulator, Workshop, whySkipped } from "./platform.ts";

const busybox = Bun.which("busybox");
const isStatic = busybox !== null && /statically linked|not a dynamic/.test(lddOf(busybox));
const why = whySkipped !== "" ? whySkipped : isRoot ? "" : " (skipped: needs root)";

let workshop: Workshop;
let confine = "";
beforeAll(() => {
  workshop = new Workshop();
  if (why !== "") return;
  confine = workshop.compile("confine", "static");
  workshop.buildEnclave();
  for (const folder of ["root", "root/bin", "root/dev", "root/work"])
    mkdirSync(workshop.path(folder));
  run(["chmod", "1777", workshop.path("root/work")]);
  run(["chmod", "755", workshop.folder]);
  for (const file of ["enclave.bin", "enclave.ss"]) {
    copyFileSync(workshop.path(file), workshop.path(`root/${file}`));
  }
  for (const name of ["launch", "suite", "ordinary"]) {
    copyFileSync(workshop.compile(name, "static"), workshop.path(`root/bin/${name}`));
  }
  if (busybox === null) return;
  copyFileSync(busybox, workshop.path("root/bin/busybox"));
  for (const name of ["sh", "cat"]) symlinkSync("busybox", workshop.path(`root/bin/${name}`));
});
afterAll(() => workshop[Symbol.dispose]());

const inside = (...words: string[]) =>
  run([confine, "enter", simulator, workshop.path("root"), "1000", ...words]);

describe.skipIf(why !== "")(`confined${why}`, () => {
  test("an enclave is launched as uid 1000, without /proc and without a capability", () => {
    const words = ["launch", "/enclave.bin", "/enclave.ss"];
    expect(inside(...words)).toEqual({ code: 0, out: ["launched"], err: "" });
  });

  test("the suite", () => {
    const { out, err } = inside("suite", "/enclave.bin", "/enclave.ss");
    expect(readTap(out)).toEqual({ failed: [], complete: true });
    expect(err).toBe("");
  });

  test.skipIf(!isStatic)("executions one after the other, without /proc", () => {
    const script =
      "launch /enclave.bin /enclave.ss | cat; sh -c 'exec launch /enclave.bin /enclave.ss'; exit 5";
    expect(inside("sh", "-c", script)).toEqual({ code: 5, out: ["launched", "launched"], err: "" });
  });

  test("in a user namespace of its own, where it must set no_new_privs itself", () => {
    const words = [confine, "enter", simulator, workshop.path("root"), "0", "launch"];
    const { code, out } = run(["unshare", "-Ur", ...words, "/enclave.bin", "/enclave.ss"]);
    expect({ code, out }).toEqual({ code: 0, out: ["launched"] });
  });

  test("no_new_privs stays as it is for who may do without", () => {
    const status = run([simulator, "grep", "NoNewPrivs", "/proc/self/status"]).out;
    expect(status).toEqual(["NoNewPrivs:\t0"]);
  });

  test("uid 1000 outside a container gets it", () => {
    const words = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", simulator];
    const status = run([...words, "grep", "NoNewPrivs", "/proc/self/status"]).out;
    expect(status).toEqual(["NoNewPrivs:\t1"]);
  });
});

function lddOf(path: string): string {
  const { out, err } = run(["ldd", path]);
  return out.join("\n") + err;
}
