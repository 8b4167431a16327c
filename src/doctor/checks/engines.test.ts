// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { S_IFREG } from "../../kernel/constants.ts";
import { look, machine, withFiles } from "../testing.ts";
import { containerdConfig } from "./containerd-config.ts";
import { containerdShim } from "./containerd-shim.ts";
import { dockerRuntimeCheck } from "./docker-runtime.ts";
import { dockerProgram } from "./engine-installed.ts";
import { kubernetesClass } from "./kubernetes-class.ts";
import { kubernetesHandler } from "./kubernetes-handler.ts";
import { podmanRuntimeCheck } from "./podman-runtime.ts";

const daemon = "/etc/docker/daemon.json";
const config = "/etc/containerd/config.toml";
const program = { "/usr/bin/rune": S_IFREG | 0o755 };

test("an engine is in PATH or not", async () => {
  expect((await look(dockerProgram, machine())).status).toBe("missing");
  const installed = machine({ path: { dockerd: "/usr/sbin/dockerd" } });
  expect(await look(dockerProgram, installed)).toEqual({
    status: "ok",
    reason: "`/usr/sbin/dockerd`",
  });
});

const runtimes = (rune: object) => ({ [daemon]: JSON.stringify({ runtimes: { rune } }) });
const path = { path: "/usr/bin/rune" };

test("docker: no file, no runtime, no such path, not executable, good, a shim", async () => {
  const found = (files: Record<string, string>, modes: Record<string, number> = program) =>
    look(dockerRuntimeCheck, withFiles(files, modes));
  expect((await found({})).status).toBe("missing");
  expect((await found({ [daemon]: "{}" })).status).toBe("missing");
  expect(await found(runtimes(path), {})).toEqual({
    status: "broken",
    reason: `\`runtimes.rune.path\` of \`${daemon}\`: \`/usr/bin/rune\` is not there`,
    mend: "rune install --docker",
  });
  const modes = (bits: number) => ({ "/usr/bin/rune": S_IFREG | bits });
  expect((await found(runtimes(path), modes(0o644))).reason).toContain("may not be executed");
  expect((await found(runtimes(path), modes(0o777))).reason).toContain("written by others");
  expect((await found(runtimes(path))).status).toBe("ok");
  expect((await found(runtimes({ runtimeType: "io.containerd.rune.v2" }))).status).toBe("ok");
  expect((await found(runtimes({}))).reason).toContain("has no path");
  expect(() => found({ [daemon]: '{\n  "runtimes": \n}' })).toThrow("line 3, column 1");
});

test("below another root", async () => {
  const files = { [`/image${daemon}`]: JSON.stringify({ runtimes: { rune: path } }) };
  const modes = { "/image/usr/bin/rune": S_IFREG | 0o755 };
  const root = { configRoot: "/image" };
  expect((await look(dockerRuntimeCheck, withFiles(files, modes), root)).status).toBe("ok");
  expect((await look(dockerRuntimeCheck, withFiles(files, program), root)).status).toBe("broken");
});

test("containerd: its configuration and the shim in PATH", async () => {
  expect((await look(containerdConfig, machine())).status).toBe("missing");
  expect(await look(containerdConfig, withFiles({ [config]: "version = 3\n" }))).toEqual({
    status: "ok",
    reason: `\`${config}\`, version 3`,
  });
  expect(() => look(containerdConfig, withFiles({ [config]: "version = 7\n" }))).toThrow(
    "1, 2 or 3",
  );
  expect((await look(containerdShim, machine())).status).toBe("missing");
  const shim = "/usr/bin/containerd-shim-rune-v2";
  const installed = (bits: number) =>
    withFiles({}, { [shim]: S_IFREG | bits }, { path: { "containerd-shim-rune-v2": shim } });
  expect((await look(containerdShim, installed(0o755))).status).toBe("ok");
  expect((await look(containerdShim, installed(0o777))).status).toBe("broken");
});

test("podman: the last file that names it counts", async () => {
  const main = "/etc/containers/containers.conf";
  const dropIn = "/etc/containers/containers.conf.d/50-rune.conf";
  const rune = (where: string) => `[engine.runtimes]\nrune = ["${where}"]\n`;
  const found = (files: Record<string, string>) =>
    look(podmanRuntimeCheck, withFiles(files, program));
  expect((await found({})).status).toBe("missing");
  expect(await found({ [main]: rune("/gone"), [dropIn]: rune("/usr/bin/rune") })).toEqual({
    status: "ok",
    reason: `\`rune\` is \`/usr/bin/rune\`, by \`${dropIn}\``,
  });
  expect((await found({ [main]: rune("/gone") })).status).toBe("broken");
});

test("the handler of the CRI plugin, in each version of the configuration", async () => {
  const found = (text: string) => look(kubernetesHandler, withFiles({ [config]: text }, program));
  expect((await look(kubernetesHandler, machine())).status).toBe("missing");
  expect((await found("version = 2\n")).status).toBe("missing");
  for (const [version, plugin] of [
    [1, "cri"],
    [2, '"io.containerd.grpc.v1.cri"'],
    [3, '"io.containerd.cri.v1.runtime"'],
  ] as const) {
    const table = `[plugins.${plugin}.containerd.runtimes.rune]\n`;
    const with_ = (type: string, more = "") =>
      found(`version = ${version}\n${table}runtime_type = "${type}"\n${more}`);
    expect((await with_("io.containerd.rune.v2")).status).toBe("ok");
    expect((await with_("io.containerd.runc.v2")).reason).toContain("starts another runtime");
    const options = `[plugins.${plugin}.containerd.runtimes.rune.options]\n`;
    const binary = (name: string) =>
      with_("io.containerd.runc.v2", `${options}BinaryName = "${name}"`);
    expect((await binary("/usr/bin/rune")).status).toBe("ok");
    expect((await binary("/gone")).status).toBe("broken");
  }
  const off = 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n';
  expect((await found(off)).reason).toContain("switches the CRI plugin off");
});

test("the cluster is not asked", async () => {
  expect((await look(kubernetesClass, machine())).status).toBe("missing");
  const kubectl = machine({ path: { kubectl: "/usr/bin/kubectl" } });
  expect((await look(kubernetesClass, kubectl)).status).toBe("unknown");
});
