// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { parseUpdate } from "./update.ts";

const parse = (line: string) => parseUpdate(line.split(" "));
const resources = (line: string) => parse(`${line} web`)?.resources;

test("every flag", () => {
  const line =
    "-r - --blkio-weight 500 --cpu-period 100000 --cpu-quota -1 --cpu-burst 0 --cpu-share 512 " +
    "--cpu-rt-period 1000000 --cpu-rt-runtime 950000 --cpu-idle 0 --cpuset-cpus 0-3,7 --cpuset-mems 0 " +
    "--kernel-memory 1 --kernel-memory-tcp 2 --memory 512m --memory-reservation 256m --memory-swap -1 " +
    "--pids-limit -1 --l3-cache-schema L3:0=ff --mem-bw-schema MB:0=20 web";
  expect(parse(line)).toEqual({
    verb: "update",
    id: "web" as never,
    resourcesFile: "-",
    l3CacheSchema: "L3:0=ff",
    memBwSchema: "MB:0=20",
    resources: {
      memory: {
        limit: 536_870_912n,
        reservation: 268_435_456n,
        swap: -1n,
        kernel: 1n,
        kernelTCP: 2n,
      },
      cpu: {
        shares: 512n,
        quota: -1n,
        burst: 0n,
        period: 100_000n,
        realtimeRuntime: 950_000n,
        realtimePeriod: 1_000_000n,
        cpus: "0-3,7",
        mems: "0",
        idle: 0,
      },
      pids: { limit: -1n },
      blockIO: { weight: 500 },
    },
  });
});

test("what is not given is not there; an empty value is none", () => {
  expect(parse("web")).toEqual({ verb: "update", id: "web" as never, resources: {} });
  expect(parseUpdate(["--memory", "", "--cpuset-cpus=", "-r", "", "web"])?.resources).toEqual({});
  expect(resources("--memory 1g")).toEqual({ memory: { limit: 1n << 30n } });
});

test("values of 64 bits keep their digits", () => {
  const shares = 2n ** 64n - 1n;
  expect(resources(`--cpu-share ${shares}`)).toEqual({ cpu: { shares } });
  expect(resources("--cpu-quota 9007199254740993")).toEqual({ cpu: { quota: 9007199254740993n } });
});

test("values that are none", () => {
  for (const [line, message] of [
    ["--memory 12q", "flag `--memory`: expected a size such as 512m, or -1, got `12q`"],
    ["--memory-swap -2", "--memory-swap"],
    ["--cpu-share -1", "flag `--cpu-share`: expected an integer from 0 to 18446744073709551615"],
    ["--cpu-quota 1.5", "--cpu-quota"],
    ["--cpu-idle 2", "flag `--cpu-idle`: expected an integer from 0 to 1, got `2`"],
    ["--blkio-weight 1001", "--blkio-weight"],
    ["--pids-limit many", "--pids-limit"],
    ["--cpuset-cpus ../0", "flag `--cpuset-cpus`: expected a list such as 0-3,7, got `../0`"],
    ["--frob", "unknown flag `--frob`"],
  ] as const) {
    expect(() => parse(`${line} web`)).toThrow(message);
  }
  expect(() => parse("--memory 1g")).toThrow("expected exactly 1 argument");
});
