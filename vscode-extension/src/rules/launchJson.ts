// Writing a rule into launch.json, where comments and layout stay as they are. Pure: text in, text out.
import { applyEdits, type FormattingOptions, type JSONPath, modify, parse } from "jsonc-parser";
import type { Rule } from "./substitutePath.ts";

export interface NamedConfiguration {
  readonly name: string;
  readonly type: string;
  readonly request: string;
  readonly [attribute: string]: unknown;
}

const EMPTY = '{\n  "version": "0.2.0",\n  "configurations": []\n}\n';

/** Return launch.json with a rule before the others of a configuration, which is added where it isn't there. */
export function addRule(text: string, configuration: NamedConfiguration, rule: Rule): string {
  const before = text.trim() === "" ? EMPTY : text;
  const launch = (parse(before, [], { allowTrailingComma: true }) ?? {}) as { configurations?: NamedConfiguration[] };
  const configurations = Array.isArray(launch.configurations) ? launch.configurations : [];
  const index = configurations.findIndex(
    (each) => each?.name === configuration.name && each.type === configuration.type,
  );
  const found = configurations[index];
  if (found === undefined) {
    const added = { ...withoutInternals(configuration), substitutePath: [rule, ...rulesOf(configuration)] };
    return change(before, ["configurations", configurations.length], added, true);
  }
  const place: JSONPath = ["configurations", index, "substitutePath"];
  return Array.isArray(found["substitutePath"]) && found["substitutePath"].length > 0
    ? change(before, [...place, 0], rule, true)
    : change(before, place, [rule], false);
}

/** Return the rules of a configuration; "auto" has none. */
export function rulesOf(configuration: NamedConfiguration): readonly Rule[] {
  const rules = configuration["substitutePath"];
  return Array.isArray(rules) ? (rules as Rule[]) : [];
}

/** Leave out what VS Code itself has put in. */
export function withoutInternals(configuration: NamedConfiguration): NamedConfiguration {
  const kept = Object.entries(configuration).filter(([key, value]) => !key.startsWith("__") && value !== undefined);
  return Object.fromEntries(kept) as NamedConfiguration;
}

function change(text: string, place: JSONPath, value: unknown, isArrayInsertion: boolean): string {
  return applyEdits(text, modify(text, place, value, { isArrayInsertion, formattingOptions: layoutOf(text) }));
}

function layoutOf(text: string): FormattingOptions {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ";
  return {
    insertSpaces: !indent.startsWith("\t"),
    tabSize: indent.startsWith("\t") ? 4 : indent.length,
    eol: text.includes("\r\n") ? "\r\n" : "\n",
  };
}
