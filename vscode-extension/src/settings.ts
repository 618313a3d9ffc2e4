// The settings `dapbridge.*`, read anew each time so that a change counts at once.
import * as vscode from "vscode";

export interface Settings {
  readonly command: readonly string[];
  readonly package: string;
  readonly env: Readonly<Record<string, string>>;
  readonly wireLog: boolean;
}

const SECTION = "dapbridge";

export function readSettings(): Settings {
  const section = vscode.workspace.getConfiguration(SECTION);
  return {
    command: section.get<string[]>("command", []),
    package: section.get<string>("package", "").trim(),
    env: section.get<Record<string, string>>("env", {}),
    wireLog: section.get<boolean>("wireLog", false),
  };
}

/** Write a setting for this user, and where the workspace has a value of its own, there. */
export async function writeSetting<K extends keyof Settings>(key: K, value: Settings[K]): Promise<void> {
  const section = vscode.workspace.getConfiguration(SECTION);
  const inWorkspace = section.inspect(key)?.workspaceValue !== undefined;
  await section.update(
    key,
    value,
    inWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global,
  );
}
