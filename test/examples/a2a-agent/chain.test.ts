/** `npm run a2a:chain` as a process, in real time. */
import { spawn } from "node:child_process"
import { describe, expect, it } from "vitest"

const run = (env: Record<string, string>): Promise<{ readonly code: number | null; readonly printed: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ["src/examples/a2a-agent/chain.ts"], { env: { ...process.env, ...env } })
    let printed = ""
    child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (printed += chunk.toString()))
    child.on("close", (code) => resolve({ code, printed }))
  })

describe("a2a:chain (real time)", () => {
  it(
    "the cancel of the caller stops the last of three agents first, with its reason",
    { timeout: 30_000 },
    async () => {
      const { code, printed } = await run({ WORK_MILLIS: "20" })
      expect(printed).toMatch(/The last one stopped \d+ ms after the caller was cancelled/)
      const stops = printed.match(/^.*has stopped.*$/gm)!.map((line) => line.replace(/^\s*\d+ ms\s+/, ""))
      expect(stops).toEqual([
        "third   has stopped: not needed any more (by ann)",
        "second  has stopped: not needed any more (by ann)",
        "first   has stopped: not needed any more (by ann)"
      ])
      expect(code).toBe(0)
    }
  )

  it("a wrong setting is named", { timeout: 30_000 }, async () => {
    const { code, printed } = await run({ WORK_MILLIS: "soon" })
    expect(printed).toContain("WORK_MILLIS")
    expect(code).toBe(1)
  })
})
