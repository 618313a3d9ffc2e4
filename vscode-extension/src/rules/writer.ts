// Adds a rule to the configuration of a session: in launch.json, and for the session that is started again with it.
import * as vscode from "vscode";
import { addRule, type NamedConfiguration, rulesOf, withoutInternals } from "./launchJson.ts";
import { type Rule, relativeTo } from "./substitutePath.ts";

/** Write the rule into the launch.json of the session's folder, and attach once more with it. */
export async function addRuleAndAttachAgain(session: vscode.DebugSession, rule: Rule): Promise<void> {
  const folder = session.workspaceFolder ?? vscode.workspace.workspaceFolders?.[0];
  if (folder !== undefined) {
    await write(folder, session.configuration, relativeTo(rule, folder.uri.fsPath));
  }
  const configuration = {
    ...withoutInternals(session.configuration),
    substitutePath: [rule, ...rulesOf(session.configuration)],
  };
  await vscode.debug.stopDebugging(session);
  await vscode.debug.startDebugging(session.workspaceFolder, configuration);
}

async function write(folder: vscode.WorkspaceFolder, configuration: NamedConfiguration, rule: Rule): Promise<void> {
  const uri = vscode.Uri.joinPath(folder.uri, ".vscode", "launch.json");
  const edit = new vscode.WorkspaceEdit();
  edit.createFile(uri, { ignoreIfExists: true });
  await vscode.workspace.applyEdit(edit);
  const document = await vscode.workspace.openTextDocument(uri);
  const text = document.getText();
  const whole = new vscode.Range(document.positionAt(0), document.positionAt(text.length));
  const rewrite = new vscode.WorkspaceEdit();
  rewrite.replace(uri, whole, addRule(text, configuration, rule));
  await vscode.workspace.applyEdit(rewrite);
  await document.save();
}
