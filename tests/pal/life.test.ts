// SPDX-License-Identifier: Apache-2.0
/** A PAL's life as docs/protocol/pal-api.md describes it, for each version. */

import { describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { obstacle, run } from "./harness.ts";

const name = obstacle === undefined ? "life of a PAL" : `life of a PAL (${obstacle})`;
const versions = ["v1", "v2", "v3"] as const;

describe.skipIf(obstacle !== undefined)(name, () => {
  test.each(versions)(
    "%s: the calls come in order, on one thread that is not the main one",
    async (variant) => {
      const { status, stderr } = await run({ variant, args: "trace exec-status=3" });
      const calls = [...stderr.matchAll(/^pal (\w+) .*pid=1 tid=(\d+)/gm)];
      const create = variant === "v1" ? [] : ["create_process"];
      expect(calls.map(([, call]) => call)).toEqual(["init", ...create, "exec", "destroy"]);
      expect(new Set(calls.map(([, , tid]) => tid)).size).toBe(1);
      expect(calls[0]?.[2]).not.toBe("1");
      expect(status).toBe(3);
    },
  );

  test.each(versions)("%s: pal_init gets args and log level", async (variant) => {
    const { stderr } = await run({ variant, args: "trace a b", options: ["--log-level", "debug"] });
    expect(stderr).toContain("pal init debug");
  });

  test.each(versions)(
    "%s: runs as uid 1000 without capabilities, in an empty root",
    async (variant) => {
      const root = mkdtempSync(join(tmpdir(), "pal-root-"));
      chmodSync(root, 0o555);
      const { status, stdout, stderr } = await run({
        variant,
        args: "trace exec-print exec-status=4",
        options: ["--root", root, "--uid", "1000"],
      });
      rmSync(root, { recursive: true });
      expect(stderr).toMatch(/pal init .* uid=1000 cwd=\/\n/);
      expect(stdout).toContain("uid 1000\n");
      expect(status).toBe(4);
    },
  );

  test.each(["v2", "v3"])(
    "%s: the payload gets argv with blanks and the environment",
    async (variant) => {
      const { stdout } = await run({
        variant,
        args: "exec-print",
        argv: ["/in side", "a b", "", "c"],
        options: ["--env", "A=1 2", "--env", "B="],
      });
      expect(stdout).toStartWith("arg /in side\narg a b\narg \narg c\nenv A=1 2\nenv B=\n");
    },
  );

  test("a name without slash is found through PATH, one that is not found stays", async () => {
    const options = ["--env", "PATH=/nowhere:relative:/bin"];
    const found = await run({ variant: "v2", args: "trace", argv: ["sh"], options });
    expect(found.stderr).toContain("pal create_process /bin/sh ");
    const inside = await run({ variant: "v2", args: "trace", argv: ["only_inside"], options });
    expect(inside.stderr).toContain("pal create_process only_inside ");
  });

  test.each(versions)("%s: standard input reaches the payload", async (variant) => {
    const { stdout } = await run({ variant, args: "exec-echo", stdin: "hello" });
    expect(stdout).toBe("hello");
  });

  test.each([
    ["v1", "exec-status=0", 0],
    ["v1", "exec-status=255", 255],
    ["v1", "exec-value=256", 1],
    ["v2", "exec-status=7", 7],
    ["v2", "status=wait exec-status=7", 7],
    ["v2", "status=wait exec-status=255", 255],
    ["v2", "exec-signal=9", 137],
    ["v2", "payload=thread exec-status=9", 9],
    ["v2-occlum", "status=wait exec-status=1", 1],
    ["v2-occlum", "status=wait exec-signal=9", 137],
    ["v2-occlum", "exec-value=9", 137],
    ["v3", "status=wait exec-status=200", 200],
    ["v3", "exec-signal=15", 143],
  ])("%s with %s exits with %d", async (variant, args, expected) => {
    expect((await run({ variant, args })).status).toBe(expected);
  });

  test.skipIf(process.env["CONFORMANCE"] !== "1")(
    "pal_destroy that hangs after the payload's end has ten seconds (with --conformance)",
    async () => {
      const before = Date.now();
      const { status, stderr } = await run({ variant: "v2", args: "destroy-hang exec-status=3" });
      expect(Date.now() - before).toBeWithin(9900, 14_000);
      expect(stderr).toContain("pal_destroy of");
      expect(status).toBe(3);
    },
    30_000,
  );
});
