// SPDX-License-Identifier: Apache-2.0
import { S_IFDIR, S_IFMT } from "../../kernel/constants.ts";
import { broken, type Check, ok } from "../check.ts";

export const containersState: Check = {
  topic: "containers",
  name: "state",
  about: "the directory of container state (--root): whose it is, and its mode",
  look: (probe, { stateRoot }) => {
    const found = probe.stat(stateRoot);
    if (found === undefined) return ok(`\`${stateRoot}\` is made by the first container`);
    if ((found.mode & S_IFMT) !== S_IFDIR) {
      return broken(
        `\`${stateRoot}\` is no directory`,
        `rm ${stateRoot}, or name another with --root`,
      );
    }
    const { uid, mode } = found;
    if (uid !== probe.euid) {
      return broken(
        `\`${stateRoot}\` belongs to uid ${uid}, not to ${probe.euid}`,
        `chown ${probe.euid} ${stateRoot}`,
      );
    }
    return (mode & 0o022) === 0
      ? ok(`\`${stateRoot}\`, with ${probe.list(stateRoot)?.length ?? 0} entries`)
      : broken(`\`${stateRoot}\` may be written by others`, `chmod 0700 ${stateRoot}`);
  },
};
