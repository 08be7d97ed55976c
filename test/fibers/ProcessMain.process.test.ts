/** Real signals to a real process, in real time. */
import { spawn } from "node:child_process"
import * as path from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"

const fixture = path.join(import.meta.dirname, "scripts/untilSignal.ts")

const launch = (program: string) =>
  Effect.gen(function* () {
    const child = spawn(process.execPath, [fixture, program], { stdio: ["ignore", "pipe", "pipe"] })
    yield* Effect.addFinalizer(() => Effect.sync(() => child.kill("SIGKILL")))
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    const ended = new Promise<ReadonlyArray<unknown>>((resolve) => child.on("close", (...how) => resolve(how)))
    return {
      kill: (signal: NodeJS.Signals) => Effect.sync(() => void child.kill(signal)),
      says: (text: string) =>
        Effect.gen(function* () {
          while (!stdout.includes(text)) yield* Effect.sleep(5)
        }),
      ended: Effect.promise(() => ended),
      stderr: () => stderr
    }
  })

describe("A process that ProcessMain runs", () => {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const) {
    it.live(`lives until ${signal} though nothing holds its event loop, and exits with ${code} (S1-58, S1x-13)`, () =>
      Effect.gen(function* () {
        const { ended, kill, says, stderr } = yield* launch("waits")
        yield* says("up")
        yield* kill(signal)
        expect(yield* ended).toEqual([code, null])
        expect(stderr()).toBe("")
      })
    )
  }

  it.live("exits when its program has ended, though something holds its event loop", () =>
    Effect.gen(function* () {
      const [returns, fails, dies] = [yield* launch("returns"), yield* launch("fails"), yield* launch("dies")]
      expect(yield* returns.ended).toEqual([7, null])
      expect(yield* fails.ended).toEqual([1, null])
      expect(fails.stderr()).toMatch(/FATAL.*The program failed[^]*no config/)
      expect(yield* dies.ended).toEqual([1, null])
      expect(dies.stderr()).toMatch(/FATAL.*The program failed[^]*Error: bug/)
    })
  )

  it.live("exits at the second signal though its program hangs, and at its limit without one (S1x-25)", () =>
    Effect.gen(function* () {
      const [hangs, slow] = [yield* launch("hangs"), yield* launch("slow")]
      yield* slow.says("up")
      yield* slow.kill("SIGTERM")
      yield* hangs.says("up")
      yield* hangs.kill("SIGTERM")
      yield* hangs.says("told")
      yield* hangs.kill("SIGINT")
      expect(yield* hangs.ended).toEqual([130, null])
      expect(hangs.stderr()).toMatch(/^SIGINT after SIGTERM: exit at once\. This was still running:\n/)
      expect(yield* slow.ended).toEqual([75, null])
      expect(slow.stderr()).toMatch(/^Timeout of 300ms: exit at once\./)
    })
  )
})
