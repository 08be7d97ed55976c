/**
 * Processes are real, and so is time: each test waits for what it needs, not for
 * a while. The laws at every step are in KillableProcess.random.test.ts.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { vi } from "vitest"
import * as CancelPolicy from "../../src/fibers/CancelPolicy.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import type { CancelResult } from "../../src/fibers/CancelResult.ts"
import * as KillableProcess from "../../src/fibers/KillableProcess.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Stragglers from "../../src/fibers/Stragglers.ts"
import * as Task from "../../src/fibers/Task.ts"
import { eventually, liveLeakChecked } from "../support/liveLeaks.ts"

// A loaded machine is slow, not wrong.
vi.setConfig({ testTimeout: 30_000 })

/** A folder in which the processes of one test leave notes. */
class Notes {
  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "rescind-process-"))

  /** A shell command; `note x` in it leaves the note x, `note x word` adds a word to it. */
  sh(script: string, options: ChildProcess.CommandOptions = {}): ChildProcess.StandardCommand {
    const note = `note() { echo "$2" >> "${this.folder}/$1"; }; `
    return ChildProcess.make("sh", ["-c", note + script], options)
  }

  read(name: string): string | undefined {
    const file = path.join(this.folder, name)
    return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : undefined
  }

  awaits(name: string): Effect.Effect<string> {
    return Effect.map(
      eventually(
        () => this.read(name) !== undefined,
        () => `the note ${name}`
      ),
      () => this.read(name)!.trim()
    )
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true })
  }
}

const withNotes = <A, E, R>(body: (notes: Notes) => Effect.Effect<A, E, R>) =>
  liveLeakChecked(
    Effect.acquireUseRelease(
      Effect.sync(() => new Notes()),
      body,
      (notes) => Effect.sync(() => notes.remove())
    )
  ).pipe(Effect.provide(NodeServices.layer))

/** Running, and not a zombie that nobody has reaped. */
const alive = (pid: string): boolean => {
  const state = `/proc/${pid}/stat`
  if (fs.existsSync("/proc/self/stat")) {
    return fs.existsSync(state) && !/\) [ZX] /.test(fs.readFileSync(state, "utf8"))
  }
  try {
    return process.kill(Number(pid), 0)
  } catch {
    return false
  }
}

const gone = (pid: string) =>
  eventually(
    () => !alive(pid),
    () => `process ${pid} is gone`
  )

const started = (command: ChildProcess.StandardCommand, options?: KillableProcess.RunOptions) =>
  Effect.flatMap(Nursery.make<Effect.Error<ReturnType<typeof KillableProcess.run>>>(), (nursery) =>
    nursery.spawn("command", KillableProcess.run(command, options))
  )

const millisOf = (result: CancelResult): number =>
  "took" in result ? Duration.toMillis(result.took) : expect.fail(`${result._tag} took no time`)

const throws = (): never => {
  throw new Error("cannot be told")
}

const stubborn = `trap '' TERM; note up $$; while :; do sleep 0.05; done`

