/**
 * The process that runs the tests of one copy (`testServer.ts`). It is started when it is first asked, and killed, with
 * all that it started, when a test file takes too long; the next question starts another.
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { type ChildProcess, fork } from "node:child_process"
import * as path from "node:path"
import type { Ask } from "./testServer.ts"
import type { FileRun } from "./Verdict.ts"

const server = path.join(import.meta.dirname, "testServer.ts")

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
   * `timeout`, in milliseconds, is that of a test. None when the whole file has not ended after two of them: long enough
   * for vitest to tell of a test that waits for ever, but not for a loop that never yields.
   */
  run(test: string, timeout: number): Effect.Effect<Option.Option<FileRun>> {
    return Effect.timeoutOption(this.ask(test, timeout), 2 * timeout + 500)
  }

  private ask(test: string, timeout: number): Effect.Effect<FileRun> {
    return Effect.callback<FileRun>((resume) => {
      const child = (this.child ??= this.start())
      const answered = (told: FileRun): void => {
        child.off("exit", exited)
        resume(Effect.succeed(told))
      }
      const exited = (code: number | null, signal: string | null): void => {
        this.child = undefined
        const message = `the test process ended (${signal ?? code}); see above`
        resume(Effect.succeed({ tests: 0, took: 0, unhandled: { name: "Crash", message } }))
      }
      child.once("message", answered)
      child.once("exit", exited)
      child.send({ test, changed: [...this.changed], timeout } satisfies Ask)
      this.changed.clear()
      return Effect.sync(() => {
        child.off("message", answered).off("exit", exited)
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
