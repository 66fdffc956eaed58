import type { Argument, Command, Option } from "commander";
import { RayflowError } from "../../flow/index.ts";
import { contextOf } from "../context.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

const INSTALL: Readonly<Record<Shell, string>> = {
  bash: 'eval "$(rayflow completion bash)"   # in ~/.bashrc',
  zsh: "rayflow completion zsh > ~/.zfunc/_rayflow   # a folder of $fpath, before compinit",
  fish: "rayflow completion fish > ~/.config/fish/completions/rayflow.fish",
};

export function register(program: Command): void {
  program
    .command("completion")
    .description("print a completion script for your shell")
    .argument("<shell>", SHELLS.join(", "))
    .addHelpText(
      "after",
      `\nInstall:\n${Object.values(INSTALL)
        .map((line) => `  ${line}`)
        .join("\n")}`,
    )
    .action((name: string, _: unknown, self: Command) => {
      const shell = SHELLS.find((known) => known === name);
      if (shell === undefined) {
        throw new RayflowError("UsageError", `completion is for ${SHELLS.join(", ")}, not ${JSON.stringify(name)}`);
      }
      const { output } = contextOf(self);
      const script = SCRIPTS[shell](commandPaths(program));
      if (output.format === "table") output.print(script);
      else output.json({ shell, script });
    });
}

/** One place in the tree of commands: what may follow it. */
interface Place {
  /** `` for the program, `nodes new` for a subcommand. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly Option[];
  readonly takesFile: boolean;
}

function commandPaths(program: Command): Place[] {
  const walk = (command: Command, path: string): Place[] => {
    const children = command.commands.filter((child) => child.name() !== "help");
    const place = {
      path,
      commands: children.flatMap((child) =>
        [child.name(), ...child.aliases()].map((name) => ({ name, summary: child.description() })),
      ),
      options: [...command.options, ...(command === program ? [] : program.options)],
      takesFile: command.registeredArguments.some((argument: Argument) => /flow/.test(argument.name())),
    };
    return [place, ...children.flatMap((child) => walk(child, `${path} ${child.name()}`.trim()))];
  };
  return walk(program, "");
}

const flagsOf = (place: Place): string[] =>
  place.options.flatMap((option) => [option.short, option.long].filter((flag) => flag !== undefined));

/** Options of any place whose next word is their value: it is no command. */
function valueFlags(places: readonly Place[]): string[] {
  const flags = places.flatMap((place) => place.options.filter((option) => option.required || option.optional));
  return [...new Set(flags.flatMap((option) => [option.short, option.long].filter((flag) => flag !== undefined)))];
}

const SCRIPTS: Readonly<Record<Shell, (places: readonly Place[]) => string>> = {
  bash: (places) => `# bash completion for rayflow
_rayflow() {
  local cur=\${COMP_WORDS[COMP_CWORD]} path="" word skip=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [ -n "$skip" ]; then skip=""; continue; fi
    case "$word" in
      ${valueFlags(places).join("|")}) skip=1 ;;
      -*) ;;
      *) case "\${path:+$path }$word" in
${places
  .filter((place) => place.path !== "")
  .map((place) => `        "${place.path}") path="${place.path}" ;;`)
  .join("\n")}
      esac ;;
    esac
  done
  COMPREPLY=()
  if [ -n "$skip" ]; then compopt -o default 2>/dev/null; return; fi
  case "$path" in
${places
  .map(
    (place) =>
      `    "${place.path}") COMPREPLY=( $(compgen -W "${[...place.commands.map(({ name }) => name), ...flagsOf(place)].join(" ")}" -- "$cur") )${place.takesFile ? "; compopt -o default 2>/dev/null" : ""} ;;`,
  )
  .join("\n")}
  esac
}
complete -F _rayflow rayflow`,

  zsh: (places) => `#compdef rayflow
# zsh completion for rayflow
_rayflow() {
  local place="" word skip=""
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $skip ]]; then skip=""; continue; fi
    case $word in
      (${valueFlags(places).join("|")}) skip=1 ;;
      (-*) ;;
      (*) case "\${place:+$place }$word" in
${places
  .filter((place) => place.path !== "")
  .map((place) => `        ("${place.path}") place="${place.path}" ;;`)
  .join("\n")}
      esac ;;
    esac
  done
  if [[ -n $skip ]]; then _files; return; fi
  local -a commands options
  case $place in
${places
  .map(
    (place) => `    ("${place.path}")
      commands=(${place.commands.map(({ name, summary }) => zshItem(name, summary)).join(" ")})
      options=(${place.options.flatMap((option) => (option.long ? [zshItem(option.long, option.description)] : [])).join(" ")})
      ;;`,
  )
  .join("\n")}
  esac
  (( \${#commands} )) && _describe 'command' commands
  _describe -o 'option' options
  case $place in (${places
    .filter((place) => place.takesFile)
    .map((place) => `"${place.path}"`)
    .join("|")}) _files ;; esac
}
compdef _rayflow rayflow`,

  fish: (places) =>
    [
      "# fish completion for rayflow",
      "function __rayflow_at",
      "  set -l words (commandline -opc)[2..-1]",
      "  set -l place",
      "  for word in $words",
      "    string match -q -- '-*' $word; or set -a place $word",
      "  end",
      '  test "$place" = "$argv"; or string match -q -- "$argv *" "$place"; and test -n "$argv"',
      "end",
      "complete -c rayflow -f",
      ...places.flatMap((place) => [
        ...place.commands.map(
          ({ name, summary }) =>
            `complete -c rayflow -n '${fishCondition(place.path)}' -a ${name} -d ${quote(summary)}`,
        ),
        ...place.options.flatMap((option) =>
          option.long === undefined
            ? []
            : `complete -c rayflow -n '${fishCondition(place.path)}' -l ${option.long.slice(2)}${option.required ? " -r" : ""} -d ${quote(option.description)}`,
        ),
        ...(place.takesFile ? [`complete -c rayflow -n '${fishCondition(place.path)}' -F`] : []),
      ]),
    ].join("\n"),
};

function fishCondition(path: string): string {
  return path === "" ? "__fish_use_subcommand" : `__rayflow_at ${path}`;
}

function zshItem(name: string, summary: string): string {
  return quote(`${name}:${summary.replace(/:/g, " -")}`);
}

function quote(text: string): string {
  return `'${text.replace(/'/g, "")}'`;
}
