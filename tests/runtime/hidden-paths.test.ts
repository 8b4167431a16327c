// SPDX-License-Identifier: Apache-2.0
/** Masked and read-only paths that are neither plain files nor plain directories. */
import { expect } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shell } from "../support/bundle.ts";
import { mustRun } from "../support/command.ts";
import { except, only, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

/** What mknod(1) is to make: no device that any driver has, and a pipe. */
const nodes = { "a block device": "b 0 0", "a character device": "c 0 0", "a named pipe": "p" };

for (const [what, kind] of Object.entries(nodes)) {
  // covers: linux.maskedPaths, linux.readonlyPaths
  test(`${what} is masked, or made read-only`, async () => {
    await using sandbox = new Sandbox();
    for (const name of ["masked", "fixed"]) {
      await mustRun(["mknod", join(sandbox.bundle.rootfs, name), ...kind.split(" ")]);
    }
    const text = await sandbox.output(
      { linux: { maskedPaths: ["/masked"], readonlyPaths: ["/fixed"] } },
      shell(
        "stat -c '%F %t:%T' /masked; cat /masked; " +
          "chmod 600 /fixed 2>/dev/null || echo refused; stat -c %F /fixed",
      ),
    );
    const kindOf = { b: "block special file", c: "character special file", p: "fifo" }[
      kind[0] ?? ""
    ];
    expect(text).toBe(`character special file 1:3\nrefused\n${kindOf}`);
  });
}

except("crun", "1.8.1 leaves writable what is below a read-only path that comes later")(
  "paths below one another are masked and made read-only",
  async () => {
    await using sandbox = new Sandbox();
    const { rootfs } = sandbox.bundle;
    for (const top of ["masked", "fixed"]) {
      mkdirSync(join(rootfs, top, "below"), { recursive: true });
      for (const name of ["file", "below/file"]) writeFileSync(join(rootfs, top, name), "content");
    }
    const all = (top: string) => [top, `${top}/below`, `${top}/file`, `${top}/below/file`];
    const seen = await sandbox.output(
      { linux: { maskedPaths: all("/masked"), readonlyPaths: all("/fixed").reverse() } },
      shell(
        "find /masked; cat /fixed/file /fixed/below/file; echo; " +
          "for f in /fixed/new /fixed/file /fixed/below/new /fixed/below/file; do " +
          "(echo changed >$f) 2>/dev/null || echo refused; done",
      ),
    );
    expect(seen).toBe("/masked\ncontentcontent\nrefused\nrefused\nrefused\nrefused");
  },
);

for (const field of ["maskedPaths", "readonlyPaths"]) {
  except("crun", "1.8.1 passes over it")(`${field}: a link to itself is refused`, async () => {
    await using sandbox = new Sandbox();
    symlinkSync("../around", join(sandbox.bundle.rootfs, "around"));
    expect((await sandbox.run({ linux: { [field]: ["/around"] } })).status).toBe(1);
    await sandbox.expectNothingLeft();
  });

  only("rune", "runc and crun look for it from wherever they are, and pass over it")(
    `${field}: a relative path is refused`,
    async () => {
      await using sandbox = new Sandbox();
      expect((await sandbox.run({ linux: { [field]: ["etc/passwd"] } })).status).toBe(1);
      await sandbox.expectNothingLeft();
    },
  );
}
