// The extension's entry. VS Code waits for `activate`, so it only registers: nothing is looked for or run here.
import type * as vscode from "vscode";
import { register } from "./registrations.ts";

export function activate(context: vscode.ExtensionContext): void {
  context.subscriptions.push(...register(context));
}
