// SPDX-License-Identifier: Apache-2.0
/** `rune install`: tells engines of rune. All edits are made before the first file is written. */
import type { ConfigFiles } from "./config-files.ts";
import { unifiedDiff } from "./diff.ts";
import type { EngineFile, Registration } from "./engine.ts";
import { type Change, type Install, readRecord, sha256, writeRecord } from "./record.ts";

export type Installed = {
  readonly engine: EngineFile;
  /** What changes, as `diff -u` shows it; "": the engine knows rune already. */
  readonly diff: string;
  /** Path of the copy of what was there before. */
  readonly backup?: string;
};

export type InstallRequest = {
  readonly files: ConfigFiles;
  readonly engines: readonly EngineFile[];
  readonly registration: Registration;
  /** Nothing is written. */
  readonly dryRun: boolean;
};

/** @throws RuneError ENGINE_CONFIG; then nothing has been written */
export function install(request: InstallRequest): Installed[] {
  const { files, engines, registration, dryRun } = request;
  const edits = engines.map((engine) => {
    const before = files.read(engine.path);
    return { engine, before, after: engine.add(before ?? "", registration) };
  });
  let record = readRecord(files);
  return edits.map(({ engine, before, after }) => {
    const diff = unifiedDiff(engine.path, before ?? "", after);
    if (diff === "") return { engine, diff };
    const backup = before === undefined ? undefined : backupPath(files, record, engine, before);
    if (!dryRun) record = change(request, record, { engine, before, after, backup });
    return { engine, diff, ...(backup === undefined ? {} : { backup }) };
  });
}

type Edit = {
  readonly engine: EngineFile;
  readonly before: string | undefined;
  readonly after: string;
  readonly backup: string | undefined;
};

function change({ files, registration }: InstallRequest, record: Install, edit: Edit): Install {
  const { engine, before, after, backup } = edit;
  const ours = unchanged(record, engine, before);
  if (ours === undefined && backup !== undefined && before !== undefined) {
    // It may hold what only its owner is to read.
    files.write(backup, before, engine.path);
  }
  const folders = files.write(engine.path, after);
  const original: Pick<Change, "before" | "backup" | "folders"> = ours ?? {
    folders,
    ...(before === undefined ? {} : { before: sha256(before) }),
    ...(backup === undefined ? {} : { backup }),
  };
  const { path } = engine;
  const made = { ...original, engine: engine.engine, path, name: registration.name };
  const others = record.changes.filter((one) => one.engine !== engine.engine);
  const next = { ...record, changes: [...others, { ...made, after: sha256(after) }] };
  writeRecord(files, next);
  return readRecord(files);
}

/** An earlier call's change, where the file is still as that has left it: its original is the one to put back. */
function unchanged(
  { changes }: Install,
  engine: EngineFile,
  before: string | undefined,
): Change | undefined {
  const earlier = changes.find((one) => one.engine === engine.engine);
  if (earlier === undefined || before === undefined) return undefined;
  return earlier.after === sha256(before) ? earlier : undefined;
}

/** A name that nobody has, or that an earlier call of ours has made. */
function backupPath(
  files: ConfigFiles,
  record: Install,
  engine: EngineFile,
  before: string,
): string | undefined {
  const earlier = unchanged(record, engine, before);
  if (earlier !== undefined) return earlier.backup;
  const mine = record.changes.find((one) => one.engine === engine.engine)?.backup;
  for (let count = 0; ; count++) {
    const path = `${engine.path}.before-rune${count === 0 ? "" : `-${count}`}`;
    if (path === mine || files.read(path) === undefined) return path;
  }
}
