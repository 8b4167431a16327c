// SPDX-License-Identifier: Apache-2.0
/**
 * The engine: one executable, the front's name says which tool it is. Each is imported when it is
 * the one, because reading what is not used is most of what a start costs.
 */
export {};

const words = process.argv.slice(2);
const tool = process.argv0.slice(process.argv0.lastIndexOf("/") + 1);

if (tool === "rune") {
  const { main } = await import("./cli/main.ts");
  await main(words);
} else if (tool === "sgx-tools") {
  const { runTool } = await import("./tool.ts");
  const { main } = await import("./sgx-tools/main.ts");
  await runTool(tool, () => main(words));
} else if (tool === "containerd-shim-rune-v2") {
  const { runTool } = await import("./tool.ts");
  const { main } = await import("./shim/main.ts");
  await runTool(tool, () => main(words));
} else if (tool === "signature-server") {
  const { runTool } = await import("./tool.ts");
  const { main } = await import("./signature/main.ts");
  await runTool(tool, () => main(words));
} else {
  const { runTool } = await import("./tool.ts");
  const { RuneError } = await import("./errors/error.ts");
  await runTool(tool, () => {
    const reason =
      "no such tool; there are rune, sgx-tools, signature-server and containerd-shim-rune-v2";
    throw new RuneError({ code: "USAGE", doing: `start \`${tool}\``, reason });
  });
}
