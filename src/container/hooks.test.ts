// SPDX-License-Identifier: Apache-2.0
/** When hooks run, and what becomes of a container where one fails. */
import { expect, test } from "bun:test";
import { SIGKILL } from "../kernel/constants.ts";
import { Executed } from "../kernel/reactions.ts";
import { create } from "./create.ts";
import { deleteContainer } from "./delete.ts";
import {
  type Answers,
  existing,
  failedMessage,
  fakeHost,
  type Host,
  initPid,
  message,
  ready,
  root,
} from "./fake-host.ts";
import { run } from "./run.ts";
import { start } from "./start.ts";

const hook = (path: string) => [{ path }];
const hooks = {
  prestart: hook("/prestart"),
  createRuntime: hook("/createRuntime"),
  poststart: hook("/poststart"),
  poststop: hook("/poststop"),
};
const request = {
  id: "web",
  bundle: "/bundle",
  noPivot: false,
  noNewKeyring: false,
  preserveFds: 0,
  listeningFds: 0,
};
const hooksMessage = message(4, () => {});

/** Every plan that is started, by the hooks in it; `failing` names one that fails. */
function hostWithHooks(failing?: string): Host & { readonly ran: string[] } {
  const ran: string[] = [];
  let plans = 0;
  const answers: Answers = (kernel) => {
    const plan = kernel.lastMemfd("plan");
    const found = Object.values(hooks)
      .map(([only]) => only?.path ?? "")
      .filter((path) => plans > 0 && plan.includes(`${path}\0`));
    if (plans++ === 0)
      return [...ready(kernel).slice(0, 1), hooksMessage, ...ready(kernel).slice(1)];
    ran.push(...found);
    const fails = found.find((path) => path === failing);
    return fails === undefined
      ? []
      : [failedMessage(6, 0, `run hook \`${fails}\``, "exit status 1")];
  };
  return { ...fakeHost({ hooks }, answers), ran };
}

test("prestart and createRuntime run while the container is being created", async () => {
  const host = hostWithHooks();
  await create(host.deps, request);
  expect(host.ran).toEqual(["/prestart", "/createRuntime"]);
  expect(host.kernel.openNames()).toEqual([]);
});

for (const failing of ["/prestart", "/createRuntime"]) {
  test(`${failing} fails: nothing is left, and poststop hooks run`, async () => {
    const host = hostWithHooks(failing);
    await expect(create(host.deps, request)).rejects.toMatchObject({
      code: "HOOK_FAILED",
      doing: `${failing.slice(1)} hooks: run hook \`${failing}\``,
    });
    expect(host.ran.at(-1)).toBe("/poststop");
    expect(host.ran).not.toContain("/poststart");
    expect(host.kernel.below(root)).toEqual([]);
    expect(host.kernel.openNames()).toEqual([]);
  });
}

test("run --detach runs poststart hooks; one that fails takes the container along", async () => {
  const foreground = { detach: true, subreaper: true, keep: false };
  const good = hostWithHooks();
  await run(good.deps, { ...request, ...foreground });
  expect(good.ran).toEqual(["/prestart", "/createRuntime", "/poststart"]);
  const bad = hostWithHooks("/poststart");
  await expect(run(bad.deps, { ...request, ...foreground })).rejects.toMatchObject({
    code: "HOOK_FAILED",
  });
  expect(bad.ran).toEqual(["/prestart", "/createRuntime", "/poststart", "/poststop"]);
  expect(bad.kernel.below(root)).toEqual([]);
});

test("in the foreground the monitor has poststart and poststop hooks to run", async () => {
  const plans: string[] = [];
  for (const keep of [false, true]) {
    const host = hostWithHooks();
    host.kernel.reactions.execute = () => plans.push(host.kernel.lastMemfd("plan"));
    const foreground = { detach: false, subreaper: true, keep };
    await expect(run(host.deps, { ...request, ...foreground })).rejects.toBeInstanceOf(Executed);
  }
  const [removing = "", keeping = ""] = plans;
  expect(removing).toContain("/poststart\0");
  expect(removing.indexOf("/poststop\0")).toBeGreaterThan(removing.indexOf("state.json"));
  expect(keeping).toContain("/poststart\0");
  expect(keeping).not.toContain("/poststop\0");
});

const later = { hooks: { poststart: hooks.poststart, poststop: hooks.poststop } };

test("start runs poststart hooks once the program runs; one that fails kills it", async () => {
  for (const failing of [undefined, "/poststart"]) {
    const host = fakeHost({}, () =>
      failing === undefined ? [] : [failedMessage(6, 0, "run hook `/poststart`", "exit status 1")],
    );
    existing(host, later);
    host.kernel.fifo(`${root}/web/exec.fifo`, true);
    const attempt = start(host.deps, "web");
    if (failing === undefined) await attempt;
    else await expect(attempt).rejects.toMatchObject({ code: "HOOK_FAILED" });
    expect(host.kernel.signals).toEqual(failing === undefined ? [] : [`${initPid}:${SIGKILL}`]);
    const { calls } = host.kernel;
    const waits = calls.findIndex((call) => call.startsWith("waitReadable"));
    expect(waits).toBeGreaterThan(0);
    expect(calls.findIndex((call) => call.startsWith("spawn"))).toBeGreaterThan(waits);
  }
});

test("delete runs poststop hooks when all is gone, and only warns where one fails", async () => {
  const host = fakeHost({}, () => [failedMessage(6, 0, "run hook `/poststop`", "exit status 1")]);
  existing(host, later, false);
  await deleteContainer(host.deps, "web", false);
  expect(host.kernel.below(root)).toEqual([]);
  expect(host.warnings).toEqual(["poststop hooks: run hook `/poststop`: exit status 1"]);
  const { calls } = host.kernel;
  const removed = calls.indexOf(`rmdir ${root}/web`);
  expect(calls.findIndex((call) => call.startsWith("spawn"))).toBeGreaterThan(removed);
});
