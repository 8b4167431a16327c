// SPDX-License-Identifier: Apache-2.0
/** docs/tutorial/attestation.md, typed block by block, in a folder of its own. */
import { expect } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../support/command.ts";
import { commandsOf } from "../support/engines/page.ts";
import { needs, repository } from "../support/runtime.ts";
import { SignedEnclaveSandbox, signedEnclaveObstacle } from "../support/signed-enclave.ts";

const test = needs(signedEnclaveObstacle);

test("docs/tutorial/attestation.md: every command with its answer", async () => {
  await using sandbox = new SignedEnclaveSandbox();
  // Not below /tmp, where others may write; and a root of states that is the test's own.
  const folder = join(sandbox.pals, "tutorial");
  const programs = join(sandbox.path, "programs");
  mkdirSync(programs);
  const script = `#!/bin/sh\nexec ${repository}/dist/bin/rune --root ${sandbox.stateRoot} "$@"\n`;
  writeFileSync(join(programs, "rune"), script);
  chmodSync(join(programs, "rune"), 0o755);
  const env = {
    ...sandbox.toolEnvironment(),
    PATH: `${programs}:${repository}/dist/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    LIB: join(repository, "dist/lib/inclavare"),
  };
  const blocks = commandsOf("tutorial/attestation.md");
  expect(blocks.length).toBeGreaterThan(8);
  for (const { commands, answer } of blocks) {
    const typed = commands
      .replaceAll("/var/lib/tutorial", folder)
      .replaceAll("/run/inclavare-platform", env.INCLAVARE_PLATFORM);
    const { status, stdout, stderr } = await command(["sh", "-ec", typed], { env });
    const lines = stdout.split("\n");
    // Of an answer's line that ends in a colon, only the beginning is always the same.
    const missing = answer.filter(
      (line) => !lines.some((one) => (line.endsWith(":") ? one.startsWith(line) : one === line)),
    );
    expect({
      commands,
      status,
      missing,
      ...(status === 0 && missing.length === 0 ? {} : { stdout, stderr }),
    }).toEqual({
      commands,
      status: 0,
      missing: [],
    });
  }
});
