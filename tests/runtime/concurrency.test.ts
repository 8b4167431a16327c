// SPDX-License-Identifier: Apache-2.0
/** Several callers at once. */
import { expect } from "bun:test";
import { except, only, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

only("rune", "1.1.5 does not guard an id while it is made")(
  "one of several creates of the same id wins",
  async () => {
    await using sandbox = new Sandbox();
    sandbox.configure({ process: { args: ["/bin/sleep", "1000"] } });
    for (let round = 0; round < 5; round++) {
      const id = sandbox.id();
      const results = await Promise.all(times(6, () => sandbox.call(["create", id])));
      expect(results.filter(({ status }) => status === 0)).toHaveLength(1);
      expect((await sandbox.state(id)).status).toBe("created");
      await sandbox.must(["start", id]);
      await sandbox.must(["delete", "--force", id]);
    }
  },
);

only("rune", "the losers of 1.1.5 wait for ever")(
  "one of several starts of a container wins",
  async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.created();
    const results = await Promise.all(times(6, () => sandbox.call(["start", id])));
    expect(results.filter(({ status }) => status === 0)).toHaveLength(1);
    await sandbox.reaches(id, "running");
  },
);

// covers: run
test("twenty containers run at once", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure({ process: { args: ["/bin/sh", "-c", "echo hello; exit 3"] } });
  const results = await Promise.all(times(20, () => sandbox.call(["run", sandbox.id()])));
  expect(results).toEqual(times(20, () => ({ status: 3, stdout: "hello\n", stderr: "" })));
  await sandbox.expectNothingLeft();
});

only("rune", "its list fails where a container is half made")(
  "twenty containers live beside each other, and are listed meanwhile",
  async () => {
    await using sandbox = new Sandbox();
    sandbox.configure({ process: { args: ["/bin/sleep", "1000"] } });
    const ids = times(20, () => sandbox.id());
    const made = Promise.all(ids.map((id) => sandbox.must(["run", "--detach", id])));
    for (let round = 0; round < 5; round++) await sandbox.must(["list"]);
    await made;
    const listed = (await sandbox.must(["list", "-q"])).stdout.trim().split("\n");
    expect(listed).toEqual([...ids].sort());
    const gone = Promise.all(ids.map((id) => sandbox.must(["delete", "--force", id])));
    for (let round = 0; round < 5; round++) await sandbox.must(["list"]);
    await gone;
    await sandbox.expectNothingLeft();
  },
);

except("crun", "1.8.1 fails where another one was quicker")(
  "several deletes of a container: all is gone, and none hangs",
  async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.started();
    const results = await Promise.all(times(5, () => sandbox.call(["delete", "--force", id])));
    for (const { status, stderr } of results) expect([status, stderr]).toEqual([0, ""]);
    await sandbox.expectNothingLeft();
  },
);
