// "Attach to Container…": asks what to attach to, and starts the session.
import * as vscode from "vscode";
import type { AttachPrompt } from "../configurations/attachPrompt.ts";
import type { FailureReporter } from "../failures/reporter.ts";

export async function attach(prompt: AttachPrompt, failures: FailureReporter): Promise<void> {
  try {
    const configuration = await prompt.ask();
    if (configuration !== undefined) {
      await vscode.debug.startDebugging(vscode.workspace.workspaceFolders?.[0], { ...configuration });
    }
  } catch (error) {
    await failures.report(error);
  }
}
