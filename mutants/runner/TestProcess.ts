/**
 * The process that runs the tests of one copy (`testServer.ts`). It is started when it is first asked, and killed, with
 * all that it started, when a test file takes too long; the next question starts another.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { type ChildProcess, fork } from "node:child_process"
import * as path from "node:path"
import type { Ask, Told } from "./testServer.ts"
import type { FileRun } from "./Verdict.ts"

const server = path.join(import.meta.dirname, "testServer.ts")

/** Milliseconds until what cannot be loaded is given up, and for what is between the tests and the answer. */
const loading = 60_000
const slack = 1000

export class TestProcess {
  private child: ChildProcess | undefined = undefined
  private readonly changed = new Set<string>()
  private readonly copy: string

  private constructor(copy: string) {
    this.copy = copy
  }

  static readonly make = (copy: string): Effect.Effect<TestProcess, never, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.sync(() => new TestProcess(copy)),
      (process) => Effect.sync(() => process.kill())
    )

  /** What vitest has compiled of this source is stale. */
  touch(file: string): void {
    this.changed.add(file)
  }

  /**
   * `timeout`, in milliseconds, is that of a test. None when the tests of the file have not ended after `usual` and two of
   * them, one for the clean-up: long enough for vitest to tell of a test that waits for ever, but not for a loop that never
   * yields. To load the file takes as long as the machine needs.
   */
  run(test: string, timeout: number, usual: number): Effect.Effect<Option.Option<FileRun>> {
    return Effect.callback((resume) => {
      const child = (this.child ??= this.start())
      const tooLong = (): void => {
        this.kill()
        answer(Option.none())
      }
      // oxlint-disable-next-line rescind/no-timer-sleep -- real time, cleared with the answer
      let timer = setTimeout(tooLong, loading)
      const heard = (told: Told): void => {
        if (told._tag === "Ran") return answer(Option.some(told.run))
        clearTimeout(timer)
        // oxlint-disable-next-line rescind/no-timer-sleep -- real time, cleared with the answer
        timer = setTimeout(tooLong, 2 * timeout + 2 * usual + slack)
      }
      const exited = (code: number | null, signal: string | null): void => {
        this.child = undefined
        const message = `the test process ended (${signal ?? code}); see above`
        answer(Option.some({ tests: 0, took: 0, longest: 0, unhandled: { name: "Crash", message } }))
      }
      const withdraw = (): void => {
        clearTimeout(timer)
        child.off("message", heard).off("exit", exited)
      }
      const answer = (run: Option.Option<FileRun>): void => {
        withdraw()
        resume(Effect.succeed(run))
      }
      child.on("message", heard).on("exit", exited)
      child.send({ test, changed: [...this.changed], timeout } satisfies Ask)
      this.changed.clear()
      return Effect.sync(() => {
        withdraw()
        this.kill()
      })
    })
  }

  private start(): ChildProcess {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_OPTIONS)/.test(name)))
    // In a process group of its own, so that what tests start is killed with it.
    return fork(server, {
      cwd: this.copy,
      env,
      execArgv: [],
      detached: true,
      stdio: ["ignore", "ignore", "inherit", "ipc"]
    })
  }

  private kill(): void {
    const child = this.child
    this.child = undefined
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    process.kill(-child.pid, "SIGKILL")
  }
}
