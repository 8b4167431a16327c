// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { hookInRuntime, hooksInContainer } from "./hooks.ts";
import { names, operations } from "./testing.ts";

const subject = { id: "web", bundle: "/b", annotations: { a: "1" } };
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("a hook gets its own arguments and environment, and the state", () => {
  const hook = { path: "/h", args: ["h", "x"], env: ["A=b"], timeout: 3 };
  const { state, tail, ...rest } = hookInRuntime(hook, subject, "creating", 42);
  expect(rest).toEqual({ timeoutSeconds: 3, path: "/h", argv: ["h", "x"], env: ["A=b"] });
  expect(tail).toHaveLength(0);
  expect(JSON.parse(text(state))).toEqual({
    ociVersion: "1.3.0",
    id: "web",
    status: "creating",
    bundle: "/b",
    annotations: { a: "1" },
    pid: 42,
  });
});

test("a hook without arguments gets its path; a stopped container has no pid", () => {
  const planned = hookInRuntime({ path: "/h" }, { ...subject, annotations: {} }, "stopped");
  expect(planned).toMatchObject({ argv: ["/h"], env: [], timeoutSeconds: 0 });
  expect(Object.keys(JSON.parse(text(planned.state)))).toEqual([
    "ociVersion",
    "id",
    "status",
    "bundle",
  ]);
});

test("in the container, the process writes its own pid between state and tail", () => {
  const [hook] = hooksInContainer([{ path: "/h" }], subject, "created");
  if (hook?.op !== "hook") throw new Error("no hook");
  expect(JSON.parse(`${text(hook.state)}7${text(hook.tail)}`)).toMatchObject({
    pid: 7,
    status: "created",
  });
  expect(hooksInContainer(undefined, subject, "created")).toEqual([]);
});

test("rune's hooks come before the container's, both before pivot_root", () => {
  const one = [{ path: "/h" }];
  const order = (hooks: object) => {
    const all = names(operations({ config: { hooks } }));
    return all.slice(0, all.indexOf("pivot") + 1).slice(-4);
  };
  expect(order({ prestart: one, createContainer: one })).toEqual([
    "runtimeHooks",
    "cwd",
    "hook",
    "pivot",
  ]);
  expect(order({ createRuntime: one }).slice(-2)).toEqual(["runtimeHooks", "pivot"]);
  expect(order({ poststart: one, poststop: one })).not.toContain("runtimeHooks");
  expect(order({ startContainer: one })).not.toContain("hook");
  expect(names(operations({ config: { hooks: { startContainer: one } } })).slice(-2)).toEqual([
    "hook",
    "exec",
  ]);
});
