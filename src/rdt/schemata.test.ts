// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import type { IntelRdt } from "../oci/config-linux.ts";
import { ignoredLines, MalformedLine, schemataDifference, wantedSchemata } from "./schemata.ts";

test("what is written, and in which order", () => {
  const cases: readonly (readonly [IntelRdt, readonly (readonly string[])[]])[] = [
    [{}, []],
    [{ schemata: [] }, []],
    [{ l3CacheSchema: "L3:0=f0;1=f" }, [["L3:0=f0;1=f"]]],
    [{ l3CacheSchema: "L3:0=f", memBwSchema: "MB:0=70" }, [["L3:0=f", "MB:0=70"]]],
    [
      { l3CacheSchema: "L3:0=80", memBwSchema: "MB:0=20", schemata: ["L2:0=f", "L3:0=c0"] },
      [
        ["L3:0=80", "MB:0=20"],
        ["L2:0=f", "L3:0=c0"],
      ],
    ],
    [{ schemata: ["L3CODE:0=ff", "L3DATA:0=f"] }, [["L3CODE:0=ff", "L3DATA:0=f"]]],
    [
      { l3CacheSchema: "MB:0=10\nL3:0=f\nMB:1=10\n", memBwSchema: "MB:0=20" },
      [["L3:0=f", "MB:0=20"]],
    ],
    [{ l3CacheSchema: "MB:0=10" }, []],
  ];
  for (const [config, schemata] of cases) expect(wantedSchemata(config)).toEqual(schemata);
  expect(ignoredLines({ l3CacheSchema: "L3:0=f\nMB:1=10" })).toEqual(["MB:1=10"]);
  expect(ignoredLines({ memBwSchema: "MB:1=10" })).toEqual([]);
});

const file = "    L3:0=7ff;1=00f\n    MB:0= 100;1=  30\nL3CODE:0=ff\n  SMBA:0=2048\n";
const steps = (resource: string) => (resource === "MB" ? 10n : undefined);
const difference = (...lines: readonly string[]) => schemataDifference(file, [lines], steps);

test("spaces and leading zeros are no difference, nor are lines and caches that are not named", () => {
  for (const lines of [
    [],
    ["L3:0=7ff;1=f"],
    ["L3: 1 = 0x0F ;; 0=07FF;"],
    ["MB:1=30"],
    ["L3CODE:00=0ff", "SMBA:0=2048"],
    ["L3:0=1", "L3:0=7ff"], // the last one counts
  ]) {
    expect(difference(...lines)).toBeUndefined();
  }
});

test("bandwidth is compared as the kernel rounds it, where it does", () => {
  expect(difference("MB:1=21")).toBeUndefined();
  expect(difference("MB:1=31")).toBe("its `MB:1` is `30`, not `40`");
  const exact = () => undefined;
  expect(schemataDifference(file, [["MB:1=21"]], exact)).toBe("its `MB:1` is `30`, not `21`");
});

test("a difference says where it is", () => {
  expect(difference("L3:1=10")).toBe("its `L3:1` is `f`, not `10`");
  expect(difference("MB:0=10")).toBe("its `MB:0` is `100`, not `10`"); // decimal
  expect(difference("L3:2=f")).toBe("it has no `L3:2`");
  expect(difference("L2:0=f")).toBe("it has no `L2`");
  expect(difference("L3:0=7ff", "L3:0=1")).toBe("its `L3:0` is `7ff`, not `1`");
});

test("what cannot be compared is refused", () => {
  for (const line of [
    "L3",
    "L3:0",
    "L3:0=",
    "L3:=f",
    "L3:x=f",
    "L3:0=g",
    "L3:0=f=f",
    "L3:0=-1",
    "MB:0=1f",
    "MB:0=0x10",
    "L3:0=11112222333344445",
  ]) {
    expect(() => difference(line)).toThrow(MalformedLine);
  }
});
