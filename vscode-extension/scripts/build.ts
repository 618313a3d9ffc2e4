// Bundles the extension into one file, dist/extension.cjs; `vscode` is the editor's own. The license lies beside it.
import { copyFile } from "node:fs/promises";
import { build } from "esbuild";

await build({
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.cjs",
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node18",
  external: ["vscode"],
  mainFields: ["module", "main"],
  minify: true,
  sourcemap: "linked",
  logLevel: "warning",
});

await copyFile("../LICENSE", "LICENSE");
