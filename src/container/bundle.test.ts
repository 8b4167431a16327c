// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { EACCES } from "../kernel/constants.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import { parseConfig } from "../oci/parse-config.ts";
import { checkSupported, readBundle } from "./bundle.ts";
import { requireConsoleSocket } from "./console.ts";
import { configText, fakeHost } from "./fake-host.ts";
import { absolute } from "./path.ts";

const failure = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) });

test("paths are relative to the current directory", () => {
  const kernel = new RecordingKernel().link("/proc/self/cwd", "/folder");
  for (const [path, whole] of [
    ["/a/b", "/a/b"],
    ["/a/", "/a"],
    ["/", "/"],
    [".", "/folder"],
    ["./", "/folder"],
    ["", "/folder"],
    ["a", "/folder/a"],
    ["./a/", "/folder/a"],
    [".//./a", "/folder/a"],
    ["../a", "/folder/../a"],
    [".a", "/folder/.a"],
  ] as const) {
    expect(absolute(kernel, path)).toBe(whole);
  }
  expect(absolute(new RecordingKernel().link("/proc/self/cwd", "/"), "a")).toBe("/a");
});

test("a bundle is its configuration and its root file system", () => {
  const { kernel } = fakeHost({ root: { path: "rootfs" } });
  expect(readBundle(kernel, "/bundle")).toMatchObject({
    path: "/bundle",
    rootfs: "/bundle/rootfs",
  });
  const elsewhere = fakeHost({ root: { path: "/images/x" } }).kernel.directory("/images/x");
  expect(readBundle(elsewhere, "/bundle").rootfs).toBe("/images/x");
});

test("a bundle without configuration, or without root file system", () => {
  const { kernel } = fakeHost();
  expect(() => readBundle(kernel, "/none")).toThrow(
    failure("CONFIG_NOT_FOUND", "/none/config.json"),
  );
  expect(() => readBundle(kernel, "/bundle/config.json")).toThrow(
    failure("CONFIG_NOT_FOUND", "no such file"),
  );
  const missing = fakeHost({ root: { path: "none" } }).kernel;
  expect(() => readBundle(missing, "/bundle")).toThrow(
    failure("CONFIG_INVALID", "no such directory"),
  );
  const file = fakeHost({ root: { path: "config.json" } }).kernel;
  expect(() => readBundle(file, "/bundle")).toThrow(failure("CONFIG_INVALID", "not a directory"));
  kernel.fail("open /bundle/config.json", EACCES);
  expect(() => readBundle(kernel, "/bundle")).toThrow(failure("SYSCALL", "permission denied"));
});

const configOf = (change: object) => parseConfig(new TextEncoder().encode(configText(change)));

test("names need a uts namespace: refused before anything is done", () => {
  checkSupported(configOf({}));
  const linux = { namespaces: [{ type: "mount" }] };
  checkSupported(configOf({ linux, hostname: "", domainname: "" }));
  for (const field of ["hostname", "domainname"]) {
    const change = { linux, hostname: "", [field]: "web" };
    expect(() => checkSupported(configOf(change))).toThrow(failure("CONFIG_INVALID", field));
  }
});

test("who has to hold a terminal", () => {
  const usage = (text: string) => failure("USAGE", text);
  requireConsoleSocket(false, undefined, true);
  requireConsoleSocket(true, undefined, false);
  requireConsoleSocket(true, "/s", true);
  expect(() => requireConsoleSocket(true, undefined, true)).toThrow(
    usage("needs --console-socket"),
  );
  expect(() => requireConsoleSocket(true, "/s", false)).toThrow(usage("for detached containers"));
  expect(() => requireConsoleSocket(false, "/s", true)).toThrow(usage("has no terminal"));
});
