// Completes a configuration before a session: what has no target asks for one, and without a bridge nothing starts.
import type * as vscode from "vscode";
import type { Provision } from "../bridge/provision.ts";
import type { FailureReporter } from "../failures/reporter.ts";
import { DEBUG_TYPE } from "./attachConfiguration.ts";
import type { AttachPrompt } from "./attachPrompt.ts";

export class ConfigurationProvider implements vscode.DebugConfigurationProvider {
  readonly #provision: Provision;
  readonly #prompt: AttachPrompt;
  readonly #failures: FailureReporter;

  constructor(provision: Provision, prompt: AttachPrompt, failures: FailureReporter) {
    this.#provision = provision;
    this.#prompt = prompt;
    this.#failures = failures;
  }

  /** F5 without a launch.json has an empty configuration. Returning undefined ends it without a word. */
  async resolveDebugConfiguration(
    _folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    const empty = !configuration.type && !configuration.request && !configuration.name;
    if (!empty && configuration["target"] !== undefined) {
      return configuration;
    }
    if (!empty && configuration.request !== "attach") {
      // The bridge refuses it, and says what to write instead.
      return configuration;
    }
    try {
      const asked = await this.#prompt.ask();
      return (
        asked && {
          ...asked,
          ...configuration,
          type: DEBUG_TYPE,
          request: "attach",
          name: configuration.name || asked.name,
        }
      );
    } catch (error) {
      await this.#failures.report(error);
      return undefined;
    }
  }

  async resolveDebugConfigurationWithSubstitutedVariables(
    _folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    if (configuration["debugServer"] !== undefined) {
      return configuration;
    }
    return (await this.#provision.obtain()) && configuration;
  }
}
