// SPDX-License-Identifier: Apache-2.0
/** Pods with our shim: all of them with the original's words in containerd's configuration, one with those of today. */
import { expect } from "bun:test";
import { shared } from "../support/engines/shared.ts";
import { needs, runtimeName } from "../support/runtime.ts";
import { podTests } from "./bodies.ts";
import { refusal } from "./client.ts";
import { CriEngine, criObstacle } from "./engine.ts";

const notOurs = runtimeName === "rune" ? undefined : `${runtimeName}: the shim calls no binary`;
const test = needs(criObstacle ?? notOurs);

podTests(
  test,
  shared(() => CriEngine.start("first")),
);

test("a pod with the configuration of today", async () => {
  await using engine = await CriEngine.start("shim");
  const script = { command: ["/bin/sh", "-c", "echo hello; exit 3"] };
  expect(await engine.once(script)).toEqual({ exitCode: 3, log: "hello\n" });
  // containerd's own runtime is still there, beside ours.
  await using other = await engine.pod("");
  const container = await other.script("echo other");
  await container.exited();
  expect(container.output()).toBe("other\n");
  expect(await refusal(engine.pod("absent"))).toContain('no runtime for "absent" is configured');
});
