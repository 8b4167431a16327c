// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RecordingKernel } from "../kernel/recording.ts";
import type { ContainerReport } from "../oci/state.ts";
import { formatList, printCold } from "./print-cold.ts";

const web: ContainerReport = {
  ociVersion: "1.3.0",
  id: "web",
  pid: 4242,
  status: "running",
  bundle: "/run/containers/web",
  rootfs: "/run/containers/web/rootfs",
  created: "2026-11-23T23:31:00.789Z",
  owner: "root",
};

test("an empty list is what runc prints", () => {
  const root = mkdtempSync(join(tmpdir(), "rune-list-")); // which runc would make
  using _ = { [Symbol.dispose]: () => rmSync(root, { recursive: true }) };
  const runc = (...flags: string[]) => {
    const child = Bun.spawnSync(["runc", "--root", root, "list", ...flags]);
    return child.stdout.toString();
  };
  // Captured from runc 1.1.5; where there is a runc, the captures are compared with it.
  const table = "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n";
  expect(formatList([], "table", false)).toBe(table);
  expect(formatList([], "json", false)).toBe("null\n");
  expect(formatList([], "table", true)).toBe("");
  if (Bun.which("runc") === null) return;
  expect(runc()).toBe(table);
  expect(runc("--format", "json")).toBe("null\n");
  expect(runc("--quiet")).toBe("");
});

test("columns are as wide as what is in them, and three", () => {
  const long = {
    ...web,
    id: "a-long-id-of-a-container",
    pid: 0,
    status: "stopped",
    owner: "#1000",
  } as const;
  expect(formatList([web, long], "table", false)).toBe(
    "ID                         PID         STATUS      BUNDLE                CREATED                    OWNER\n" +
      "web                        4242        running     /run/containers/web   2026-11-23T23:31:00.789Z   root\n" +
      "a-long-id-of-a-container   0           stopped     /run/containers/web   2026-11-23T23:31:00.789Z   #1000\n",
  );
});

test("characters are counted, not their bytes or halves", () => {
  const line = formatList([{ ...web, bundle: "/bündel/😀/abcdef" }], "table", false).split("\n");
  const [heading = "", row = ""] = line;
  expect([...row].indexOf("2")).toBeGreaterThan(0);
  expect([...row].slice(heading.indexOf("CREATED")).join("")).toStartWith("2026-");
});

test("the other formats", () => {
  expect(formatList([web], "json", false)).toBe(`${JSON.stringify([web])}\n`);
  expect(formatList([web, { ...web, id: "db" }], "json", true)).toBe("web\ndb\n");
});

function print(command: Parameters<typeof printCold>[0], kernel = new RecordingKernel()) {
  const printed: string[] = [];
  const context = { kernel, print: (text: string) => printed.push(text), list: () => [web] };
  return printCold(command, { ...context, print: (text) => void context.print(text) }).then(() =>
    printed.join(""),
  );
}

const cgroups = (kernel: RecordingKernel) =>
  kernel.file("/proc/self/mountinfo", "").file("/proc/self/cgroup", "").directory("/b");

test("spec writes a new file and never over one that exists", async () => {
  const kernel = cgroups(new RecordingKernel());
  const command = { verb: "spec", bundle: "/b", kind: "default" } as const;
  expect(await print(command, kernel)).toBe("");
  expect(JSON.parse(kernel.text("/b/config.json") ?? "")).toMatchObject({ hostname: "rune" });
  expect(kernel.openNames()).toEqual([]);
  kernel.file("/b/config.json", "mine");
  await expect(print(command, kernel)).rejects.toMatchObject({ code: "USAGE" });
  expect(kernel.text("/b/config.json")).toBe("mine");
});

test("spec asks the host what the kinds need", async () => {
  const kernel = cgroups(new RecordingKernel()).directory("/var/run/aesmd");
  await print({ verb: "spec", bundle: "/b", kind: "enclave" }, kernel);
  expect(kernel.text("/b/config.json")).toContain("/var/run/aesmd");
  kernel.unlink("/b/config.json");
  kernel.uid = 1000;
  await print({ verb: "spec", bundle: "/b", kind: "rootless" }, kernel);
  expect(JSON.parse(kernel.text("/b/config.json") ?? "").linux.uidMappings).toEqual([
    { containerID: 0, hostID: 1000, size: 1 },
  ]);
});

test("list prints the containers of the root", async () => {
  expect(await print({ verb: "list", format: "table", quiet: true })).toBe("web\n");
});
