// SPDX-License-Identifier: Apache-2.0
/** One request to a `criu swrk`, and what it says until it is done. */
import { RuneError } from "../errors/error.ts";
import type { Fd, Kernel } from "../kernel/kernel.ts";
import { type CriuRequest, type CriuResponse, decodeResponse, encodeRequest } from "./messages.ts";

/** Notifications are a few bytes; libcriu gives a message 1 KiB, runc 40. */
const messageMaxBytes = 64 << 10;

/** Called for each step that criu stops at; what it throws ends the request. */
export type Notified = (
  step: { readonly script: string; readonly pid: number },
  descriptors: readonly Fd[],
) => void;

/** @throws RuneError CRIU where criu fails, or dies */
export function converse(
  kernel: Kernel,
  socket: Fd,
  request: CriuRequest,
  notified: Notified = () => {},
): CriuResponse {
  kernel.write(socket, encodeRequest(request));
  for (;;) {
    const { bytes, descriptors } = kernel.receiveDescriptors(socket, messageMaxBytes);
    try {
      if (bytes.length === 0) throw failed(request, "criu ended without a word");
      const response = decodeResponse(bytes);
      if (!response.success) throw failed(request, reasonOf(request, response));
      if (response.type === request.type) return response;
      const { notify } = response;
      if (response.type !== "notify" || notify === undefined) {
        throw failed(request, `criu answers a request for ${response.type}`);
      }
      notified(notify, descriptors);
    } finally {
      for (const fd of descriptors) kernel.close(fd);
    }
    kernel.write(socket, encodeRequest({ type: "notify" }));
  }
}

/** The first error that criu met need not be the one it failed for, and where there is a log that tells. */
function reasonOf(request: CriuRequest, { errno, message }: CriuResponse): string {
  const number = errno === undefined || errno === 0 ? "" : ` (errno ${errno})`;
  if ("options" in request) return `criu has failed${number}`;
  const words = message?.replace(/^Error \([^)]*\):\s*/, "").trim() ?? "";
  return `criu has failed${number}${words === "" ? "" : `: ${words}`}`;
}

const requests = {
  dump: "dump",
  preDump: "pre-dump",
  restore: "restore",
  notify: "notify",
  featureCheck: "check features",
  version: "tell its version",
} as const;

function failed({ type }: CriuRequest, reason: string): RuneError {
  return new RuneError({ code: "CRIU", doing: `have criu ${requests[type]}`, reason });
}
