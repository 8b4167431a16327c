// SPDX-License-Identifier: Apache-2.0
/** `-info`: what the runtime can do, as containerd 2 asks before it has a container. */
import { featuresDocument, supported } from "../oci/features.ts";
import { encode } from "../protobuf/codec.ts";
import { Options } from "./proto/runc-options.gen.ts";
import { RuntimeInfo } from "./proto/runtime-info.gen.ts";

const featuresType = "types.containerd.io/opencontainers/runtime-spec/1/features/Features";

export function info(): Uint8Array {
  const build = { version: BUILD_VERSION, commit: BUILD_COMMIT };
  const features = JSON.stringify(featuresDocument(supported, build));
  return encode(RuntimeInfo, {
    name: "io.containerd.rune.v2",
    version: { version: build.version, revision: build.commit },
    options: { typeUrl: Options.typeName, value: new Uint8Array() },
    features: { typeUrl: featuresType, value: new TextEncoder().encode(features) },
    annotations: new Map(),
  });
}
