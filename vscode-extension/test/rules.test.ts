import assert from "node:assert/strict";
import { parse } from "jsonc-parser";
import { addRule } from "../src/rules/launchJson.ts";
import { findNamesakes, makeRule, relativeTo } from "../src/rules/substitutePath.ts";

describe("a rule", () => {
  it("is what is left before the common end of the two paths", () => {
    const rule = makeRule("/home/me/api/src/net/main.c", "/build/src/net/main.c");
    assert.deepEqual(rule, { from: "/home/me/api", to: "/build" });
  });

  it("leaves a folder on both sides, for an empty one would mean relative paths", () => {
    assert.deepEqual(makeRule("/home/me/src/main.c", "/src/main.c"), { from: "/home/me/src", to: "/src" });
  });

  it("takes relative paths of the debug info", () => {
    assert.deepEqual(makeRule("/home/me/api/src/main.c", "src/main.c"), { from: "/home/me/api/src", to: "src" });
  });

  it("is none where the names differ", () => {
    assert.equal(makeRule("/home/me/a.c", "/build/b.c"), undefined);
  });

  it("understands an editor on Windows, where case doesn't count", () => {
    assert.deepEqual(makeRule("C:\\ws\\SRC\\main.c", "/build/src/main.c"), { from: "C:\\ws", to: "/build" });
  });

  it("is written relative to the workspace folder, at whole components", () => {
    const rule = { from: "/home/me/api/lib", to: "/build" };
    assert.equal(relativeTo(rule, "/home/me/api").from, "${workspaceFolder}/lib");
    assert.equal(relativeTo({ ...rule, from: "/home/me/api" }, "/home/me/api").from, "${workspaceFolder}");
    assert.equal(relativeTo(rule, "/home/me/ap").from, rule.from);
    assert.equal(relativeTo(rule, undefined).from, rule.from);
  });

  it("is offered first for the source with the longest common end", () => {
    const paths = ["/opt/main.c", "/build/src/main.c", "/build/src/other.c"];
    assert.deepEqual(findNamesakes("/home/me/src/main.c", paths), ["/build/src/main.c", "/opt/main.c"]);
  });
});

describe("launch.json", () => {
  const rule = { from: "${workspaceFolder}", to: "/build" };
  const configuration = { name: "api", type: "dapbridge", request: "attach", target: "api", __sessionId: "7" };
  const written = (text: string) => parse(text, [], { allowTrailingComma: true });

  it("is made where there is none, without VS Code's own attributes", () => {
    const launch = written(addRule("", configuration, rule));
    const { __sessionId, ...own } = configuration;
    assert.deepEqual(launch, { version: "0.2.0", configurations: [{ ...own, substitutePath: [rule] }] });
  });

  it("keeps comments, layout and other configurations, and has the new rule first", () => {
    const text = [
      "{",
      "\t// mine",
      '\t"configurations": [',
      '\t\t{ "name": "other", "type": "cppdbg" }, // as it is',
      "\t\t{",
      '\t\t\t"name": "api", "type": "dapbridge",',
      '\t\t\t"substitutePath": [',
      '\t\t\t\t{ "from": "/a", "to": "/b" }, // old',
      "\t\t\t],",
      "\t\t},",
      "\t]",
      "}",
    ].join("\n");
    const after = addRule(text, configuration, rule);
    for (const line of text.split("\n").slice(0, 7)) {
      assert.ok(after.includes(line), `${line} is gone from ${after}`);
    }
    assert.ok(after.includes("// old"));
    assert.deepEqual(written(after).configurations[1].substitutePath, [rule, { from: "/a", to: "/b" }]);
  });

  it("has the rule in place of auto", () => {
    const text = '{ "configurations": [{ "name": "api", "type": "dapbridge", "substitutePath": "auto" }] }';
    assert.deepEqual(written(addRule(text, configuration, rule)).configurations[0].substitutePath, [rule]);
  });

  it("gets a configuration that it hasn't yet, behind the others", () => {
    const text = '{ "version": "0.2.0", "configurations": [{ "name": "other", "type": "cppdbg" }] }';
    const names = written(addRule(text, configuration, rule)).configurations.map((each: { name: string }) => each.name);
    assert.deepEqual(names, ["other", "api"]);
  });
});
