// SPDX-License-Identifier: Apache-2.0
/** Marks on network packets: two controllers of version 1. Version 2 leaves them to eBPF programs. */
import { type Controller, isSet } from "./controller.ts";

export const networkClass: Controller = {
  v1: "net_cls",
  asked: ({ network }) => (isSet(network?.classID) ? "network.classID" : undefined),
  setV1: (files, { network }) => {
    if (isSet(network?.classID)) files.write("net_cls.classid", String(network.classID));
  },
};

export const networkPriority: Controller = {
  v1: "net_prio",
  asked: ({ network }) => (isSet(network?.priorities?.length) ? "network.priorities" : undefined),
  setV1: (files, { network }) => {
    for (const { name, priority } of network?.priorities ?? []) {
      files.writeLine("net_prio.ifpriomap", name, String(priority), "0");
    }
  },
};
