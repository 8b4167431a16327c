// SPDX-License-Identifier: Apache-2.0
import { containerd } from "./containerd.ts";
import { docker } from "./docker.ts";
import type { EngineFile, EngineName } from "./engine.ts";
import { node } from "./node.ts";
import { podman } from "./podman.ts";

/** By the name of the option that stands for it; `node` is `--simulation`. */
export const engineFiles: Readonly<Record<EngineName, EngineFile>> = {
  docker,
  containerd,
  podman,
  node,
};
