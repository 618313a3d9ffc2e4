// The Python environments that may hold the bridge: the one selected in the Python extension, and the workspace's own.
import * as path from "node:path";
import * as vscode from "vscode";

/** The part of the API of `ms-python.python` that is used. */
interface PythonApi {
  readonly environments: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { readonly path: string };
    resolveEnvironment(environment: {
      readonly path: string;
    }): Promise<{ readonly executable: { readonly uri: vscode.Uri | undefined } } | undefined>;
  };
}

/** Return interpreters, the selected one first; whether they exist is not looked at. */
export async function findPythons(): Promise<string[]> {
  const found: string[] = [];
  const selected = await findSelected();
  if (selected !== undefined) {
    found.push(selected);
  }
  for (const folder of vscode.workspace.workspaceFolders ?? []) {
    const set = vscode.workspace.getConfiguration("python", folder).get<string>("defaultInterpreterPath");
    if (set !== undefined && set !== "python") {
      found.push(set.replaceAll(/\$\{workspaceFolder(?::[^}]*)?\}/g, folder.uri.fsPath));
    }
    const bin = process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"];
    found.push(...[".venv", "venv"].map((name) => path.join(folder.uri.fsPath, name, ...bin)));
  }
  return found;
}

async function findSelected(): Promise<string | undefined> {
  const extension = vscode.extensions.getExtension<PythonApi>("ms-python.python");
  if (extension === undefined) {
    return undefined;
  }
  try {
    const { environments } = await extension.activate();
    const environment = await environments.resolveEnvironment(environments.getActiveEnvironmentPath());
    return environment?.executable.uri?.fsPath;
  } catch {
    // Another version of that extension, or one that fails: then there is no selection to go by.
    return undefined;
  }
}
