// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { parse } from "smol-toml";
import { RuneError } from "../errors/error.ts";
import { containerd, criRuntime } from "./containerd.ts";
import { docker, dockerRuntime } from "./docker.ts";
import type { EngineFile } from "./engine.ts";
import { node } from "./node.ts";
import { podman, podmanRuntime } from "./podman.ts";

const registration = { name: "rune", path: "/usr/bin/rune" };

/** Adds, adds again without effect, and takes out again. */
function roundTrip(engine: EngineFile, before: string): string {
  const after = engine.add(before, registration);
  expect(engine.add(after, registration)).toBe(after);
  expect(engine.remove(after, "rune")).toBe(before);
  return after;
}

function refusal(attempt: () => unknown): RuneError {
  try {
    attempt();
  } catch (error) {
    return RuneError.from(error, "test");
  }
  throw new Error("it was not refused");
}

test("daemon.json: what is there stays as it is written", () => {
  const before = '{\n  "log-level": "warn",   \n  "hosts": [ "fd://" ]\n}\n';
  const after = roundTrip(docker, before);
  expect(after).toStartWith(before.slice(0, before.indexOf("\n}")));
  expect(dockerRuntime(after, "rune")).toEqual({ path: "/usr/bin/rune", type: undefined });
});

test("daemon.json: other runtimes stay, another path of rune's is changed, arguments are kept", () => {
  const kata = '"kata": {"path": "/k"}';
  const before = `{"runtimes": {${kata}}}`;
  expect(roundTrip(docker, before)).toContain(kata);
  const old = `{"runtimes": {"rune": {"path": "/old", "runtimeArgs": ["--debug"]}, ${kata}}}`;
  expect(JSON.parse(docker.add(old, registration))).toEqual({
    runtimes: { rune: { path: "/usr/bin/rune", runtimeArgs: ["--debug"] }, kata: { path: "/k" } },
  });
});

test("daemon.json: none, empty, and what cannot be changed", () => {
  const fresh = docker.add("", registration);
  expect(JSON.parse(fresh)).toEqual({ runtimes: { rune: { path: "/usr/bin/rune" } } });
  expect(docker.isEmpty(docker.remove(fresh, "rune") ?? "")).toBe(true);
  expect(docker.isEmpty('{"debug": true}')).toBe(false);
  for (const [text, reason] of [
    ["[]", "expected an object"],
    ['{"runtimes": []}', "`runtimes`: expected an object"],
    ['{"a": 1,}', "line 1, column 9"],
  ] as const) {
    expect(refusal(() => docker.add(text, registration))).toMatchObject({
      code: "ENGINE_CONFIG",
      reason: expect.stringContaining(reason),
    });
  }
  const byDefault = '{"default-runtime": "rune", "runtimes": {"rune": {"path": "/r"}}}';
  expect(refusal(() => docker.remove(byDefault, "rune")).reason).toContain("default-runtime");
});

const plugin = { 1: "cri", 2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime" };

test("containerd, versions 1, 2 and 3: the rest of the document says what it said, in its words", () => {
  for (const version of [1, 2, 3] as const) {
    const line = version === 1 ? "" : `version = ${version} # ours\n`;
    const before = `# of the machine\n${line}\n[plugins]\n  [plugins."${plugin[version]}".containerd.runtimes.runc]\n    runtime_type = "io.containerd.runc.v2" # stock\n`;
    const after = roundTrip(containerd, before);
    expect(after).toStartWith(before);
    expect(criRuntime(after, "rune")).toMatchObject({ version, type: "io.containerd.rune.v2" });
    expect(criRuntime(after, "runc").type).toBe("io.containerd.runc.v2");
  }
});

test("containerd without a file, or with comments alone, gets version 2", () => {
  const fresh = containerd.add("", registration);
  expect(criRuntime(fresh, "rune")).toMatchObject({ version: 2, type: "io.containerd.rune.v2" });
  expect(containerd.isEmpty(containerd.remove(fresh, "rune") ?? "?")).toBe(true);
  const comments = containerd.add("# nothing yet\n", registration);
  expect(comments).toContain("# nothing yet\n");
  expect(parse(comments)["version"]).toBe(2);
});

test("containerd: no newline at the end, a block that an earlier version wrote", () => {
  const after = containerd.add("version = 2", registration);
  expect(parse(after)).toMatchObject({ version: 2 });
  const older = after
    .replace("runtime_type", "privileged_without_host_devices = true\n  runtime_type")
    .replace(".rune.v2", ".rune.v1");
  expect(containerd.add(older, registration)).toBe(after);
});

test("containerd: what cannot be added to is refused, and says why", () => {
  const table = `[plugins."${plugin[2]}".containerd.runtimes.rune]\nruntime_type = "io.containerd.runc.v2"\n`;
  expect(refusal(() => containerd.add(`version = 2\n${table}`, registration))).toMatchObject({
    code: "ENGINE_CONFIG",
    reason: "there is a runtime `rune` already, and its runtime_type is `io.containerd.runc.v2`",
  });
  const inline = `version = 2\nplugins = { "${plugin[2]}" = { sandbox_image = "x" } }\n`;
  expect(refusal(() => containerd.add(inline, registration))).toMatchObject({
    reason: expect.stringContaining("cannot be added to at its end"),
    hint: expect.stringContaining("by hand"),
  });
  expect(refusal(() => containerd.add("version = 9\n", registration)).reason).toContain(
    "1, 2 or 3",
  );
  expect(refusal(() => containerd.add("version = 2\n[a\n", registration)).reason).toMatch(
    /^no TOML: line 2, column \d+/,
  );
  const after = containerd.add("version = 2\n", registration);
  const half = after.replace(/^# rune: end.*\n/m, "");
  expect(refusal(() => containerd.remove(half, "rune")).reason).toContain("one is missing");
});

test("a block is taken out of the middle of what others have written since", () => {
  const after = containerd.add("version = 2\n", registration);
  const edited = `# mine\n${after}\n[debug]\nlevel = "debug"\n`;
  expect(containerd.remove(edited, "rune")).toBe(
    '# mine\nversion = 2\n\n\n[debug]\nlevel = "debug"\n',
  );
  expect(containerd.remove("version = 2\n", "rune")).toBeUndefined();
});

test("podman: a file of our own", () => {
  const after = roundTrip(podman, "");
  expect(podmanRuntime(after, "f", "rune")).toEqual(["/usr/bin/rune"]);
  expect(podmanRuntime("", "f", "rune")).toBeUndefined();
  expect(() => podmanRuntime("[engine.runtimes]\nrune = 5\n", "f", "rune")).toThrow(
    "list of paths",
  );
});

test("simulation: in a table that is there, in one of its own, and where it is said already", () => {
  const before = '# node\n[runtime] # ours\npal_dirs = ["/x"]\n\n[carrier]\nmax_builds = 1\n';
  expect(parse(roundTrip(node, before))).toEqual({
    runtime: { pal_dirs: ["/x"], platform: "simulation", allow_simulation: true },
    carrier: { max_builds: 1 },
  });
  expect(parse(roundTrip(node, ""))).toEqual({
    runtime: { platform: "simulation", allow_simulation: true },
  });
  const said = '[runtime]\nplatform = "simulation"\nallow_simulation = true\n';
  expect(node.add(said, registration)).toBe(said);
  expect(
    refusal(() => node.add("\n[runtime]\nallow_simulation = false\n", registration)),
  ).toMatchObject({
    reason: "line 3: runtime.allow_simulation is `false`",
  });
  expect(refusal(() => node.add("runtime.pal_init_timeout = 5\n", registration)).reason).toContain(
    "no table of its own",
  );
});
