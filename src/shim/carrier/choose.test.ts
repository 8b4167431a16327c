// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { chooseCarrier, environmentOf, withVariables } from "./choose.ts";
import { Limiter } from "./limiter.ts";
import { toolRunner } from "./tool.ts";

test("the name decides; pause and ordinary containers have none", async () => {
  const chosen = async (...env: string[]) => (await chooseCarrier(environmentOf(env)))?.name;
  expect(await chosen()).toBeUndefined();
  expect(await chosen("PATH=/bin")).toBeUndefined();
  expect(await chosen("RUNE_CARRIER=")).toBeUndefined();
  expect(await chosen("RUNE_CARRIER=occlum")).toBe("occlum");
  expect(await chosen("RUNE_CARRIER=graphene")).toBe("gramine");
  expect(await chosen("RUNE_CARRIER=skeleton")).toBe("skeleton");
  expect(await chosen("RUNE_CARRIER=wasm")).toBe("wasm");
  await expect(chosen("RUNE_CARRIER=Occlum")).rejects.toThrow("unknown carrier `Occlum`");
  await expect(chosen("RUNE_CARRIER=constructor")).rejects.toThrow("unknown carrier");
});

test("variables are added behind the others, and replace none", () => {
  const env = ["A=1", "ENCLAVE_TYPE=", "odd", "=x"];
  expect(withVariables(env, { ENCLAVE_TYPE: "intelSgx", B: "2" })).toEqual([...env, "B=2"]);
});

test("whoever waits leaves when told to, and takes no place", async () => {
  const limiter = new Limiter(1);
  const forever = new AbortController().signal;
  const go = Promise.withResolvers<void>();
  const first = limiter.run(forever, () => go.promise);
  const controller = new AbortController();
  const second = limiter.run(controller.signal, async () => "second");
  const third = limiter.run(forever, async () => "third");
  controller.abort();
  await expect(second).rejects.toThrow("cancelled");
  go.resolve();
  await first;
  expect(await third).toBe("third");
  await expect(limiter.run(controller.signal, async () => 1)).rejects.toThrow("cancelled");
  await expect(limiter.run(forever, () => Promise.reject(new Error("x")))).rejects.toThrow("x");
  expect(await limiter.run(forever, async () => "after")).toBe("after");
});

test("a tool has its words in the log, its last in the error, and an environment of its own", async () => {
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const run = toolRunner({ signal: new AbortController().signal, log });
  const sh = (script: string) => run({ argv: ["/bin/sh", "-c", script], cwd: "/" });
  await sh("echo one; printf 'two\\rthree' >&2; env | sort");
  expect(lines.slice(0, 1)).toEqual(["sh: one"]);
  expect(lines).toContain("sh: three");
  expect(
    lines
      .filter((line) => /^sh: [A-Z_]+=/.test(line))
      .map((line) => line.slice("sh: ".length).split("=")[0]),
  ).toEqual([...["HOME", "LC_ALL", "PATH", "PWD"]]);
  await expect(sh("echo why >&2; exit 7")).rejects.toThrow("it ended with status 7: why");
  await expect(sh("kill -TERM $$")).rejects.toThrow("signal SIGTERM");
  await expect(run({ argv: ["/no/such/tool"], cwd: "/" })).rejects.toThrow("run `/no/such/tool`");
});

test("a cancelled tool ends with all that it has started", async () => {
  const controller = new AbortController();
  const pids: string[] = [];
  const log = (line: string) => {
    pids.push(line.replace("sh: ", ""));
    controller.abort();
  };
  const run = toolRunner({ signal: controller.signal, log });
  const script = "sleep 1000 & echo $!; wait";
  await expect(run({ argv: ["/bin/sh", "-c", script], cwd: "/" })).rejects.toThrow("cancelled");
  const [pid = ""] = pids;
  expect(pid).toMatch(/^[0-9]+$/);
  // Killed; its parent is gone, and somebody else reaps it.
  const state = async () => {
    const file = Bun.file(`/proc/${pid}/stat`);
    return (await file.exists()) ? (await file.text()).split(") ")[1]?.charAt(0) : "gone";
  };
  while (!["gone", "Z"].includes((await state()) ?? "gone")) await Bun.sleep(1);
  await expect(run({ argv: ["/bin/true"], cwd: "/" })).rejects.toThrow("cancelled");
});
