// SPDX-License-Identifier: Apache-2.0
/** `bun generate-man.ts DIR DATE`: writes DIR/man/man8 and the completion scripts of the shells. */
import { join } from "node:path";
import packageJson from "../package.json";
import { commandProse } from "../src/cli/help.ts";
import { program } from "../src/cli/table.ts";
import { completionScript } from "../src/options/completion.ts";
import { manualPages, singlePage } from "../src/options/man.ts";
import { program as toolsProgram } from "../src/sgx-tools/commands.ts";
import { commandProse as toolsProse } from "../src/sgx-tools/prose.ts";
import { signatureServer, signatureServerProse } from "../src/signature/command.ts";

const [directory, date] = process.argv.slice(2);
if (directory === undefined || date === undefined) throw new Error("usage: generate-man DIR DATE");

const { version } = packageJson;
for (const { file, text } of [
  ...manualPages({ program, prose: commandProse, version, date }),
  ...manualPages({ program: toolsProgram, prose: toolsProse, version, date }),
  singlePage(signatureServer, signatureServerProse, { version, date }),
]) {
  await Bun.write(join(directory, "man/man8", file), text);
}

/** Where each shell looks below a prefix's share: bash-completion's, zsh's and fish's own documentation. */
const places = {
  bash: "bash-completion/completions/rune",
  zsh: "zsh/site-functions/_rune",
  fish: "fish/vendor_completions.d/rune.fish",
} as const;
for (const shell of ["bash", "zsh", "fish"] as const) {
  await Bun.write(join(directory, places[shell]), completionScript(program, shell));
}
