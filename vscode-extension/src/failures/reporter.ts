// Shows a failure: its cause in the bridge's words, and what can be done about it as buttons.
import * as vscode from "vscode";
import type { ImageBuilder } from "../commands/buildImage.ts";
import type { Log } from "../log.ts";
import { withoutInternals } from "../rules/launchJson.ts";
import { PICK_PROCESS, PICK_TARGET } from "../targets/pickVariables.ts";
import { findRemedies, REMEDY_LABELS, type Remedy } from "./remedies.ts";

export class FailureReporter {
  readonly #log: Log;
  readonly #images: ImageBuilder;

  constructor(log: Log, images: ImageBuilder) {
    this.#log = log;
    this.#images = images;
  }

  /** Show a failure; with the session that failed, remedies can start it again. */
  async report(failure: unknown, session?: vscode.DebugSession): Promise<void> {
    const text = failure instanceof Error ? failure.message : String(failure);
    this.#log.line(text);
    const remedies = findRemedies(text).filter((each) => session !== undefined || !AGAIN.has(each));
    const labels = remedies.map((each) => REMEDY_LABELS[each]);
    const answer = await vscode.window.showErrorMessage(text, ...labels);
    const chosen = remedies.find((each) => REMEDY_LABELS[each] === answer);
    if (chosen !== undefined) {
      await this.#carryOut(chosen, session);
    }
  }

  /** Return what an action does; a failure is shown, and gives undefined. */
  async guard<T>(action: () => Promise<T | undefined>): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      void this.report(error);
      return undefined;
    }
  }

  async #carryOut(remedy: Remedy, session: vscode.DebugSession | undefined): Promise<void> {
    switch (remedy) {
      case "buildImage":
        if ((await this.#images.build()) && session) {
          await startAgain(session);
        }
        break;
      case "pickTarget":
        await (session && startAgain(session, { target: `\${command:${PICK_TARGET}}`, process: undefined }));
        break;
      case "pickProcess":
        await (session && startAgain(session, { process: `\${command:${PICK_PROCESS}}` }));
        break;
      case "retry":
        await (session && startAgain(session));
        break;
      case "openConfiguration":
        await vscode.commands.executeCommand("workbench.action.debug.configure");
        break;
      case "openSettings":
        await vscode.commands.executeCommand("workbench.action.openSettings", "dapbridge");
        break;
      case "openLog":
        this.#log.show();
        break;
    }
  }
}

const AGAIN: ReadonlySet<Remedy> = new Set(["pickTarget", "pickProcess", "retry", "openConfiguration"]);

async function startAgain(session: vscode.DebugSession, changes: Record<string, unknown> = {}): Promise<void> {
  const configuration = { ...withoutInternals(session.configuration), ...changes };
  await vscode.debug.startDebugging(session.workspaceFolder, configuration);
}
