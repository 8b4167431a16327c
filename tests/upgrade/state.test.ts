// SPDX-License-Identifier: Apache-2.0
/**
 * Containers of older builds: what these wrote is kept in fixtures/, one for each shape that state.json has
 * had. What only a live container has (its pid, its cgroup) is put in place of `@field@`.
 */
import { expect } from "bun:test";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { only } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const test = only("rune", "the state files are rune's");
const fixtures = join(import.meta.dir, "fixtures");
const waits = { process: { args: ["/bin/sleep", "1000"] } };

/** Makes the container's state what the fixture says. */
function makeOlder(sandbox: Sandbox, id: string, fixture: string): void {
  const folder = join(sandbox.stateRoot, id);
  const state = JSON.parse(readFileSync(join(folder, "state.json"), "utf8"));
  const text = readFileSync(join(fixtures, fixture), "utf8").replaceAll(
    /"@(\w+)@"/g,
    (_, field: string) => JSON.stringify(state[field]),
  );
  writeFileSync(join(folder, "state.json"), text);
  // Older builds read the bundle's config.json instead.
  if (fixture === "state-1-first.json") rmSync(join(folder, "process.json"), { force: true });
}

const shapes = readdirSync(fixtures).filter((name) => name.startsWith("state-"));

for (const fixture of shapes) {
  test(`${fixture}: a running container is read, listed, entered, ended and removed`, async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.started(waits);
    makeOlder(sandbox, id, fixture);
    expect(await sandbox.state(id)).toMatchObject({
      status: "running",
      annotations: { "org.example.fixture": expect.any(String) },
    });
    expect((await sandbox.must(["list", "--quiet"])).stdout).toContain(id);
    const inside = await sandbox.must(["exec", id, "/bin/echo", "inside"]);
    expect(inside.stdout).toBe("inside\n");
    expect((await sandbox.must(["ps", "--format", "json", id])).stdout).toMatch(/^\[\d+\]/);
    await sandbox.must(["pause", id]);
    await sandbox.must(["resume", id]);
    await sandbox.must(["kill", id, "KILL"]);
    await sandbox.reaches(id, "stopped");
    await sandbox.must(["delete", id]);
    await sandbox.expectNothingLeft();
  });

  test(`${fixture}: a created container is started`, async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.created(waits);
    makeOlder(sandbox, id, fixture);
    expect((await sandbox.state(id)).status).toBe("created");
    await sandbox.must(["start", id]);
    await sandbox.reaches(id, "running");
    await sandbox.must(["delete", "--force", id]);
    await sandbox.expectNothingLeft();
  });
}

test("a state newer than this build is refused by every command, and not touched", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started(waits);
  const path = join(sandbox.stateRoot, id, "state.json");
  const before = readFileSync(path, "utf8");
  const { pid } = await sandbox.state(id);
  const newer = before.replace('"schema":1', '"schema":999,"unheard-of":[1]');
  expect(newer).not.toBe(before);
  writeFileSync(path, newer);
  for (const words of [
    ["state", id],
    ["start", id],
    ["exec", id, "/bin/true"],
    ["kill", id, "KILL"],
    ["pause", id],
    ["ps", id],
    ["update", "--memory", "64M", id],
    ["delete", id],
    ["delete", "--force", id],
  ]) {
    const { status, stderr } = await sandbox.call(words);
    // Of `exec` 255, as runc has it: 1 would be the program's.
    expect([words[0], status]).toEqual([words[0], words[0] === "exec" ? 255 : 1]);
    expect(stderr).toContain("it has schema 999, this rune understands up to 1");
    expect(stderr).toContain("use the rune that created the container");
    expect(readFileSync(path, "utf8")).toBe(newer);
  }
  process.kill(pid, 0);
  writeFileSync(path, before);
  await sandbox.must(["delete", "--force", id]);
  await sandbox.expectNothingLeft();
});

test("a container of a newer build is listed as what can be known of it, and hides no other", async () => {
  await using sandbox = new Sandbox();
  const [one, other] = [await sandbox.started(waits), await sandbox.started(waits)];
  const path = join(sandbox.stateRoot, one, "state.json");
  const before = readFileSync(path, "utf8");
  writeFileSync(path, before.replace('"schema":1', '"schema":999'));
  const { stdout } = await sandbox.call(["list", "--quiet"]);
  expect(stdout).toContain(other);
  writeFileSync(path, before);
  for (const id of [one, other]) await sandbox.must(["delete", "--force", id]);
  await sandbox.expectNothingLeft();
});
