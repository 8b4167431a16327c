// SPDX-License-Identifier: Apache-2.0
/** Completion scripts in the shells they are for; the program is a stand-in that has two containers. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { program } from "../../src/cli/table.ts";
import { completionScript, shells } from "../../src/options/completion.ts";
import { command } from "../support/command.ts";

setDefaultTimeout(120_000); // zsh reads all of its completions

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "rune-completion-"));
  for (const shell of shells) writeFileSync(join(folder, shell), completionScript(program, shell));
  // Other containers below another root, so that --root is seen to matter.
  const script =
    '#!/bin/sh\ncase "$*" in *"--root /other"*) echo far ;; *) echo web-1 web-2 ;; esac | tr " " "\\n"\n';
  writeFileSync(join(folder, "rune"), script, { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const environment = () => ({ PATH: `${folder}:${process.env["PATH"]}`, HOME: folder });

/** What bash offers at the end of a line. */
async function bash(line: string): Promise<string[]> {
  const words = line.split(" ").map((word) => `'${word}'`);
  const script = `source ${folder}/bash; COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}
_rune; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await command(["bash", "-c", script], { env: environment() });
  expect(stderr).toBe("");
  return stdout.split("\n").filter(Boolean).toSorted();
}

const missing = (shell: string) => (Bun.which(shell) === null ? ` (skipped: no ${shell})` : "");

// covers: completion
test("bash: verbs, but for hidden ones", async () => {
  const verbs = await bash("rune ");
  expect(verbs).toContain("exec");
  expect(verbs).not.toContain("report-failure");
  expect(await bash("rune sta")).toEqual(["start", "state"]);
  expect(await bash("rune --root /x --debug fea")).toEqual(["features"]);
});

test("bash: flags of the program and of a verb", async () => {
  expect(await bash("rune --log-f")).toEqual(["--log-format"]);
  expect(await bash("rune run --pid")).toEqual(["--pid-file", "--pidfd-socket"]);
  expect(await bash("rune list --pid")).toEqual([]);
});

test("bash: values", async () => {
  expect(await bash("rune --log-format ")).toEqual(["json", "text"]);
  expect(await bash("rune run --platform s")).toEqual(["simulation"]);
  expect(await bash(`rune run --bundle ${folder}/ru`)).toEqual([`${folder}/rune`]);
});

test("bash: ids of the containers below the root of the line", async () => {
  expect(await bash("rune delete ")).toEqual(["web-1", "web-2"]);
  expect(await bash("rune kill web-2")).toEqual(["web-2"]);
  expect(await bash("rune --root /other state ")).toEqual(["far"]);
  expect(await bash("rune create ")).toEqual([]);
});

test.skipIf(Bun.which("zsh") === null)(`zsh takes its script${missing("zsh")}`, async () => {
  const script = `autoload -Uz compinit && compinit -u -d ${folder}/dump && source ${folder}/zsh && print $_comps[rune]`;
  const { status, stdout, stderr } = await command(["zsh", "-f", "-c", script], {
    env: environment(),
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "_rune\n", stderr: "" });
});

test.skipIf(Bun.which("fish") === null)(`fish completes${missing("fish")}`, async () => {
  const fish = async (line: string) => {
    const script = `source ${folder}/fish; complete -C '${line}'`;
    const { stdout, stderr } = await command(["fish", "--no-config", "-c", script], {
      env: environment(),
    });
    expect(stderr).toBe("");
    return stdout
      .split("\n")
      .filter(Boolean)
      .map((entry) => entry.split("\t")[0])
      .toSorted();
  };
  expect(await fish("rune sta")).toEqual(["start", "state"]);
  expect(await fish("rune run --pid")).toEqual(["--pid-file", "--pidfd-socket"]);
  expect(await fish("rune --log-format ")).toEqual(["json", "text"]);
  expect(await fish("rune --root /other state ")).toContain("far");
  expect(await fish("rune delete ")).toContain("web-2");
});
