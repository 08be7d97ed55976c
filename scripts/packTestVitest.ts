/**
 * The kit from the tarball in a project with a vitest of its own: a test that passes, one that fails, and the report
 * that it prints; the types of `rescind/testing/vitest` as its user sees them. Needs `dist`. It installs vitest, which
 * takes ten seconds, so it is no part of `npm run check`; CI runs it.
 */
import * as path from "node:path"
import { packedProject, root } from "./packedProject.ts"

const { folder, write, run, outputOf } = packedProject("effect", "vitest", "@effect/vitest")

write(
  "cancel.test.ts",
  `import * as Effect from "effect/Effect"
import { Ledger } from "rescind/testing"
import { it } from "rescind/testing/vitest"

const wait = Effect.sleep("1 second")

it.cancelEverywhere("closes its file", Effect.andThen(Ledger.resource("file"), wait))
it.cancelEverywhere("forgets its file", Effect.flatMap(Ledger.opened("file"), (file) => Effect.andThen(wait, Ledger.closed(file))))
it.explore("in any order", Effect.scoped(Ledger.resource("file")), { runs: 20 })
it.leakChecked("leaves nothing", () => Effect.asVoid(Effect.forkChild(wait)))
`
)
const compilerOptions = {
  target: "ES2024",
  module: "NodeNext",
  strict: true,
  noEmit: true,
  types: [],
  skipLibCheck: true
}
write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["cancel.test.ts"] }))
run(process.execPath, path.join(root, "node_modules/typescript/bin/tsc"), "-p", folder)

const vitest = path.join(folder, "node_modules/vitest/vitest.mjs")
const { status, output } = outputOf(process.execPath, vitest, "run", "--reporter=verbose")
const expected = [
  /✓ cancel\.test\.ts > closes its file/,
  /✓ cancel\.test\.ts > in any order/,
  /✓ cancel\.test\.ts > leaves nothing/,
  /× cancel\.test\.ts > forgets its file/,
  /CheckFailed: CancelEverywhere: \d+ runs of a program with \d+ points, \d+ went wrong/,
  /not-released: "file" was opened and never closed/,
  /replay with \{ replay: "\d+" \}/,
  // Where the test stands, and nothing of ours.
  /❯ cancel\.test\.ts:8:4/,
  /Tests {2}1 failed \| 3 passed/
]
const missing = expected.filter((pattern) => !pattern.test(output))
const inside = /node_modules\/rescind/.test(output)
if (status !== 1 || missing.length > 0 || inside) {
  console.error(output)
  console.error(`vitest ended with ${status}; missing in its output: ${missing.join(", ") || "nothing"}`)
  if (inside) console.error("its stack goes through the package")
  process.exit(1)
}
console.log("packed package: under a vitest of its own one check passes, one fails with its report at the user's line")
