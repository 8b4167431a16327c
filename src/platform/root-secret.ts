// SPDX-License-Identifier: Apache-2.0
/**
 * The file of the root secret. At every moment there is a whole one under its name or none, whatever
 * kills the writer; a damaged one is never replaced, because with it all that was sealed is lost.
 *
 *   @0 magic 40 | @40 secret 32 | @72 SHA-256 of these 72
 */
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { RuneError } from "../errors/error.ts";
import { sameBytes } from "../sgx/bytes.ts";

const MAGIC_BYTES = 40;
const SECRET_BYTES = 32;
const HASHED_BYTES = MAGIC_BYTES + SECRET_BYTES;
const FILE_BYTES = HASHED_BYTES + 32;
const MAGIC = new Uint8Array(MAGIC_BYTES);
new TextEncoder().encodeInto("inclavare simulation root secret 1\n", MAGIC);

const name = "root-secret";
const draftName = "root-secret.new";

/** The secret of that folder, made where there is none. Precondition: the caller has the folder's lock. */
export function openRootSecret(folder: string): Uint8Array {
  rmSync(join(folder, draftName), { force: true });
  return read(folder) ?? create(folder);
}

/** Puts another secret in its place. Precondition: the caller has the folder's lock. */
export function replaceRootSecret(folder: string): void {
  writeDraft(folder, randomBytes(SECRET_BYTES));
  renameSync(join(folder, draftName), join(folder, name));
  syncFolder(folder);
}

function create(folder: string): Uint8Array {
  const secret = randomBytes(SECRET_BYTES);
  writeDraft(folder, secret);
  // A link, not a rename: it never replaces what somebody else has put there.
  linkSync(join(folder, draftName), join(folder, name));
  rmSync(join(folder, draftName));
  syncFolder(folder);
  return secret;
}

function read(folder: string): Uint8Array | undefined {
  const path = join(folder, name);
  const fd = openExisting(path);
  if (fd === undefined) return undefined;
  try {
    const { mode, uid } = fstatSync(fd);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw damaged(path, "it is no file");
    if (uid !== process.geteuid?.()) throw damaged(path, "it belongs to somebody else");
    if ((mode & 0o077) !== 0) throw damaged(path, "others may read it");
    const bytes = new Uint8Array(FILE_BYTES + 1);
    const size = readSync(fd, bytes);
    return secretOf(path, bytes.subarray(0, size));
  } finally {
    closeSync(fd);
  }
}

function openExisting(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw damaged(path, error instanceof Error ? error.message : String(error));
  }
}

function secretOf(path: string, bytes: Uint8Array): Uint8Array {
  if (bytes.length !== FILE_BYTES) throw damaged(path, `it is not ${FILE_BYTES} bytes long`);
  if (!sameBytes(bytes.subarray(0, MAGIC_BYTES), MAGIC)) {
    throw damaged(path, "it does not begin as one of this version does");
  }
  const hash = createHash("sha256").update(bytes.subarray(0, HASHED_BYTES)).digest();
  if (!sameBytes(hash, bytes.subarray(HASHED_BYTES))) throw damaged(path, "its hash is wrong");
  return bytes.slice(MAGIC_BYTES, HASHED_BYTES);
}

function writeDraft(folder: string, secret: Uint8Array): void {
  const path = join(folder, draftName);
  rmSync(path, { force: true });
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const content = new Uint8Array(FILE_BYTES);
  content.set(MAGIC);
  content.set(secret, MAGIC_BYTES);
  const hash = createHash("sha256").update(content.subarray(0, HASHED_BYTES)).digest();
  content.set(hash, HASHED_BYTES);
  try {
    const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      fchmodSync(fd, 0o600);
      if (writeSync(fd, content) !== FILE_BYTES) throw new Error("the file system is full");
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    rmSync(path, { force: true });
    throw new RuneError({
      code: "SYSCALL",
      doing: `write \`${path}\``,
      reason: error instanceof Error ? error.message : String(error),
      cause: error,
    });
  }
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function damaged(path: string, reason: string): RuneError {
  return new RuneError({
    code: "STATE_CORRUPT",
    doing: `read \`${path}\``,
    reason,
    hint: "nothing that was sealed can be unsealed without it; restore it, or remove it for another platform",
  });
}
