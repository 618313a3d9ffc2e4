// How targets and processes are shown in lists. Pure.
import type { ListedTarget, TargetProcess } from "./listing.ts";

export interface Label {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
}

const LANGUAGES: Readonly<Record<string, string>> = {
  c: "C",
  "c++": "C++",
  go: "Go",
  rust: "Rust",
  zig: "Zig",
  d: "D",
};
const MAX_COMMAND = 120;

/** Return how a target is shown: its name, image and Compose service, and what runs in it. */
export function labelTarget(target: ListedTarget): Label {
  const { composeProject, composeService } = target;
  const compose = composeService === null ? "" : ` · ${composeProject}/${composeService}`;
  return {
    label: `$(package) ${target.name}`,
    description: `${target.image}${compose}`,
    detail: target.error === null ? describeProcesses(target.processes) : `$(warning) ${target.error}`,
  };
}

/** Return how a process is shown: its pid inside the target, name and user, language and command line. */
export function labelProcess(process: TargetProcess): Label {
  return {
    label: `${process.pid ?? "?"} ${process.name}`,
    description: [process.main ? "main process" : "", `user ${process.user}`].filter(Boolean).join(" · "),
    detail: describe(process),
  };
}

/** Return the name of a configuration for a target, as the debug drop-down shows it. */
export function nameConfiguration(target: ListedTarget): string {
  const language = mainProcess(target)?.language;
  return language == null ? target.name : `${target.name} (${nameLanguage(language)})`;
}

/** Return a command line, cut to what a list can show. */
export function commandLine(process: TargetProcess): string {
  const line = process.command.join(" ") || process.name;
  return line.length > MAX_COMMAND ? `${line.slice(0, MAX_COMMAND - 1)}…` : line;
}

function describeProcesses(processes: readonly TargetProcess[]): string {
  const main = processes.find((each) => each.main) ?? processes[0];
  if (main === undefined) {
    return "no process";
  }
  const more = processes.length > 1 ? ` · and ${processes.length - 1} more` : "";
  return `${describe(main)}${more}`;
}

function describe(process: TargetProcess): string {
  const debugInfo = process.debugInfo === null ? "" : process.debugInfo ? "debug info" : "no debug info";
  const language = process.language === null ? "" : nameLanguage(process.language);
  return [language, debugInfo, commandLine(process)].filter(Boolean).join(" · ");
}

function mainProcess(target: ListedTarget): TargetProcess | undefined {
  return target.processes.find((each) => each.main) ?? target.processes[0];
}

function nameLanguage(language: string): string {
  return LANGUAGES[language] ?? language;
}
