// SPDX-License-Identifier: Apache-2.0
/**
 * Completion scripts from the option table. Verbs, flags and choices are written into the script; ids of
 * containers it asks the program for, with the global options of the line.
 */
import type { CommandSpec, OptionSpec, ProgramSpec } from "./option.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

export function completionScript(program: ProgramSpec, shell: Shell): string {
  switch (shell) {
    case "bash":
      return bash(program);
    case "zsh":
      return zsh(program);
    case "fish":
      return fish(program);
  }
}

/** A dash or two: the parser takes both, completion offers what help shows. */
function flags({ options }: CommandSpec): string[] {
  const shown = visible(options).flatMap(({ name, short }) => {
    return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
  });
  return [...shown, "--help"];
}

/** Options whose next word is their value. */
function valued({ options }: CommandSpec): string[] {
  return options
    .filter(({ kind }) => kind !== "flag")
    .flatMap(({ name, short }) => [name, ...(short === undefined ? [] : [short])])
    .flatMap((name) => [`--${name}`, `-${name}`]);
}

/** `--log-format) text json`: only where the table has choices. */
function choices({ options }: CommandSpec): { readonly flag: string; readonly words: string[] }[] {
  return options.flatMap((option) =>
    option.kind === "string" && option.choices !== undefined
      ? [{ flag: `--${option.name}`, words: [...option.choices] }]
      : [],
  );
}

function takesContainer({ arguments: { usage } }: CommandSpec): boolean {
  return usage.includes("container-id");
}

/** Those that make a container have no id to offer. */
const makers: ReadonlySet<string> = new Set(["create", "run", "restore"]);

function visible<T extends { readonly hidden?: boolean }>(items: readonly T[]): T[] {
  return items.filter(({ hidden }) => hidden !== true);
}

function bash(program: ProgramSpec): string {
  const { name } = program;
  const commands = visible(program.commands);
  const cases = commands.map((command) => {
    const ids = takesContainer(command) && !makers.has(command.name);
    return [
      `    ${command.name})`,
      `        flags='${flags(command).join(" ")}'`,
      `        valued=' ${valued(command).join(" ")} '`,
      ...choiceCases(command),
      `        ids=${ids ? "yes" : ""}`,
      "        ;;",
    ].join("\n");
  });
  return `# bash completion of ${name}; made by \`${name} completion bash\`
_${name}() {
    local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} verb='' i flags valued choices='' ids=''
    local -a global=()
    local programs=' ${valued(program).join(" ")} '
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case \${COMP_WORDS[i]} in
        -*=*) global+=("\${COMP_WORDS[i]}") ;;
        -*)
            global+=("\${COMP_WORDS[i]}")
            if [[ $programs == *" \${COMP_WORDS[i]} "* ]]; then
                i=$((i + 1))
                [[ \${COMP_WORDS[i]} != '=' ]] || i=$((i + 1))
                ((i >= COMP_CWORD)) || global+=("\${COMP_WORDS[i]}")
            fi
            ;;
        *) verb=\${COMP_WORDS[i]}; break ;;
        esac
    done
    case $verb in
    '')
        flags='${flags(program).join(" ")}'
        valued=$programs
${choiceCases(program).join("\n")}
        ;;
${cases.join("\n")}
    *) return ;;
    esac
    if [[ -n $choices ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
    elif [[ $valued == *" $before "* ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    elif [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$word")
    elif [[ -z $verb ]]; then
        mapfile -t COMPREPLY < <(compgen -W '${commands.map((one) => one.name).join(" ")}' -- "$word")
    elif [[ -n $ids ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$("\${COMP_WORDS[0]}" "\${global[@]}" list --quiet 2>/dev/null)" -- "$word")
    fi
}
complete -F _${name} ${name}
`;
}

function choiceCases(command: CommandSpec): string[] {
  return choices(command).map(({ flag, words }) => {
    return `        [[ $before != '${flag}' ]] || choices='${words.join(" ")}'`;
  });
}

