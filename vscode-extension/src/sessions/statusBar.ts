// What is attached, and for how long it has been standing still, in the status bar.
import * as vscode from "vscode";
import { describeSessions, type SessionState } from "./statusText.ts";

const TICK_MS = 1000;

export class StatusBar implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem("dapbridge.sessions", vscode.StatusBarAlignment.Left, 90);
  readonly #sessions: () => SessionState[];
  #timer: NodeJS.Timeout | undefined;

  constructor(sessions: () => SessionState[]) {
    this.#sessions = sessions;
    this.#item.name = "dapbridge";
    this.#item.command = "workbench.debug.action.focusCallStackView";
  }

  /** Show what is now; while something stands still, again each second. */
  refresh(): void {
    const shown = describeSessions(this.#sessions(), Date.now());
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (shown === undefined) {
      this.#item.hide();
      return;
    }
    this.#item.text = shown.text;
    this.#item.tooltip = shown.tooltip;
    this.#item.backgroundColor = shown.frozen ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
    this.#item.show();
    if (shown.frozen) {
      this.#timer = setInterval(() => this.refresh(), TICK_MS);
    }
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#item.dispose();
  }
}
