/**
 * The checkers as tests of vitest, seen as a user sees them: a vitest of its own runs a scenario file, and what it
 * reports is compared.
 */
import type { ChildProcess } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { describe, expect, it } from "vitest"
import { type ChildRun, childVitest, root, startVitest } from "./childVitest.ts"

/** Lines of a stack. */
const stackOf = (failure: string): ReadonlyArray<string> => failure.split("\n").filter((line) => /^\s+at /.test(line))

const lineWith = (scenario: string, text: string): number => {
  const file = path.join(import.meta.dirname, "scenarios", scenario)
  return (
    fs
      .readFileSync(file, "utf8")
      .split("\n")
      .findIndex((line) => line.includes(text)) + 1
  )
}

const passed = ({ states }: ChildRun): ReadonlyArray<string> =>
  Object.keys(states).filter((name) => states[name] === "passed")

// Each starts a vitest.
describe.concurrent("rescind/testing/vitest", { timeout: 180_000 }, () => {
  it("checks pass, fail, are skipped and expected to fail as tests do; a failure is the report, at the line of the test", async () => {
    const run = await childVitest("checks.scenario")
    const ofTheKit = Object.keys(run.states).filter((name) => name.startsWith("laws of the kit:"))
    expect(ofTheKit.length).toBeGreaterThan(1)
    expect(run.states).toEqual({
      ...Object.fromEntries(ofTheKit.map((name) => [name, "passed"])),
      "cancelEverywhere passes": "passed",
      "cancelEverywhere fails": "failed",
      "cancelEverywhere is allowed": "passed",
      "cancelEverywhere a function makes each": "passed",
      "cancelEverywhere is skipped": "skipped",
      "cancelEverywhere is expected to fail": "passed",
      "cancelEverywhere is skipped if": "skipped",
      "cancelEverywhere does not run if": "skipped",
      "cancelEverywhere sleeps 1 ms": "passed",
      "cancelEverywhere sleeps 2 ms": "passed",
      "cancelEverywhere has a bad option": "failed",
      "explore passes": "passed",
      "explore fails": "failed",
      "fixtures are given to the program": "passed",
      "fixtures beside the case 1": "passed",
      "fixtures beside the case 2": "passed",
      "fixtures are not for an effect": "passed",
      "fixtures are given under a leak check": "passed",
      "fixtures and to a plain test": "passed",
      "a subject a law that holds": "passed",
      "a subject a law that is broken": "failed"
    })
    expect(run.code).toBe(1)

    const leak = run.failures["cancelEverywhere fails"]!
    expect(leak).toMatch(/^CheckFailed: CancelEverywhere: \d+ runs of a program with \d+ points, \d+ went wrong\n/)
    expect(leak).toContain('not-released: "file" was opened and never closed')
    expect(leak).toMatch(/replay with \{ replay: "\d+" \}/)
    expect(stackOf(leak)).toEqual([
      expect.stringContaining(`checks.scenario.ts:${lineWith("checks.scenario.ts", 'cancelEverywhere("fails"')}:`)
    ])
    const twice = run.failures["explore fails"]!
    expect(twice).toContain('released-twice: "db" was closed 2 times')
    expect(stackOf(twice)).toEqual([
      expect.stringContaining(`checks.scenario.ts:${lineWith("checks.scenario.ts", 'explore("fails"')}:`)
    ])
    expect(run.failures["cancelEverywhere has a bad option"]).toContain("maxRuns must be a whole number")
    expect(run.failures["a subject a law that is broken"]).toContain("broken by the subject")
    // The report is said once, and nowhere as data.
    expect(run.output.split("was opened and never closed").length - 1).toBe(1)
    expect(run.output).not.toContain("Serialized Error")
  })

  it("-t selects a check by its name", async () => {
    const run = await childVitest("checks.scenario", "-t", "sleeps 2 ms")
    expect([passed(run), run.code]).toEqual([["cancelEverywhere sleeps 2 ms"], 0])
  })

  it("only leaves the one that it marks, be it a check or a plain test", async () => {
    const run = await childVitest("only.scenario")
    expect([passed(run), run.code]).toEqual([
      ["one of cancelEverywhere second", "one of explore first", "one of leakChecked second", "one plain test first"],
      0
    ])
  })

  it("a leak fails the test and is named; a test whose time runs out shows the tree of tasks", async () => {
    const run = await childVitest("leaks.scenario")
    expect(Object.keys(run.failures)).toEqual([
      "leakChecked detaches",
      "leakChecked leaves timers",
      "time-outs hangs",
      "time-outs does not even stop"
    ])
    const leak = run.failures["leakChecked detaches"]!
    expect(leak).toMatch(/left behind:\n {2}fiber #\d+ outside of any task, span "poll"/)
    expect(stackOf(leak)).toEqual([
      expect.stringContaining(`leaks.scenario.ts:${lineWith("leaks.scenario.ts", 'leakChecked("detaches"')}:`)
    ])
    expect(run.failures["leakChecked leaves timers"]).toMatch(/open in Node: [45] Timeout/)
    expect(run.output).toContain(
      [
        "It was interrupted while this ran, at 0 ms of the test clock:",
        "root (root) running",
        "  crawl (nursery) running",
        "    body (body) running for 0 ms",
        "    page 1 (task) running for 0 ms",
        "    page 2 (task) running for 0 ms"
      ].join("\n")
    )
    expect(run.output).toContain('gate "page loaded" was left closed: 1 fiber waits there')
    // Its failure has been reported by then; a live test has its time from the real clock.
    expect(run.output).toContain("It was interrupted while this ran:\nroot (root) running")
    expect(run.output).toContain("One second later this has still not stopped:\nroot (root) running")
  })

  it("watch mode runs a check again when its file changes", async () => {
    const folder = path.join(root, `.tmp/watched-${process.pid}`)
    const file = path.join(folder, "watched.scenario.ts")
    const write = (name: string): void =>
      fs.writeFileSync(
        file,
        `import * as Effect from "effect/Effect"
import { it } from "rescind/testing/vitest"
it.cancelEverywhere("${name}", Effect.sleep(1))
`
      )
    fs.mkdirSync(folder, { recursive: true })
    write("first name")
    const child = startVitest("watched.scenario", "watch", "--reporter=verbose")
    try {
      await said(child, "first name")
      await said(child, "Waiting for file changes")
      write("second name")
      await said(child, "second name")
      expect(child.output.indexOf("second name")).toBeGreaterThan(child.output.indexOf("Waiting for file changes"))
    } finally {
      child.kill("SIGKILL")
      fs.rmSync(folder, { recursive: true })
    }
  })
})

/** Waits, without a bound of its own, until the output has the text. */
const said = (child: ChildProcess & { readonly output: string }, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const look = (): void => {
      if (!child.output.includes(text)) return
      child.stdout!.off("data", look)
      resolve()
    }
    child.stdout!.on("data", look)
    child.once("exit", () => reject(new Error(`it ended before it said "${text}": ${child.output}`)))
    look()
  })
