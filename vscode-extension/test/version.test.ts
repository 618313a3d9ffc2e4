import assert from "node:assert/strict";
import { isAtLeast, parseVersion } from "../src/bridge/version.ts";

describe("versions", () => {
  it("are read from what the bridge prints", () => {
    assert.equal(parseVersion("dapbridge, version 0.1.0\n"), "0.1.0");
    assert.equal(parseVersion("dapbridge, version 0.2.0rc1\n"), "0.2.0rc1");
    assert.equal(parseVersion("Python 3.11.2\n"), undefined);
  });

  it("are compared by their numbers", () => {
    assert.ok(isAtLeast("0.10.0", "0.9.9"));
    assert.ok(isAtLeast("1", "0.9"));
    assert.ok(isAtLeast("0.1", "0.1.0"));
    assert.ok(!isAtLeast("0.1.0", "0.1.1"));
    assert.ok(isAtLeast("0.2.0rc1", "0.2.0"));
  });
});
