// Everything that the extension registers, in one list.
import * as vscode from "vscode";
import { AdapterFactory } from "./adapter/factory.ts";
import { BridgeFinder } from "./bridge/finder.ts";
import { Provision } from "./bridge/provision.ts";
import { attach } from "./commands/attach.ts";
import { ImageBuilder } from "./commands/buildImage.ts";
import { CleanUp } from "./commands/cleanUp.ts";
import { toggleWireLog } from "./commands/wireLog.ts";
import { DEBUG_TYPE } from "./configurations/attachConfiguration.ts";
import { AttachPrompt } from "./configurations/attachPrompt.ts";
import { DynamicConfigurations } from "./configurations/dynamic.ts";
import { ConfigurationProvider } from "./configurations/provider.ts";
import { FailureReporter } from "./failures/reporter.ts";
import { Log } from "./log.ts";
import { RuleOffers } from "./rules/offers.ts";
import { SessionWatchers } from "./sessions/watchers.ts";
import { Choices } from "./targets/choices.ts";
import { Lister } from "./targets/lister.ts";
import { PICK_PROCESS, PICK_TARGET, PickVariables } from "./targets/pickVariables.ts";
import { ProcessPicker } from "./targets/processPicker.ts";
import { TargetPicker } from "./targets/targetPicker.ts";

/** Put the parts together and register them; what is returned undoes it. */
export function register(context: vscode.ExtensionContext): vscode.Disposable[] {
  const log = new Log();
  const finder = new BridgeFinder(log);
  const provision = new Provision(finder, log);
  const lister = new Lister(log);
  const choices = new Choices(context.workspaceState);
  const targets = new TargetPicker(provision, lister, choices);
  const processes = new ProcessPicker(choices);
  const prompt = new AttachPrompt(targets, processes);
  const variables = new PickVariables(provision, lister, targets, processes);
  const images = new ImageBuilder(provision, log);
  const failures = new FailureReporter(log, images);
  const cleanUp = new CleanUp(provision, failures, log);
  const offers = new RuleOffers(log);
  const watchers = new SessionWatchers(offers);
  const configurations = new ConfigurationProvider(provision, prompt, failures);
  const dynamic = new DynamicConfigurations(finder, lister, choices, log);
  const command = vscode.commands.registerCommand;
  return [
    log,
    finder,
    watchers,
    command("dapbridge.attach", () => attach(prompt, failures)),
    command("dapbridge.showLog", () => log.show()),
    command("dapbridge.toggleWireLog", toggleWireLog),
    command("dapbridge.cleanUp", () => cleanUp.run()),
    command("dapbridge.buildImage", () => images.build()),
    command("dapbridge.addSubstitutePath", () => offers.offerForEditor()),
    command("dapbridge.choose", () => provision.change()),
    command(PICK_TARGET, (configuration) => failures.guard(() => variables.pickTarget(configuration))),
    command(PICK_PROCESS, (configuration) => failures.guard(() => variables.pickProcess(configuration))),
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, configurations),
    vscode.debug.registerDebugConfigurationProvider(
      DEBUG_TYPE,
      dynamic,
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    vscode.debug.registerDebugAdapterDescriptorFactory(
      DEBUG_TYPE,
      new AdapterFactory(provision, watchers, failures, log),
    ),
  ];
}
