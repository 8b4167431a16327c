// SPDX-License-Identifier: Apache-2.0
/**
 * Trees of files from images. Nothing runs in them while they are read, but everything in them is as the
 * image's author wanted it: no symbolic link of theirs is followed outside their root.
 */
import { constants, type Dirent } from "node:fs";
import { lstat, open, readdir, readlink, realpath } from "node:fs/promises";
import { RuneError } from "../../errors/error.ts";

const maxLinks = 40; // as the kernel has it
const pieceBytes = 1 << 18;

/** The host path of what the path names inside the root; parts that are not there are taken as they are. */
export async function inRoot(root: string, path: string): Promise<string> {
  const waiting = path.split("/");
  const found: string[] = [];
  let links = 0;
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      found.pop();
      continue;
    }
    const target = await linkAt(`${root}/${[...found, name].join("/")}`);
    if (target === undefined) {
      found.push(name);
      continue;
    }
    if (++links > maxLinks) {
      const reason = "too many symbolic links";
      throw new RuneError({ code: "CARRIER", doing: `find \`${path}\` in the image`, reason });
    }
    if (target.startsWith("/")) found.length = 0;
    waiting.unshift(...target.split("/"));
  }
  return found.length === 0 ? root : `${root}/${found.join("/")}`;
}

async function linkAt(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch {
    return undefined; // no link, or nothing there
  }
}

/** SHA-256 over names, types, modes, owners, link targets and contents, in an order of its own. */
export async function treeDigest(root: string, signal: AbortSignal): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  await digestFolder(hasher, root, "", signal);
  return hasher.digest("hex");
}

async function digestFolder(
  hasher: Bun.CryptoHasher,
  root: string,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const entries = await readdir(`${root}/${folder}`, { withFileTypes: true });
  for (const entry of entries.sort(byName)) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    await digestEntry(hasher, `${root}/${path}`, path, entry, signal);
    if (entry.isDirectory()) await digestFolder(hasher, root, path, signal);
  }
}

async function digestEntry(
  hasher: Bun.CryptoHasher,
  full: string,
  path: string,
  entry: Dirent,
  signal: AbortSignal,
): Promise<void> {
  const { mode, uid, gid, rdev, size } = await lstat(full);
  // Lengths in front: no two trees give the same bytes.
  const head = [path, String(mode), String(uid), String(gid), String(rdev)];
  if (entry.isSymbolicLink()) head.push(await readlink(full));
  if (entry.isFile()) head.push(String(size));
  for (const text of head) hasher.update(`${Buffer.byteLength(text)}:${text},`);
  hasher.update(";");
  if (!entry.isFile()) return;
  await digestContents(hasher, full, signal);
}

/**
 * Piece by piece, with the event loop's turn in between, which a file's stream in Bun does not give: the
 * shim serves others meanwhile, and hears that it is told to stop. A sparse file of an image takes no room
 * and years to read.
 */
async function digestContents(
  hasher: Bun.CryptoHasher,
  path: string,
  signal?: AbortSignal,
): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const piece = new Uint8Array(pieceBytes);
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(piece, 0, piece.length, null);
      if (bytesRead === 0) return;
      hasher.update(piece.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** SHA-256 of a file of the host's; undefined where it cannot be read. */
export async function fileDigest(path: string): Promise<string | undefined> {
  const hasher = new Bun.CryptoHasher("sha256");
  try {
    await digestContents(hasher, await realpath(path));
  } catch {
    return undefined;
  }
  return hasher.digest("hex");
}

/** Bytes of the regular files. */
export async function treeBytes(root: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(root, { withFileTypes: true })) {
    const path = `${root}/${entry.name}`;
    if (entry.isDirectory()) bytes += await treeBytes(path);
    else if (entry.isFile()) bytes += (await lstat(path)).size;
  }
  return bytes;
}

function byName(a: Dirent, b: Dirent): number {
  return a.name < b.name ? -1 : 1;
}
