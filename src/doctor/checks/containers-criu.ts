// SPDX-License-Identifier: Apache-2.0
import { broken, type Check, missing, ok } from "../check.ts";

/** As src/container/criu.ts wants it. */
const oldest = [3, 15] as const;

export const containersCriu: Check = {
  topic: "containers",
  name: "criu",
  about: "criu for `rune checkpoint` and `rune restore`: 3.15 or newer",
  optional: true,
  look: async (probe, { criu }) => {
    const answer = await probe.output([criu, "--version"]);
    const install = "apt-get install criu, or say with `rune --criu PATH` where it is";
    if (answer === undefined)
      return missing(`there is no \`${criu}\`: checkpoints cannot be made`, install);
    const [, major, minor = "0"] = /^Version:\s*(\d+)\.(\d+)/m.exec(answer.text) ?? [];
    if (answer.status !== 0 || major === undefined) {
      const said = answer.text.trim().split("\n")[0] ?? "";
      return broken(`\`${criu} --version\` failed with status ${answer.status}: ${said}`, install);
    }
    const version = `${major}.${minor}`;
    const isOld =
      Number(major) < oldest[0] || (Number(major) === oldest[0] && Number(minor) < oldest[1]);
    return isOld ? broken(`criu ${version} is older than 3.15`, install) : ok(`criu ${version}`);
  },
};
