import assert from "node:assert/strict";
import { configure, configureTarget } from "../src/configurations/attachConfiguration.ts";
import { labelProcess, labelTarget } from "../src/targets/labels.ts";
import { type ListedTarget, parseListing, type TargetProcess } from "../src/targets/listing.ts";

const MAIN: TargetProcess = {
  pid: 1,
  name: "api",
  command: ["/api", "--port", "80"],
  user: "1000:1000",
  language: "c++",
  debugInfo: true,
  main: true,
};
const WORKER: TargetProcess = { ...MAIN, pid: 7, command: ["/api", "--worker"], main: false, debugInfo: false };
const API: ListedTarget = {
  target: "docker://api",
  name: "api",
  id: "0123",
  image: "shop/api:3",
  composeProject: "shop",
  composeService: "api",
  processes: [MAIN, WORKER],
  error: null,
};

describe("the listing", () => {
  it("is read", () => {
    assert.deepEqual(parseListing(JSON.stringify({ version: 1, targets: [API] })), [API]);
  });

  it("of another version is refused", () => {
    assert.throws(() => parseListing('{"version": 2, "targets": []}'), /version 2, and this extension knows 1/);
  });

  it("that is no JSON is refused with its text", () => {
    assert.throws(() => parseListing("Usage: dapbridge"), /printed no JSON: Usage: dapbridge/);
  });
});

describe("labels", () => {
  it("tell a target's image, service, language and processes", () => {
    assert.deepEqual(labelTarget(API), {
      label: "$(package) api",
      description: "shop/api:3 · shop/api",
      detail: "C++ · debug info · /api --port 80 · and 1 more",
    });
  });

  it("tell why a target's processes can't be seen", () => {
    const label = labelTarget({
      ...API,
      processes: [],
      error: "it is paused",
      composeProject: null,
      composeService: null,
    });
    assert.equal(label.detail, "$(warning) it is paused");
    assert.equal(label.description, "shop/api:3");
  });

  it("tell a process", () => {
    assert.deepEqual(labelProcess(WORKER), {
      label: "7 api",
      description: "user 1000:1000",
      detail: "C++ · no debug info · /api --worker",
    });
  });
});

describe("configurations", () => {
  it("of a target are named by its language", () => {
    const expected = { type: "dapbridge", request: "attach", name: "api (C++)", target: "docker://api" };
    assert.deepEqual(configureTarget(API), expected);
  });

  it("name a process only where it isn't the main one", () => {
    assert.equal("process" in configure("api", "docker://api", MAIN), false);
    assert.equal(configure("api", "docker://api", WORKER).process, 7);
  });
});
