// SPDX-License-Identifier: Apache-2.0
/** containerd's configuration, in the forms that our documentation shows. */
import { blocksOf } from "../support/engines/page.ts";
import { binaryOf, runtimeName } from "../support/runtime.ts";

/**
 * `first`: the original's own words, in the form of containerd's first versions. `shim` and `stock`: what
 * docs/how-to/containerd.md shows, for our shim and for containerd's own.
 */
export type ConfigForm = "first" | "shim" | "stock";

export type Settings = {
  /** `root` and `state`. */
  readonly folders: string;
  readonly address: string;
  /** Where the network's configuration is, and whatever else is ours. */
  readonly path: string;
  readonly pauseImage: string;
};

export function criConfig(form: ConfigForm, settings: Settings): string {
  return form === "first" ? firstForm(settings) : currentForm(form, settings);
}

/** As the original's README has it, to the letter. */
const originalWords = `
        [plugins.cri.containerd]
          ...
          [plugins.cri.containerd.runtimes.rune]
            runtime_type = "io.containerd.rune.v2"
`;

/** What the dots stand for; from the original's guide to Kubernetes. Without a default, containerd wants runc. */
const left = 'default_runtime_name = "rune"\nsnapshotter = "overlayfs"';

function firstForm({ folders, address, path, pauseImage }: Settings): string {
  return `${folders}
[grpc]
  address = "${address}"
[plugins]
      [plugins.cri]
        ${ours(pauseImage)}
        [plugins.cri.cni]
          ${cni(path)}
${originalWords.replace("...", left)}`;
}

function currentForm(form: "shim" | "stock", { folders, address, path, pauseImage }: Settings) {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
${folders}
[grpc]
  address = "${address}"
[${cri}]
${ours(pauseImage)}
[${cri}.cni]
${cni(path)}
${pageBlock(form === "shim" ? '"io.containerd.rune.v2"' : "BinaryName")}`;
}

/** The page names rune; another runtime is judged in its place. */
function pageBlock(mark: string): string {
  const blocks = blocksOf("how-to/containerd.md").filter(
    ({ language, text }) =>
      language === "toml" && text.startsWith('[plugins."') && text.includes(mark),
  );
  const [block, ...others] = blocks;
  if (block === undefined || others.length > 0) throw new Error(`${mark}: not one block`);
  return runtimeName === "rune"
    ? block.text
    : block.text.replace('"/usr/bin/rune"', `"${binaryOf(runtimeName)}"`);
}

/** The pause container asks for an OOM score of -998, which not every root may give. */
function ours(pauseImage: string): string {
  return `sandbox_image = "${pauseImage}"
restrict_oom_score_adj = true
disable_hugetlb_controller = true`;
}

function cni(path: string): string {
  return `bin_dir = "/usr/lib/cni"\nconf_dir = "${path}/cni"`;
}
