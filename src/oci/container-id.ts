// SPDX-License-Identifier: Apache-2.0
/** The name of a container, which is also the name of its state directory. */
import { RuneError } from "../errors/error.ts";

/** A checked id: safe as one component of a path. */
export type ContainerId = string & { readonly [checked]: true };
declare const checked: unique symbol;

/** As runc and containerd allow; the file system may have room for less and then says so. */
const maximumLength = 1024;

/** @throws RuneError ID_INVALID */
export function parseContainerId(text: string): ContainerId {
  if (text === "") throw invalid(text, "the id is empty");
  if (text.length > maximumLength) {
    throw invalid(`${text.slice(0, 32)}...`, `${text.length} characters; at most ${maximumLength}`);
  }
  if (text === "." || text === "..") throw invalid(text, "the name of a directory");
  if (!/^[\w+.-]+$/.test(text)) throw invalid(text, "only letters, digits and `_+.-` are allowed");
  // All of the above is what makes it one.
  return text as ContainerId;
}

function invalid(text: string, reason: string): RuneError {
  return new RuneError({ code: "ID_INVALID", doing: `container id \`${text}\``, reason });
}