function zsh(program: ProgramSpec): string {
  const { name } = program;
  const commands = visible(program.commands);
  const cases = commands.map((command) => {
    const ids = takesContainer(command) && !makers.has(command.name);
    const rest = ids ? [`'*:container:_${name}_containers'`] : ["'*::argument:_files'"];
    return `    ${command.name}) _arguments -s ${[...zshOptions(command), ...rest].join(" \\\n        ")} ;;`;
  });
  const described = commands.map((one) => `'${zshText(`${one.name}:${one.summary}`)}'`);
  return `#compdef ${name}
# zsh completion of ${name}; made by \`${name} completion zsh\`
_${name}_containers() {
    local -a ids
    ids=(\${(f)"$(_call_program containers ${name} \${(q)globals} list --quiet 2>/dev/null)"})
    _describe container ids
}
_${name}() {
    local curcontext=$curcontext state line ret=1
    local -a globals commands=(
        ${described.join("\n        ")}
    )
    typeset -A opt_args
    _arguments -C ${zshOptions(program).join(" \\\n        ")} \\
        '1:command:->command' '*::argument:->argument' && ret=0
    [[ -z \${opt_args[--root]} ]] || globals=(--root "\${opt_args[--root]}")
    case $state in
    command) _describe command commands && ret=0; return ret ;;
    argument) ;;
    *) return ret ;;
    esac
    case $line[1] in
${cases.join("\n")}
    esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function zshOptions({ options }: CommandSpec): string[] {
  const helped = [`'--help[show this help]'`];
  return [...visible(options).flatMap(zshOption), ...helped];
}

function zshOption(option: OptionSpec): string[] {
  const repeats = option.kind === "list" ? "*" : "";
  const words = option.kind === "string" ? option.choices : undefined;
  const action = words === undefined ? "_files" : `(${words.join(" ")})`;
  const value = option.kind === "flag" ? "" : `:${option.argument.replaceAll(":", " ")}:${action}`;
  const names =
    option.short === undefined ? [`--${option.name}`] : [`--${option.name}`, `-${option.short}`];
  return names.map((one) => `'${repeats}${one}[${zshText(option.help)}]${value}'`);
}

/** Inside single quotes and brackets. */
function zshText(text: string): string {
  return text.replaceAll("'", "’").replaceAll("[", "(").replaceAll("]", ")");
}

function fish(program: ProgramSpec): string {
  const { name } = program;
  const commands = visible(program.commands);
  const none = `not __fish_seen_subcommand_from ${commands.map((one) => one.name).join(" ")}`;
  const lines = [
    `# fish completion of ${name}; made by \`${name} completion fish\``,
    `function __${name}_containers`,
    "    set -l words (commandline -opc)",
    "    set -l globals",
    "    if set -l at (contains -i -- --root $words)",
    "        set globals --root $words[(math $at + 1)]",
    "    end",
    "    $words[1] $globals list --quiet 2>/dev/null",
    "end",
    `complete -c ${name} -f`,
    ...program.options.flatMap((option) => fishOption(name, none, option)),
    ...commands.map((one) => {
      return `complete -c ${name} -n '${none}' -a ${one.name} -d '${fishText(one.summary)}'`;
    }),
    ...commands.flatMap((command) => {
      const here = `__fish_seen_subcommand_from ${command.name}`;
      const ids = takesContainer(command) && !makers.has(command.name);
      return [
        ...command.options.flatMap((option) => fishOption(name, here, option)),
        ...(ids ? [`complete -c ${name} -n '${here}' -a '(__${name}_containers)'`] : []),
      ];
    }),
  ];
  return `${lines.join("\n")}\n`;
}

function fishOption(name: string, condition: string, option: OptionSpec): string[] {
  if (option.hidden === true) return [];
  const short = option.short === undefined ? "" : ` -s ${option.short}`;
  const words = option.kind === "string" ? option.choices : undefined;
  const value =
    option.kind === "flag" ? "" : words === undefined ? " -r -F" : ` -x -a '${words.join(" ")}'`;
  const help = fishText(option.help);
  return [`complete -c ${name} -n '${condition}' -l ${option.name}${short}${value} -d '${help}'`];
}

function fishText(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
}
