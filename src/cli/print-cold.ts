// SPDX-License-Identifier: Apache-2.0
/** Verbs that only print or write a file; what they need is loaded when one of them runs. */
import { RuneError } from "../errors/error.ts";
import { EEXIST, O_CREAT, O_EXCL, O_WRONLY } from "../kernel/constants.ts";
import { type Kernel, unlessErrno } from "../kernel/kernel.ts";
import type { ContainerReport } from "../oci/state.ts";
import type { Command } from "./table.ts";

type ColdCommand = Extract<
  Command,
  { readonly verb: "completion" | "features" | "help" | "list" | "spec" | "version" }
>;

export type ColdContext = {
  readonly kernel: Kernel;
  readonly print: (text: string) => void;
  /** Of this root; called for `list` only. */
  readonly list: () => readonly ContainerReport[];
};

export async function printCold(command: ColdCommand, context: ColdContext): Promise<void> {
  const { print } = context;
  switch (command.verb) {
    case "version": {
      const { versionText } = await import("./version.ts");
      print(versionText({ version: BUILD_VERSION, commit: BUILD_COMMIT, bun: Bun.version }));
      return;
    }
    case "help": {
      const [{ helpText }, { program }] = await Promise.all([
        import("./help.ts"),
        import("./table.ts"),
      ]);
      print(helpText(program, command.topic));
      return;
    }
    case "completion": {
      const [{ completionScript }, { program }] = await Promise.all([
        import("../options/completion.ts"),
        import("./table.ts"),
      ]);
      print(completionScript(program, command.shell));
      return;
    }
    case "features": {
      const { featuresDocument, supported } = await import("../oci/features.ts");
      const build = { version: BUILD_VERSION, commit: BUILD_COMMIT };
      print(`${JSON.stringify(featuresDocument(supported, build), null, 4)}\n`);
      return;
    }
    case "list":
      print(formatList(context.list(), command.format, command.quiet));
      return;
    case "spec":
      await writeSpec(command, context);
  }
}

async function writeSpec(
  { bundle, kind }: Extract<Command, { readonly verb: "spec" }>,
  { kernel }: ColdContext,
): Promise<void> {
  const { defaultSpecText, defaultPalPath } = await import("../oci/default-spec.ts");
  const { hasOnlyUnifiedCgroups } = await import("../container/host.ts");
  const path = bundle === undefined ? "config.json" : `${bundle}/config.json`;
  const host = { unifiedCgroups: hasOnlyUnifiedCgroups(kernel) };
  const aesmd = unlessErrno(() => kernel.stat("/var/run/aesmd"), 2 /* ENOENT */) !== undefined;
  const spec =
    kind === "enclave"
      ? { kind, palPath: defaultPalPath, aesmd }
      : kind === "rootless"
        ? { kind, uid: kernel.euid(), gid: kernel.egid() }
        : { kind };
  const fd = unlessErrno(() => kernel.open(path, O_WRONLY | O_CREAT | O_EXCL, 0o666), EEXIST);
  if (fd === undefined) {
    const reason = "it exists and is not overwritten";
    throw new RuneError({ code: "USAGE", doing: `write \`${path}\``, reason });
  }
  kernel.write(fd, new TextEncoder().encode(defaultSpecText(spec, host)));
  kernel.close(fd);
}

/** As runc prints it, so that scripts that cut its columns keep working. */
export function formatList(
  containers: readonly ContainerReport[],
  format: "json" | "table",
  quiet: boolean,
): string {
  if (quiet) return containers.map(({ id }) => `${id}\n`).join("");
  if (format === "json") return `${JSON.stringify(containers.length > 0 ? containers : null)}\n`;
  const rows = containers.map(({ id, pid, status, bundle, created, owner }) => {
    return [id, String(pid), status, bundle, created, owner];
  });
  const table = [["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"], ...rows];
  const widths = table[0]?.map((_, column) => columnWidth(table.map((row) => row[column] ?? "")));
  const line = (row: string[]) =>
    row.map((cell, i) => (i < 5 ? padded(cell, widths?.[i] ?? 0) : cell)).join("");
  return `${table.map(line).join("\n")}\n`;
}

/** Go's tabwriter as runc sets it up: three spaces between columns, none narrower than 12. */
function columnWidth(cells: readonly string[]): number {
  return Math.max(12, ...cells.map((cell) => characters(cell) + 3));
}

function padded(cell: string, width: number): string {
  return cell + " ".repeat(width - characters(cell));
}

/** Code points, which is what Go's tabwriter counts. */
function characters(text: string): number {
  return [...text].length;
}
