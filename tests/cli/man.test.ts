// SPDX-License-Identifier: Apache-2.0
/** The manual pages and completion scripts that a build leaves and install-system installs. */
import { expect } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { program } from "../../src/cli/table.ts";
import { command, mustRun } from "../support/command.ts";
import { needs, only, repository } from "../support/runtime.ts";

const mandoc = needs(Bun.which("mandoc") === null ? "needs mandoc" : undefined);
const pages = join(repository, "dist/share/man/man8");
const overstrike = "\b"; // how a terminal of paper prints bold
const verbs = program.commands.filter(({ hidden }) => hidden !== true);

mandoc("every page is what mandoc takes without a warning", async () => {
  const files = readdirSync(pages).map((name) => join(pages, name));
  for (const { name } of verbs) expect(files).toContain(join(pages, `rune-${name}.8`));
  const { stdout, stderr } = await command(["mandoc", "-T", "lint", "-W", "warning", ...files]);
  expect([stdout, stderr]).toEqual(["", ""]);
});

mandoc("a page as people see it", async () => {
  const { stdout } = await command(["mandoc", "-T", "ascii", join(pages, "rune-create.8")]);
  const plain = stdout.replaceAll(new RegExp(`.${overstrike}`, "g"), "");
  const sections = plain.match(/^[A-Z][A-Z ]*$/gm);
  expect(sections).toEqual(["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "SEE ALSO"]);
  expect(plain).toContain("rune create [option ...] container-id");
  expect(plain).toContain("--bundle path, -b path");
  expect(plain).toContain("rune create --bundle /srv/web --pid-file /run/web.pid web");
});

const test = only("rune", "the installation is rune's");

test("install-system installs tools, pages and completion", async () => {
  const prefix = mkdtempSync(join(tmpdir(), "rune-test-install-"));
  try {
    await mustRun(["sh", join(repository, "scripts/install-system.sh"), "--prefix", prefix]);
    for (const file of [
      ...["man/man8/rune.8", "man/man8/rune-exec.8", "man/man8/sgx-tools.8"],
      "man/man8/signature-server.8",
      ...["bash-completion/completions/rune", "zsh/site-functions/_rune"],
      "fish/vendor_completions.d/rune.fish",
    ]) {
      expect(statSync(join(prefix, "share", file)).mode & 0o777).toBe(0o644);
    }
    const { stdout } = await command([join(prefix, "bin/rune"), "--version"]);
    expect(stdout).toContain("rune version");
    for (const whose of ["system", "user"]) {
      const unit = join(prefix, "lib/systemd", whose, "rune-planner.service");
      expect(readFileSync(unit, "utf8")).toContain(`\nExecStart=${prefix}/bin/rune planner\n`);
      const verify = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no"];
      if (Bun.which("systemd-analyze") === null) continue;
      expect(await mustRun([...verify, unit, unit.replace(/service$/, "socket")])).toBe("");
    }
    const unit = join(prefix, "lib/systemd/system/signature-server.service");
    expect(readFileSync(unit, "utf8")).toContain(`\nExecStart=${prefix}/bin/signature-server `);
    const verify = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit];
    if (Bun.which("systemd-analyze") !== null) expect(await mustRun(verify)).toBe("");
  } finally {
    rmSync(prefix, { recursive: true, force: true });
  }
});
