import assert from "node:assert/strict";
import type { Candidate } from "../src/bridge/candidates.ts";
import type { Outcome } from "../src/bridge/run.ts";
import { searchBridge } from "../src/bridge/search.ts";

const candidate = (name: string): Candidate => ({ command: [name], origin: "PATH" });
const said = (stdout: string, code = 0, stderr = ""): Outcome => ({ code, stdout, stderr, problem: undefined });
const search = (outcomes: Record<string, Outcome>) =>
  searchBridge(Object.keys(outcomes).map(candidate), async ([name]) => outcomes[name] ?? said("", 127));

describe("the search for the bridge", () => {
  it("takes the first that will do", async () => {
    const found = await search({
      broken: said("", 1, "Traceback\nModuleNotFoundError: No module named 'dapbridge'"),
      old: said("dapbridge, version 0.0.9\n"),
      good: said("dapbridge, version 0.2.0\n"),
      later: said("dapbridge, version 0.3.0\n"),
    });
    assert.deepEqual(found, { kind: "found", candidate: candidate("good"), version: "0.2.0" });
  });

  it("tells what is wrong with the first that won't", async () => {
    const found = await search({
      broken: said("", 1, "Traceback\nModuleNotFoundError: x"),
      old: said("dapbridge, version 0.0.9\n"),
    });
    assert.deepEqual(found, {
      kind: "broken",
      why: "broken (from PATH) does not run as dapbridge: ModuleNotFoundError: x",
    });
  });

  it("knows one that is too old", async () => {
    const found = await search({ old: said("dapbridge, version 0.0.9\n") });
    assert.deepEqual(found, {
      kind: "old",
      why: "old (from PATH) is version 0.0.9; this extension needs 0.1.0 or newer",
    });
  });

  it("takes another program of the name for none", async () => {
    const found = await search({ other: said("DAP Bridge 7\n") });
    assert.equal(found.kind, "broken");
  });

  it("says when there is none", async () => {
    assert.equal((await search({})).kind, "missing");
  });
});
