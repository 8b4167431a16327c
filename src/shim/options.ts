// SPDX-License-Identifier: Apache-2.0
/** What containerd or its client wants of the runtime: three messages have been used for it. */
import { decode } from "../protobuf/codec.ts";
import type { Any } from "../protobuf/well-known.gen.ts";
import { codes, StatusError } from "../ttrpc/status.ts";
import { CreateOptions } from "./proto/linux-options.gen.ts";
import { CheckpointOptions, Options } from "./proto/runc-options.gen.ts";

export type TaskOptions = Partial<Options>;

/** An option that is none of these is refused: it would be ignored. */
export function taskOptions(any: Any | undefined): TaskOptions {
  if (any === undefined || any.typeUrl === "") return {};
  switch (nameOf(any)) {
    case Options.typeName:
      return decode(Options, any.value);
    case CreateOptions.typeName: {
      // containerd's client sends it to shims with other names than runc's.
      const { noPivotRoot, noNewKeyring, shimCgroup, ioUid, ioGid } = decode(
        CreateOptions,
        any.value,
      );
      return { noPivotRoot, noNewKeyring, shimCgroup, ioUid, ioGid };
    }
    case "runtimeoptions.v1.Options":
    case "containerd.runtimeoptions.v1.Options":
    case "cri.runtimeoptions.v1.Options":
      return {}; // names a configuration file of the shim's; ours is the node's
    default:
      throw unknown(any);
  }
}

/** containerd's client sends the old one to shims with other names than runc's: they are the same. */
const checkpointTypes = [CheckpointOptions.typeName, "containerd.linux.runc.CheckpointOptions"];

export function checkpointOptions(any: Any | undefined): CheckpointOptions {
  if (any === undefined || any.typeUrl === "") return decode(CheckpointOptions, new Uint8Array());
  if (!checkpointTypes.includes(nameOf(any))) throw unknown(any);
  return decode(CheckpointOptions, any.value);
}

function nameOf({ typeUrl }: Any): string {
  return typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}

function unknown({ typeUrl }: Any): StatusError {
  return new StatusError(codes.INVALID_ARGUMENT, `options of type \`${typeUrl}\` are not known`);
}
