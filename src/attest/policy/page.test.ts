// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { readPolicy } from "./policy.ts";

test("the example of the reference page is a policy", () => {
  const page = readFileSync(
    join(import.meta.dir, "../../../docs/reference/attestation-policy.md"),
    "utf8",
  );
  const example = /```toml\n([\s\S]*?)```/.exec(page)?.[1];
  const policy = readPolicy(parse(example ?? ""));
  expect(policy.minIsvSvn).toBe(3);
  expect(policy.advisories?.length).toBe(2);
});
