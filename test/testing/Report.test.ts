import { describe, expect, it } from "vitest"
import type { Finding } from "../../src/testing/Finding.ts"
import * as Ledger from "../../src/testing/Ledger.ts"
import * as Report from "../../src/testing/Report.ts"

const leak: Finding = { kind: "not-released", message: `"db" was opened and never closed` }
const reason = { source: "request", message: "stop" } as const

const failure = (
  findings: ReadonlyArray<Finding>,
  point: number | undefined,
  details: ReadonlyArray<string> = [],
  journal: ReadonlyArray<string> = []
): Report.Failure => {
  const ledger = new Ledger.Ledger(() => 0)
  ledger.journal.push(...journal)
  const cancelled = point === undefined ? undefined : { point, at: 0, reason }
  const trial = { outcome: undefined, cancelled, ledger, points: 30, steps: 40, took: 0, findings }
  return { trial, findings, replay: String(point ?? "-"), details }
}

const report = (failures: ReadonlyArray<Report.Failure>, runs = 32): Report.Report => ({
  checker: "CancelEverywhere",
  points: 30,
  runs,
  steps: 1_000,
  exhausted: true,
  failures
})

describe("Report.format", () => {
  it("nothing wrong: one line", () => {
    expect(Report.format(report([]))).toBe("CancelEverywhere: 32 runs of a program with 30 points, nothing wrong")
    expect(Report.format({ ...report([], 1), points: 1 })).toBe(
      "CancelEverywhere: 1 run of a program with 1 point, nothing wrong"
    )
  })

  it("failures that say the same are told once, with all of their points and what is known of the first", () => {
    const failures = [
      failure([leak], 4, ["point 4: before `open()` at db.ts:7"], ["0 opened db"]),
      ...[5, 5, 6, 9].map((point) => failure([leak], point))
    ]
    expect(Report.format(report(failures))).toBe(
      [
        "CancelEverywhere: 32 runs of a program with 30 points, 5 went wrong",
        "",
        "cancelled at points 4 to 6, 9:",
        `  not-released: "db" was opened and never closed`,
        "  point 4: before `open()` at db.ts:7",
        "  journal (virtual ms):",
        "    0 opened db",
        `  replay with { replay: "4" }`
      ].join("\n")
    )
    const also = [failure([leak], undefined), failure([leak], 3)]
    expect(Report.format(report(also))).toContain("\n\nwithout a cancel, and cancelled at point 3:\n")
  })

  it("a message of several lines stays below its kind", () => {
    const multiline: Finding = { kind: "invariant", message: "expected\n\n- 1\n+ 2" }
    expect(Report.format(report([failure([multiline], undefined)]))).toContain(
      ["without a cancel:", "  invariant: expected", "", "    - 1", "    + 2", "  replay with"].join("\n")
    )
  })

  it("three kinds of failure and the last twenty lines of a journal fit on a screen", () => {
    const journal = Array.from({ length: 25 }, (_, index) => `0 line ${index}`)
    const kinds = ["slow", "stuck", "fiber-left", "timer-left", "invariant"] as const
    const text = Report.format(report(kinds.map((kind) => failure([{ kind, message: "so" }], 1, [], journal))))
    expect(text).toContain("    (5 earlier lines)\n    0 line 5\n")
    expect(text.endsWith("\n\nand 2 more kinds of failure")).toBe(true)
  })
})
