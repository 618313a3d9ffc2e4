import assert from "node:assert/strict";
import { findCandidates, type Surroundings } from "../src/bridge/candidates.ts";

function surroundings(files: readonly string[], more: Partial<Surroundings> = {}): Surroundings {
  return {
    settingCommand: [],
    settingPackage: "",
    searchPath: "/usr/bin:/opt/bin",
    home: "/home/me",
    windows: false,
    pythons: ["/ws/.venv/bin/python"],
    canRun: (file) => files.includes(file),
    ...more,
  };
}

const commands = (...args: Parameters<typeof surroundings>) =>
  findCandidates(surroundings(...args)).map((each) => each.command.join(" "));

describe("candidates", () => {
  it("are looked for in PATH, then ~/.local/bin, then the Python environment", () => {
    const files = ["/ws/.venv/bin/dapbridge", "/home/me/.local/bin/dapbridge", "/opt/bin/dapbridge"];
    assert.deepEqual(commands(files), [
      "/opt/bin/dapbridge",
      "/home/me/.local/bin/dapbridge",
      "/ws/.venv/bin/dapbridge",
    ]);
  });

  it("are only the command that is set, which may begin with ~", () => {
    const set = { settingCommand: ["~/bin/dapbridge", "--debug"] };
    assert.deepEqual(commands(["/opt/bin/dapbridge"], set), ["/home/me/bin/dapbridge --debug"]);
  });

  it("are run by uvx and pipx only where a package is named", () => {
    const files = ["/usr/bin/uvx", "/home/me/.local/bin/pipx"];
    assert.deepEqual(commands(files), []);
    assert.deepEqual(commands(files, { settingPackage: "~/dapbridge" }), [
      "/usr/bin/uvx --from /home/me/dapbridge dapbridge",
      "/home/me/.local/bin/pipx run --spec /home/me/dapbridge dapbridge",
    ]);
  });

  it("are each tried once", () => {
    const files = ["/opt/bin/dapbridge"];
    assert.deepEqual(commands(files, { pythons: ["/opt/bin/python"] }), ["/opt/bin/dapbridge"]);
  });
});
