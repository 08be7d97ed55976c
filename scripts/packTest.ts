/**
 * The package as users get it (STYLE habit 15): packed, installed in a throw-away project beside the lowest supported
 * `effect` and nothing optional, every subpath imported, a race run, a consumer type-checked, a program cancelled
 * everywhere under Node's own test runner. Needs `dist`.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { manifest, packedProject, root } from "./packedProject.ts"

const { folder, write, run, outputOf } = packedProject("effect")

/** Subpaths that need an optional peer, and which. */
const needs: Record<string, string> = { "rescind/a2a": "@a2a-js/sdk", "rescind/testing/vitest": "@effect/vitest" }

const all = Object.entries(manifest.exports)
  .filter(([subpath, target]) => target !== null && !subpath.endsWith(".json"))
  .map(([subpath]) => `rescind${subpath.slice(1)}`)
const subpaths = all.filter((subpath) => needs[subpath] === undefined)
const internals = fs
  .globSync("**/internal/*.js", { cwd: path.join(folder, "node_modules/rescind/dist") })
  .flatMap((file) => [`rescind/${file}`, `rescind/${file.slice(0, -".js".length)}`, `rescind/dist/${file}`])

write(
  "imports.js",
  `for (const subpath of ${JSON.stringify(subpaths)}) {
  if (Object.keys(await import(subpath)).length === 0) throw new Error(subpath + " exports nothing")
}
for (const [subpath, peer] of ${JSON.stringify(Object.entries(needs))}) {
  const said = await import(subpath).then(() => "it can be imported", (error) => error.message)
  if (!said.includes("'" + peer + "'")) throw new Error(subpath + " should miss " + peer + ", but " + said)
}
for (const internal of ${JSON.stringify(internals)}) {
  const code = await import(internal).then(() => "it can be imported", (error) => error.code)
  if (code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw new Error(internal + " should be closed, but " + code)
}`
)
run(process.execPath, "imports.js")

write(
  "consumer.ts",
  `import * as Effect from "effect/Effect"
import { Race } from "rescind/combinators"
${subpaths.map((subpath, index) => `import type * as all${index} from "${subpath}"`).join("\n")}
export type Everything = [${subpaths.map((_, index) => `typeof all${index}`).join(", ")}]
const report = await Effect.runPromise(Race.firstSuccess({ a: Effect.succeed(1), b: Effect.never }))
const winner: "a" | "b" = report.winner
if (winner !== "a") throw new Error("the race was won by " + winner)`
)
// The library check reads our declarations as a strict user's compiler does.
const compilerOptions = {
  target: "ES2024",
  module: "NodeNext",
  strict: true,
  noEmit: true,
  types: [],
  skipLibCheck: false
}
write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["consumer.ts"] }))
run(process.execPath, path.join(root, "node_modules/typescript/bin/tsc"), "-p", folder)
run(process.execPath, "consumer.ts")

write(
  "safe.test.js",
  `import assert from "node:assert"
import { test } from "node:test"
import * as Effect from "effect/Effect"
import { CancelEverywhere, Ledger } from "rescind/testing"

test("a file that is closed by its scope is safe to cancel", () => {
  const report = CancelEverywhere.run(Effect.andThen(Ledger.resource("file"), Effect.sleep("1 second")))
  assert.deepStrictEqual([report.failures, report.exhausted], [[], true])
})
test("a file that is closed in the next step is not", () => {
  const program = Effect.flatMap(Ledger.opened("file"), (file) =>
    Effect.andThen(Effect.sleep("1 second"), Ledger.closed(file)))
  assert.throws(() => CancelEverywhere.check(program), /not-released: "file" was opened and never closed/)
})`
)
run(process.execPath, "--test", "--test-reporter=dot", "safe.test.js")

// The lint plugin as `extends` finds it in a project; the declarations name no package of the linters.
write(".oxlintrc.json", JSON.stringify({ extends: ["./node_modules/rescind/lint/recommended.json"] }))
write("sin.ts", `import * as Effect from "effect/Effect"\nexport const page = Effect.promise(() => fetch("/"))\n`)
fs.mkdirSync(path.join(folder, ".git"))
const oxlint = outputOf(process.execPath, path.join(root, "node_modules/oxlint/bin/oxlint"), "-f", "unix", "sin.ts")
if (!oxlint.output.includes("sin.ts:2:") || !oxlint.output.includes("rescind(pass-the-signal)")) {
  console.error(`The preset does not work in a project:\n${oxlint.output}`)
  process.exit(1)
}
const leaky = fs
  .globSync("dist/**/*.d.ts", { cwd: path.join(folder, "node_modules/rescind") })
  .filter((file) => fs.readFileSync(path.join(folder, "node_modules/rescind", file), "utf8").includes("oxlint/"))
if (leaky.length > 0) {
  console.error(`These declarations need the types of a linter: ${leaky.join(", ")}`)
  process.exit(1)
}
console.log(
  `packed package: ${subpaths.join(", ")} import, the consumer's types check, its race runs, its node:test cancels everywhere, the lint preset reports`
)
