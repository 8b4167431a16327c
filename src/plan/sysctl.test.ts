// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import type { Config } from "../oci/config.ts";
import type { NamespaceType } from "../oci/namespaces.ts";
import { PlanBuilder } from "./encode.ts";
import { checkNamespaces } from "./namespaces.ts";
import { checkSysctl, planSysctl } from "./sysctl.ts";

function configOf(linux: Config["linux"] & object): Config {
  const process = { user: { uid: 0, gid: 0 }, args: ["sh"], cwd: "/" };
  return { ociVersion: "1.0.0", process, root: { path: "rootfs" }, linux };
}

function check(name: string, ...types: NamespaceType[]): void {
  checkSysctl(configOf({ sysctl: { [name]: "1" }, namespaces: types.map((type) => ({ type })) }));
}

function pathOf(name: string): unknown {
  const plan = new PlanBuilder();
  planSysctl(plan, { [name]: "1" });
  return plan.operations[0];
}

test("a value of a namespace of the container's own may be set", () => {
  check("net.ipv4.ip_forward", "network");
  check("net/ipv4/conf/eth0.100/forwarding", "network");
  check("kernel.shmmax", "ipc");
  check("kernel/msgmax", "ipc");
  check("fs.mqueue.msg_max", "ipc");
  check("kernel.domainname", "uts");
});

test("a value of a namespace that is shared, or of the whole host, is refused", () => {
  expect(() => check("net.ipv4.ip_forward", "ipc")).toThrow("no network namespace");
  expect(() => check("kernel.shmmax", "uts")).toThrow("no ipc namespace");
  for (const name of [
    "kernel.core_pattern",
    "vm.overcommit_memory",
    "kernel.shm",
    "net",
    "fs.mqueue",
  ]) {
    expect(() => check(name, "network", "ipc", "uts")).toThrow("the whole host");
  }
});

test("a name cannot lead out of its directory", () => {
  for (const name of [
    "net/../kernel/core_pattern",
    "net/./x",
    "/net/x",
    "net..x",
    "net.ipv4.",
    "net.ipv4/../../../kernel/core_pattern",
    "",
  ]) {
    expect(() => check(name, "network")).toThrow("not a name of a value");
    expect(() => pathOf(name)).toThrow("not a name of a value");
  }
});

test("the first separator decides what the others mean", () => {
  const path = (name: string) => ({ op: "sysctl", name, value: "1" });
  expect(pathOf("net.ipv4.ip_forward")).toEqual(path("net/ipv4/ip_forward"));
  expect(pathOf("net/ipv4/conf/eth0.100/forwarding")).toEqual(
    path("net/ipv4/conf/eth0.100/forwarding"),
  );
  expect(pathOf("net.ipv4.conf.eth0/100.forwarding")).toEqual(
    path("net/ipv4/conf/eth0.100/forwarding"),
  );
});

test("namespaces that cannot be made are refused before anything is done", () => {
  const mount = { type: "mount" } as const;
  checkNamespaces(configOf({ namespaces: [mount] }));
  expect(() => checkNamespaces(configOf({}))).toThrow("without a mount namespace");
  const user = { type: "user" } as const;
  const maps = [{ containerID: 0, hostID: 0, size: 1 }];
  expect(() => checkNamespaces(configOf({ namespaces: [mount, user] }))).toThrow(
    "needs uidMappings",
  );
  const onlyOne = configOf({ namespaces: [mount, user], uidMappings: maps, gidMappings: [] });
  expect(() => checkNamespaces(onlyOne)).toThrow("needs uidMappings");
  checkNamespaces(configOf({ namespaces: [mount, user], uidMappings: maps, gidMappings: maps }));
  checkNamespaces(configOf({ namespaces: [mount, { type: "user", path: "/ns" }] }));
});
