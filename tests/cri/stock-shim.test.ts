// SPDX-License-Identifier: Apache-2.0
/** Pods with containerd's own shim, and the runtime under test as its BinaryName. */
import { shared } from "../support/engines/shared.ts";
import { needs } from "../support/runtime.ts";
import { podTests } from "./bodies.ts";
import { CriEngine, criObstacle } from "./engine.ts";

podTests(
  needs(criObstacle),
  shared(() => CriEngine.start("stock")),
);
