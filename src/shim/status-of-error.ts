// SPDX-License-Identifier: Apache-2.0
/** A verb's failure as containerd's clients tell failures apart. */
import { RuneError } from "../errors/error.ts";
import { codes, StatusError } from "../ttrpc/status.ts";

export function statusOf(thrown: unknown, doing: string): StatusError {
  if (thrown instanceof StatusError) return thrown;
  const error = RuneError.from(thrown, doing);
  return new StatusError(codeOf(error), error.message);
}

function codeOf({ code }: RuneError): number {
  switch (code) {
    case "CONTAINER_NOT_FOUND":
      return codes.NOT_FOUND;
    case "CONTAINER_EXISTS":
      return codes.ALREADY_EXISTS;
    case "CONTAINER_STATE":
    case "CONTAINER_NOT_RUNNING":
      return codes.FAILED_PRECONDITION;
    case "ID_INVALID":
    case "USAGE":
    case "CONFIG_INVALID":
      return codes.INVALID_ARGUMENT;
    case "CONFIG_UNSUPPORTED":
      return codes.UNIMPLEMENTED;
    default:
      return codes.UNKNOWN;
  }
}
