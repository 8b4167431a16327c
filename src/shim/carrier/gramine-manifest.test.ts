// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { manifestTemplate } from "./gramine-manifest.ts";

/** Whether another value of the variable is another enclave. */
function decides(name: string): boolean {
  const manifestWith = (value: string) =>
    manifestTemplate({ args: ["/bin/app"], cwd: "/", environment: new Map([[name, value]]) });
  expect(manifestWith("one")).toContain(`loader.env.${JSON.stringify(name)} = `);
  return manifestWith("one") !== manifestWith("other");
}

test.each([
  ...["PATH", "LD_PRELOAD", "GLIBC_TUNABLES", "BASH_ENV", "BASH_FUNC_ls%%"],
  ...["PYTHONPATH", "PYTHONSTARTUP", "PERL5OPT", "RUBYOPT", "CLASSPATH"],
  ...["NODE_OPTIONS", "NODE_PATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"],
])("what %s makes run is measured", (name) => {
  expect(decides(name)).toBe(true);
});

test.each(["GREETING", "NODE_ENV", "MY_PATH", "PATHS", "JAVA_HOME"])(
  "%s is only passed",
  (name) => {
    expect(decides(name)).toBe(false);
  },
);
