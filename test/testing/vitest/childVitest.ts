/** A vitest of its own on one scenario file, and what its report says. */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"

export const root = path.resolve(import.meta.dirname, "../../..")
const vitest = path.join(root, "node_modules/vitest/vitest.mjs")

export interface ChildRun {
  readonly code: number | null
  readonly output: string
  /** By full name: "passed", "failed" or "skipped". */
  readonly states: Readonly<Record<string, string>>
  readonly failures: Readonly<Record<string, string>>
}

interface JsonReport {
  readonly testResults: ReadonlyArray<{
    readonly assertionResults: ReadonlyArray<{
      readonly fullName: string
      readonly status: string
      readonly failureMessages: ReadonlyArray<string>
    }>
  }>
}

let runs = 0

export const childVitest = (scenario: string, ...args: ReadonlyArray<string>): Promise<ChildRun> =>
  new Promise((resolve) => {
    const json = path.join(root, `.tmp/vitest-${process.pid}-${++runs}.json`)
    fs.mkdirSync(path.dirname(json), { recursive: true })
    const child = startVitest(scenario, "run", "--reporter=default", "--reporter=json", `--outputFile=${json}`, ...args)
    child.on("close", (code) => {
      const report = JSON.parse(fs.readFileSync(json, "utf8")) as JsonReport
      fs.rmSync(json)
      const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults)
      resolve({
        code,
        output: child.output,
        states: Object.fromEntries(tests.map(({ fullName, status }) => [fullName, status])),
        failures: Object.fromEntries(
          tests
            .filter(({ status }) => status === "failed")
            .map(({ fullName, failureMessages }) => [fullName, failureMessages.join("\n")])
        )
      })
    })
  })

/** `output` grows while it runs: both streams, without colours. */
export const startVitest = (
  scenario: string,
  command: "run" | "watch",
  ...args: ReadonlyArray<string>
): ReturnType<typeof spawn> & { output: string } => {
  const config = path.join(import.meta.dirname, "scenarios/vitest.config.ts")
  const child = spawn(process.execPath, [vitest, command, scenario, "--config", config, "--no-color", ...args], {
    cwd: root,
    env: {
      ...process.env,
      NO_COLOR: "1",
      FORCE_COLOR: "",
      CI: "",
      VITEST: "",
      VITEST_WORKER_ID: "",
      VITEST_POOL_ID: ""
    },
    stdio: ["pipe", "pipe", "pipe"]
  })
  const started = Object.assign(child, { output: "" })
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (started.output += chunk.toString()))
  }
  return started
}
