/**
 * The package as users get it (STYLE habit 15): packed, installed in a throw-away project beside the lowest supported
 * `effect` and nothing optional, every subpath imported, a race run, a consumer type-checked. Needs `dist`.
 */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

interface Manifest {
  readonly exports: Record<string, unknown>
  readonly devDependencies: Record<string, string>
}

const root = path.resolve(import.meta.dirname, "..")
const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as Manifest
const project = fs.mkdtempSync(path.join(os.tmpdir(), "rescind-pack-"))
process.on("exit", () => fs.rmSync(project, { recursive: true }))

const write = (file: string, text: string): void => fs.writeFileSync(path.join(project, file), text)
const run = (command: string, ...args: ReadonlyArray<string>): void => {
  const { status } = spawnSync(command, args, { cwd: project, stdio: "inherit" })
  if (status !== 0) process.exit(1)
}

const pack = spawnSync("npm", ["pack", "--silent", "--pack-destination", project], { cwd: root, encoding: "utf8" })
const dependencies = { rescind: `file:${pack.stdout.trim()}`, effect: manifest.devDependencies["effect"] }
write("package.json", JSON.stringify({ type: "module", private: true, dependencies }))
run("npm", "install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")

const subpaths = Object.entries(manifest.exports)
  .filter(([subpath, target]) => target !== null && !subpath.endsWith(".json"))
  .map(([subpath]) => `rescind${subpath.slice(1)}`)
const internals = fs
  .globSync("**/internal/*.js", { cwd: path.join(project, "node_modules/rescind/dist") })
  .flatMap((file) => [`rescind/${file}`, `rescind/${file.slice(0, -".js".length)}`, `rescind/dist/${file}`])

write(
  "imports.js",
  `for (const subpath of ${JSON.stringify(subpaths)}) {
  if (Object.keys(await import(subpath)).length === 0) throw new Error(subpath + " exports nothing")
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
run(process.execPath, path.join(root, "node_modules/typescript/bin/tsc"), "-p", project)
run(process.execPath, "consumer.ts")

// The lint plugin as `extends` finds it in a project; the declarations name no package of the linters.
write(".oxlintrc.json", JSON.stringify({ extends: ["./node_modules/rescind/lint/recommended.json"] }))
write("sin.ts", `import * as Effect from "effect/Effect"\nexport const page = Effect.promise(() => fetch("/"))\n`)
fs.mkdirSync(path.join(project, ".git"))
const oxlint = spawnSync(
  process.execPath,
  [path.join(root, "node_modules/oxlint/bin/oxlint"), "-f", "unix", "sin.ts"],
  {
    cwd: project,
    encoding: "utf8"
  }
)
if (!oxlint.stdout.includes("sin.ts:2:") || !oxlint.stdout.includes("rescind(pass-the-signal)")) {
  console.error(`The preset does not work in a project:\n${oxlint.stdout}${oxlint.stderr}`)
  process.exit(1)
}
const leaky = fs
  .globSync("dist/**/*.d.ts", { cwd: path.join(project, "node_modules/rescind") })
  .filter((file) => fs.readFileSync(path.join(project, "node_modules/rescind", file), "utf8").includes("oxlint/"))
if (leaky.length > 0) {
  console.error(`These declarations need the types of a linter: ${leaky.join(", ")}`)
  process.exit(1)
}
console.log(
  `packed package: ${subpaths.join(", ")} import, the consumer's types check, its race runs, the lint preset reports`
)
