// "Turn the Wire Log On or Off".
import * as vscode from "vscode";
import { readSettings, writeSetting } from "../settings.ts";

export async function toggleWireLog(): Promise<void> {
  const on = !readSettings().wireLog;
  await writeSetting("wireLog", on);
  const text = on ? "on: sessions that start from now on log every message, with the values it holds" : "off";
  vscode.window.showInformationMessage(`dapbridge: the wire log is ${text}.`);
}