describe("KillableProcess, in real time", () => {
  it.live("returns code and output; a command that reads finds an empty input", () =>
    withNotes((notes) =>
      Effect.gen(function* () {
        const both = notes.sh("echo out; echo err >&2; cat")
        expect(yield* KillableProcess.run(both)).toEqual({ exitCode: 0, stdout: "out\n", stderr: "err\n" })
        const input = Stream.make(new TextEncoder().encode("given"))
        expect((yield* KillableProcess.run(notes.sh("cat", { stdin: input }))).stdout).toBe("given")
        const big = yield* KillableProcess.run(notes.sh("head -c 1000000 /dev/zero | tr '\\\\0' x"))
        expect(big.stdout.length).toBe(1_000_000)
        const one = yield* KillableProcess.run(notes.sh("exit 1"), { accept: (code) => code <= 1 })
        expect(one.exitCode).toBe(1)
      })
    )
  )

  it.live("a bad end is typed: by its code and what it said last, by its signal, by why it did not start", () =>
    withNotes((notes) =>
      Effect.gen(function* () {
        const failed = yield* Effect.flip(KillableProcess.run(notes.sh("echo so far; echo disk full >&2; exit 3")))
        expect(failed).toMatchObject({ _tag: "ProcessFailed", exitCode: 3, stdout: "so far\n", stderr: "disk full\n" })
        expect(failed.message).toMatch(/exited with code 3: disk full$/)
        const killed = yield* Effect.flip(KillableProcess.run(notes.sh("kill -KILL $$")))
        expect(killed).toMatchObject({ _tag: "ProcessFailed", signal: "SIGKILL" })
        const missing = yield* Effect.flip(KillableProcess.run(ChildProcess.make("no-such-program")))
        expect(missing).toMatchObject({ _tag: "PlatformError", reason: { _tag: "NotFound" } })
      })
    )
  )

  it.live("K42: SIGTERM ends a command that listens, at once and for real", () =>
    withNotes((notes) =>
      Effect.gen(function* () {
        const task = yield* started(notes.sh("note up $$; exec sleep 77"), { budget: "20 seconds" })
        const pid = yield* notes.awaits("up")
        const result = yield* Task.cancel(task, { reason: CancelReason.request({ by: "ann" }) })
        expect(result).toMatchObject({ _tag: "Cancelled", how: "interrupted", reason: { by: "ann" } })
        expect(alive(pid)).toBe(false)
        expect(millisOf(result)).toBeLessThan(5000)
      })
    )
  )

  it.live("S4x-14 hard: what takes no notice of SIGTERM is killed when its budget is over", () =>
    withNotes((notes) =>
      Effect.gen(function* () {
        const frozen = ChildProcess.make(process.execPath, [
          "-e",
          `process.on("SIGTERM", () => {}); process.stderr.write("up"); while (true) {}`
        ])
        const nursery = yield* Nursery.make<KillableProcess.ProcessFailed>()
        const up = yield* Deferred.make<number>()
        const spins = yield* nursery.spawn(
          "spins",
          Effect.gen(function* () {
            const process = yield* KillableProcess.spawn(frozen, { budget: "200 millis" })
            yield* Stream.runForEach(process.stderr, () => Deferred.succeed(up, process.pid))
          }).pipe(Effect.orDie)
        )
        const sleeps = yield* started(notes.sh(stubborn), { budget: "200 millis" })
        const pids = [String(yield* Deferred.await(up)), yield* notes.awaits("up")]
        const results = yield* Effect.all([Task.cancel(spins), Task.cancel(sleeps)], { concurrency: 2 })
        expect(pids.map(alive)).toEqual([false, false])
        for (const result of results) {
          expect(result).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
          expect(millisOf(result)).toBeGreaterThanOrEqual(199)
          expect(millisOf(result)).toBeLessThan(2000)
        }
      })
    )
  )

  it.live("native: an interrupt of Effect's own spawner waits for such a command for ever", () =>
    withNotes((notes) =>
      Effect.gen(function* () {
        const spawner = yield* ChildProcessSpawner
        const running = yield* Effect.forkChild(spawner.string(notes.sh(stubborn)))
        const pid = yield* notes.awaits("up")
        const interrupting = yield* Effect.forkChild(Fiber.interrupt(running), { startImmediately: true })
        yield* Effect.sleep(500)
        expect([alive(pid), interrupting.pollUnsafe()]).toEqual([true, undefined])
        process.kill(-Number(pid), "SIGKILL")
        yield* Fiber.join(interrupting)
      })
    )
  )

  it.live("the whole group dies: grandchildren of a shell that goes at once, and such as take no notice", () =>
    withNotes((notes) =>
      Effect.gen(function* () {
        const leader = `(trap '' TERM; note deaf $(exec sh -c 'echo $PPID'); while :; do sleep 0.05; done) &
          sleep 77 & note child $!; trap 'exit 0' TERM; note up; wait`
        const task = yield* started(notes.sh(leader), { budget: "200 millis" })
        yield* notes.awaits("up")
        const pids = [yield* notes.awaits("deaf"), yield* notes.awaits("child")]
        expect(pids.map(alive)).toEqual([true, true])
        const result = yield* Task.cancel(task)
        for (const pid of pids) yield* gone(pid)
        expect(millisOf(result)).toBeLessThan(2000)
      })
    )
  )

  it.live(
    "what a command leaves in its group is told and killed too; its output is not waited for beyond the budget",
    () =>
      withNotes((notes) =>
        Effect.gen(function* () {
          const leaves = `sleep 77 & note polite $!; (trap '' TERM; while :; do sleep 0.05; done) & note deaf $!; echo done`
          expect((yield* KillableProcess.run(notes.sh(leaves), { budget: "200 millis" })).stdout).toBe("done\n")
          yield* gone(notes.read("polite")!.trim())
          yield* gone(notes.read("deaf")!.trim())
          // Out of reach, and holds the output open.
          const escaped = notes.sh("setsid sleep 77 & note escaped $!; echo done")
          const [took, { stdout }] = yield* Effect.timed(KillableProcess.run(escaped, { budget: "100 millis" }))
          expect(stdout).toBe("done\n")
          expect(Duration.toMillis(took)).toBeLessThan(5000)
          process.kill(Number(notes.read("escaped")), "SIGKILL")
        })
      )
  )

  it.live("S4x-14 graceful: told at the request, one that ends well in the grace has completed", () =>
    withNotes((notes) =>
      Effect.gen(function* () {
        const saves = `trap 'echo saved; exit 0' TERM; note up; while :; do sleep 0.02; done`
        const task = yield* started(notes.sh(saves))
        yield* notes.awaits("up")
        const result = yield* Task.cancel(task, { grace: "10 seconds" })
        expect(result).toMatchObject({ _tag: "AlreadyCompleted", duringGrace: true })
        expect((yield* Task.join(task)).stdout).toContain("saved\n")
      })
    )
  )

  it.live("S4x-14 graceful: one that dies of the telling, or exits with an error, was cancelled cooperatively", () =>
    withNotes((notes) =>
      Effect.gen(function* () {
        for (const [name, way] of Object.entries({
          dies: "exec sleep 77",
          exits: "trap 'exit 143' TERM; sleep 77 & wait"
        })) {
          const task = yield* started(notes.sh(`note ${name}; ${way}`))
          yield* notes.awaits(name)
          yield* Effect.sleep(20)
          const result = yield* Task.cancel(task, { grace: "10 seconds" })
          expect(result).toMatchObject({ _tag: "Cancelled", how: "cooperative" })
        }
      })
    )
  )

  it.live("told once: neither the end of the grace nor a second cancel signals again", () =>
    withNotes((notes) =>
      Effect.gen(function* () {
        const counts = `trap 'note told' TERM; note up; while :; do sleep 0.02; done`
        const task = yield* started(notes.sh(counts), { budget: "400 millis" })
        yield* notes.awaits("up")
        const first = yield* Effect.forkChild(Task.cancel(task, { grace: "200 millis" }))
        yield* notes.awaits("told")
        const second = yield* Task.cancel(task)
        expect([(yield* Fiber.join(first))._tag, second._tag]).toEqual(["Cancelled", "AlreadyCancelled"])
        expect(notes.read("told")).toBe("\n")
        expect(millisOf(second)).toBeLessThan(2000)

        // Nor when the command ends in the grace and others of its group do not.
        const leaves = `(trap 'note child' TERM; note ready; while :; do sleep 0.02; done) & trap 'exit 0' TERM; wait`
        const other = yield* started(notes.sh(leaves), { budget: "300 millis" })
        yield* notes.awaits("ready")
        expect((yield* Task.cancel(other, { grace: "10 seconds" }))._tag).toBe("AlreadyCompleted")
        expect(notes.read("child")).toBe("\n")
      })
    )
  )

  it.live("tell: the reason reaches the command in a way of its own", () =>
    withNotes(() =>
      Effect.gen(function* () {
        const listens = ChildProcess.make(
          process.execPath,
          [
            "-e",
            `process.stdout.write("up "); process.stdin.on("data", (line) => { console.log("stopped: " + line); process.exit(0) })`
          ],
          { stdin: "pipe" }
        )
        const nursery = yield* Nursery.make<Effect.Error<ReturnType<typeof KillableProcess.run>>>()
        const task = yield* nursery.spawn(
          "listens",
          KillableProcess.run(listens, {
            budget: "10 seconds",
            tell: (reason, process) => Stream.run(Stream.make(new TextEncoder().encode(reason.message)), process.stdin)
          })
        )
        yield* Effect.sleep(20)
        yield* Task.cancel(task, { grace: "10 seconds", reason: CancelReason.request({ message: "not needed" }) })
        expect((yield* Task.join(task)).stdout).toBe("up stopped: not needed\n")
      })
    )
  )

  it.live("a tell that throws leaves no process behind: it is killed at the end of its budget (K42)", () =>
    withNotes((notes) =>
      Effect.gen(function* () {
        for (const policy of [CancelPolicy.immediate, { grace: "50 millis" }] as const) {
          const task = yield* started(notes.sh(`note up $$; exec sleep 77`), { budget: "100 millis", tell: throws })
          const pid = (yield* notes.awaits("up")).split("\n").at(-1)!
          expect((yield* Task.cancel(task, policy))._tag).toBe("Cancelled")
          yield* gone(pid)
        }
      })
    )
  )

  it.live("K12: a giveUp below the budget lists a straggler until the process has really ended", () =>
    liveLeakChecked((leaks) =>
      Effect.gen(function* () {
        const notes = new Notes()
        const task = yield* started(notes.sh(stubborn), { budget: "300 millis" })
        const pid = yield* notes.awaits("up")
        const result = yield* Task.cancel(task, CancelPolicy.merge)
        expect(result).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
        expect((yield* Stragglers.list).map(({ name }) => name)).toEqual(["command"])
        yield* eventually(
          () => leaks.stragglers.size === 0,
          () => "the straggler ends"
        )
        expect(alive(pid)).toBe(false)
        notes.remove()
      })
    ).pipe(Effect.provide(NodeServices.layer))
  )

  it.live("K10: cancelled at its start, whatever was spawned is gone", () =>
    withNotes((notes) =>
      Effect.gen(function* () {
        for (let turns = 0; turns < 6; turns++) {
          const task = yield* started(notes.sh("exec sleep 77"), { budget: "20 seconds" })
          for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
          expect(millisOf(yield* Task.cancel(task))).toBeLessThan(5000)
        }
      })
    )
  )

  it.live("spawn: its streams while the scope is open, its end when the scope closes", () =>
    withNotes((notes) =>
      Effect.gen(function* () {
        const lines = yield* Effect.scoped(
          Effect.gen(function* () {
            const process = yield* KillableProcess.spawn(
              notes.sh("note pid $$; n=0; while :; do n=$((n+1)); echo $n; sleep 0.01; done")
            )
            return yield* process.stdout.pipe(Stream.decodeText, Stream.splitLines, Stream.take(3), Stream.runCollect)
          })
        )
        expect(lines).toEqual(["1", "2", "3"])
        expect(alive(notes.read("pid")!.trim())).toBe(false)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const leaves = `(trap 'note told; exit' TERM; note ready; while :; do sleep 0.02; done) & exit 0`
            yield* KillableProcess.spawn(notes.sh(leaves, { stdout: "ignore" }), { budget: "5 seconds" })
            yield* notes.awaits("ready")
          })
        )
        expect(notes.read("told")).toBe("\n")
      })
    )
  )
})
