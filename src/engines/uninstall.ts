// SPDX-License-Identifier: Apache-2.0
/** `rune uninstall`: puts back what `rune install` has changed. */
import type { ConfigFiles } from "./config-files.ts";
import { unifiedDiff } from "./diff.ts";
import type { EngineFile } from "./engine.ts";
import { type Change, readRecord, sha256, writeRecord } from "./record.ts";

export type Uninstalled = {
  readonly engine: EngineFile;
  /**
   * `restored`: it is as it was, to the byte. `edited`: others have changed it meanwhile, so that only our
   * part was taken out. `absent`: nothing of ours was there.
   */
  readonly outcome: "restored" | "edited" | "absent";
  readonly diff: string;
  /** The copy of what was there before, which stays. */
  readonly backup?: string;
};

export type UninstallRequest = {
  readonly files: ConfigFiles;
  readonly engines: readonly EngineFile[];
  readonly dryRun: boolean;
};

type Undo = Uninstalled & {
  readonly change: Change | undefined;
  /** Undefined: the file goes. */
  readonly after: string | undefined;
};

/** @throws RuneError ENGINE_CONFIG; then nothing has been written */
export function uninstall({ files, engines, dryRun }: UninstallRequest): Uninstalled[] {
  let record = readRecord(files);
  const undone = engines.map((engine) => {
    const change = record.changes.find((one) => one.engine === engine.engine);
    return plan(files, engine, change);
  });
  for (const undo of dryRun ? [] : undone) {
    if (undo.change === undefined) continue;
    carryOut(files, undo, undo.change);
    record = { ...record, changes: record.changes.filter((one) => one !== undo.change) };
    writeRecord(files, record);
  }
  return undone.map(({ change: _, after: __, ...result }) => result);
}

function plan(files: ConfigFiles, engine: EngineFile, change: Change | undefined): Undo {
  const now = files.read(engine.path);
  const absent = { engine, outcome: "absent", diff: "", change, after: now } as const;
  if (change === undefined || now === undefined) return absent;
  const original = originalOf(files, change);
  if (change.after === sha256(now) && original !== undefined) {
    const diff = unifiedDiff(engine.path, now, original.text ?? "");
    return { engine, outcome: "restored", diff, change, after: original.text };
  }
  const kept = change.backup === undefined ? {} : { backup: change.backup };
  const without = engine.remove(now, change.name);
  if (without === undefined) return { ...absent, ...kept };
  const gone = change.before === undefined && engine.isEmpty(without);
  const diff = unifiedDiff(engine.path, now, gone ? "" : without);
  return { engine, outcome: "edited", diff, change, after: gone ? undefined : without, ...kept };
}

/** Without text: there was no file. Undefined: the copy is gone, or has been changed. */
function originalOf(
  files: ConfigFiles,
  { before, backup }: Change,
): { readonly text: string | undefined } | undefined {
  if (before === undefined) return { text: undefined };
  const text = backup === undefined ? undefined : files.read(backup);
  return text !== undefined && sha256(text) === before ? { text } : undefined;
}

function carryOut(files: ConfigFiles, undo: Undo, { folders, backup }: Change): void {
  const { path } = undo.engine;
  if (undo.outcome !== "absent") {
    if (undo.after === undefined) files.remove(path);
    else files.write(path, undo.after);
  }
  if (undo.outcome === "restored" && backup !== undefined) files.remove(backup);
  for (const folder of folders.toReversed()) files.removeFolder(folder);
}
