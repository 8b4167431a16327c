// SPDX-License-Identifier: Apache-2.0
/** What the tests of an engine have in common. */
import { afterAll } from "bun:test";
import { runtimeName } from "../runtime.ts";

/** Why an engine's tests cannot run here. */
export function engineObstacle(...programs: readonly string[]): string | undefined {
  if (runtimeName === "crun") return "crun 1.8.1 refuses cgroups in hybrid mode";
  const missing = programs.find((program) => Bun.which(program, { PATH: paths }) === null);
  return missing === undefined ? undefined : `needs ${missing}`;
}

const paths = "/usr/sbin:/usr/bin:/sbin:/bin";

export const dockerObstacle = engineObstacle("dockerd", "docker", "containerd", "iptables", "ip");

/** One engine for a test file: started by the first test that asks, ended after the last. */
export function shared<Engine extends AsyncDisposable>(
  start: () => Promise<Engine>,
): () => Promise<Engine> {
  let engine: Promise<Engine> | undefined;
  afterAll(async () => await (await engine)?.[Symbol.asyncDispose](), 60_000);
  return () => {
    engine ??= start();
    return engine;
  };
}
