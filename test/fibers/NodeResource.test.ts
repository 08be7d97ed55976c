import * as NodeStream from "@effect/platform-node/NodeStream"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { EventEmitter, once } from "node:events"
import * as http from "node:http"
import * as net from "node:net"
import { PassThrough, Readable } from "node:stream"
import * as Bridge from "../../src/fibers/Bridge.ts"
import { CancelAbortError } from "../../src/fibers/CancelAbortError.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as NodeResource from "../../src/fibers/NodeResource.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Stragglers from "../../src/fibers/Stragglers.ts"
import * as Task from "../../src/fibers/Task.ts"
import { textOf } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const byAnn = CancelReason.request({ by: "ann", message: "not needed" })

const told = (error: unknown): string =>
  error instanceof CancelAbortError ? textOf(error.reason) : `no reason: ${String(error)}`

/** Runs the effect as task "job" and gives the handle to the test. */
const asTask = <A, E, B, E2>(
  effect: Effect.Effect<A, E>,
  test: (task: Task.Task<A, E>) => Effect.Effect<B, E2>
): Effect.Effect<unknown, unknown> =>
  Nursery.supervise("top", (nursery: Nursery.Nursery<E>) =>
    Effect.gen(function* () {
      return yield* test(yield* nursery.spawn("job", effect))
    })
  )

/** What the other side sees: a server on a free port, and how each of its connections ended. */
const listening = (onConnection: (socket: net.Socket) => void = () => {}) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const sockets = new Set<net.Socket>()
      const server = net.createServer((socket) => {
        sockets.add(socket)
        socket.on("error", () => {})
        socket.on("close", () => sockets.delete(socket))
        socket.resume()
        onConnection(socket)
      })
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      return { server, sockets, port: (server.address() as net.AddressInfo).port }
    }),
    ({ server, sockets }) =>
      Effect.promise(async () => {
        for (const socket of sockets) socket.destroy()
        server.close()
        await once(server, "close")
      })
  )

/** In real time: until it is so. */
const until = (condition: () => boolean, within = 2000): Effect.Effect<number> =>
  Effect.promise(async () => {
    const start = performance.now()
    while (!condition()) {
      if (performance.now() - start > within) throw new Error("it never came")
      // oxlint-disable-next-line rescind/no-timer-sleep -- real time, of sockets
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    return performance.now() - start
  })

const listeners = (emitter: EventEmitter): ReadonlyArray<number> =>
  ["error", "close", "readable", "end", "connection"].map((event) => emitter.listenerCount(event))

const dataOf = (socket: EventEmitter): Effect.Effect<string> =>
  Bridge.fromCallback<string>((resume) => {
    const listener = (data: Buffer) => resume(Effect.succeed(data.toString()))
    socket.once("data", listener)
    return Effect.sync(() => socket.off("data", listener))
  })

const silent = () => new PassThrough({ emitClose: false })

const read = (readable: Readable) =>
  Effect.flip(Stream.runDrain(NodeResource.fromReadable(() => readable, { catch: (error) => String(error) })))

describe("NodeResource.use", () => {
  it.effect(
    "a socket is destroyed with the reason on cancel; the server sees it close, in real time (S1-38, K20)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const { port, sockets } = yield* listening()
          let socket: net.Socket | undefined
          const errors: Array<string> = []
          const body = NodeResource.use(
            Effect.sync(() => (socket = net.connect(port, "127.0.0.1"))),
            (socket) => {
              socket.on("error", (error) => errors.push(told(error)))
              return dataOf(socket)
            }
          )
          yield* asTask(body, (task) =>
            Effect.gen(function* () {
              yield* until(() => sockets.size === 1)
              const asked = performance.now()
              expect(yield* Task.cancel(task, { reason: byAnn })).toMatchObject({ _tag: "Cancelled" })
              expect(socket!.closed).toBe(true)
              yield* until(() => sockets.size === 0)
              expect(performance.now() - asked).toBeLessThan(100)
              expect(errors).toEqual(["request by ann of job"])
              expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", cleanupFailures: [] })
            })
          )
          socket!.removeAllListeners("error")
          expect(socket!.listenerCount("close")).toBe(0)
        })
      ),
    // The bound of 100 ms is the requirement's; a machine that is busy may miss it.
    { retry: 3 }
  )

  it.effect("a read that nothing can interrupt ends because the socket does, as a cancel, in real time (S3x-07)", () =>
    leakChecked(
      Effect.gen(function* () {
        const { port, sockets } = yield* listening()
        let seen: unknown
        const body = NodeResource.use(
          Effect.sync(() => net.connect(port, "127.0.0.1")),
          (socket) =>
            Effect.uninterruptible(
              Effect.onError(
                Effect.tryPromise(() => once(socket, "data")),
                (cause) =>
                  Effect.sync(() => {
                    seen = (Cause.squash(cause) as Cause.UnknownError).cause
                  })
              )
            )
        )
        yield* asTask(body, (task) =>
          Effect.gen(function* () {
            yield* until(() => sockets.size === 1)
            expect(yield* Task.cancel(task, { reason: byAnn })).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
            expect(told(seen)).toBe("request by ann of job")
            expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", cleanupFailures: [] })
          })
        )
      })
    )
  )

  it.effect("used to its end it is destroyed without an error, and closed when the value comes, in real time", () =>
    leakChecked(
      Effect.gen(function* () {
        const { port } = yield* listening((socket) => socket.write("hello"))
        let socket: net.Socket | undefined
        const value = yield* NodeResource.use(
          Effect.sync(() => (socket = net.connect(port, "127.0.0.1"))),
          dataOf
        )
        expect(value).toBe("hello")
        expect([socket!.closed, socket!.errored]).toEqual([true, null])
        expect(listeners(socket!)).toEqual([0, 0, 0, 0, 0].map((_, index) => (index === 3 ? 1 : 0)))
      })
    )
  )

  it.effect("an error that nobody listens to fails the user instead of the process, in real time", () =>
    leakChecked(
      Effect.gen(function* () {
        const { port, server } = yield* Effect.scoped(listening())
        expect(server.listening).toBe(false)
        const refused = NodeResource.use(
          Effect.sync(() => net.connect(port, "127.0.0.1")),
          (socket) => dataOf(socket),
          { name: "db" }
        )
        const error = yield* Effect.flip(refused)
        expect(error).toBeInstanceOf(NodeResource.ResourceFailed)
        expect(error).toMatchObject({ resource: "db", cause: { code: "ECONNREFUSED" } })
        expect(error.message).toMatch(/^"db" failed while in use: connect ECONNREFUSED/)
      })
    )
  )

  it.effect("an error that the user listens to is the user's, in real time", () =>
    leakChecked(
      Effect.gen(function* () {
        const { port } = yield* Effect.scoped(listening())
        const refused = NodeResource.use(
          Effect.sync(() => net.connect(port, "127.0.0.1")),
          (socket) =>
            Effect.tryPromise({
              try: () => once(socket, "connect"),
              catch: (error) => (error as { readonly code: string }).code
            })
        )
        expect(yield* Effect.flip(refused)).toBe("ECONNREFUSED")
      })
    )
  )

  it.effect("one that closes by itself first is not waited for again, in real time", () =>
    leakChecked(
      Effect.gen(function* () {
        const { port } = yield* listening((socket) => socket.end())
        const closed = NodeResource.use(
          Effect.sync(() => net.connect(port, "127.0.0.1")),
          (socket) => Effect.promise(() => once(socket.resume(), "close"))
        )
        expect(yield* closed).toEqual([false])
        const gone = new PassThrough()
        gone.destroy()
        yield* Effect.promise(() => once(gone, "close"))
        expect(
          yield* NodeResource.use(
            Effect.sync(() => gone),
            () => Effect.succeed("seen")
          )
        ).toBe("seen")
        expect(listeners(gone)).toEqual(listeners(new PassThrough()))
      })
    )
  )

  it.effect("one that emits no close is seen to have closed, in real time", () =>
    leakChecked(
      Effect.gen(function* () {
        expect(yield* NodeResource.use(Effect.sync(silent), () => Effect.succeed(1))).toBe(1)
        let stream: PassThrough | undefined
        const body = NodeResource.use(
          Effect.sync(() => (stream = silent())),
          () => Effect.never
        )
        yield* asTask(body, (task) => Effect.andThen(settle, Task.cancel(task, { reason: byAnn })))
        expect(told(stream!.errored)).toBe("request by ann of job")
        expect(stream!.listenerCount("error")).toBe(0)
      })
    )
  )

  it.effect("a server is closed with its open connections, in real time", () =>
    leakChecked(
      Effect.gen(function* () {
        let seen = 0
        for (const make of [
          () => net.createServer(() => seen++),
          () => http.createServer((_request, response) => void (seen++, response.write("never ends")))
        ]) {
          seen = 0
          let server: net.Server | undefined
          const body = NodeResource.use(
            Effect.sync(() => (server = make().listen(0, "127.0.0.1"))),
            () => Effect.never,
            { name: "server" }
          )
          yield* asTask(body, (task) =>
            Effect.gen(function* () {
              yield* until(() => server?.listening === true)
              const client = net.connect((server!.address() as net.AddressInfo).port, "127.0.0.1")
              client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
              yield* until(() => seen === 1)
              const closed = once(client.resume(), "close")
              yield* Task.cancel(task, { reason: byAnn })
              expect(server!.listening).toBe(false)
              yield* Effect.promise(() => closed)
            })
          )
        }
      })
    )
  )

  /** Closes when the test says so. */
  class Slow extends EventEmitter {
    destroyed = 0
    error: Error | undefined
    destroy(error?: Error): void {
      this.destroyed++
      this.error = error
      if (error !== undefined) this.emit("error", error)
    }
  }

  it.effect("the cancel waits for its close, at most closeWithin; then it is a straggler until it closes (K1)", () =>
    leakChecked(
      Effect.gen(function* () {
        for (const closeWithin of [undefined, "1 second"] as const) {
          const slow = new Slow()
          const body = NodeResource.use(Effect.succeed(slow), () => Effect.never, { name: "slow", closeWithin })
          yield* asTask(body, (task) =>
            Effect.gen(function* () {
              yield* settle
              const cancel = yield* Effect.forkChild(Task.cancel(task, { reason: byAnn }))
              yield* TestClock.adjust(999)
              expect(cancel.pollUnsafe()).toBeUndefined()
              yield* TestClock.adjust(1)
              expect(slow.destroyed).toBe(1)
              if (closeWithin === undefined) expect(cancel.pollUnsafe()).toBeUndefined()
              else {
                yield* Fiber.join(cancel)
                expect((yield* Stragglers.list).map(({ path, reason }) => `${path}: ${textOf(reason)}`)).toEqual([
                  "top/job/slow/body/slow: request by ann of job"
                ])
              }
              slow.emit("close")
              yield* Fiber.join(cancel)
              expect(yield* Stragglers.list).toEqual([])
              expect(listeners(slow)).toEqual([0, 0, 0, 0, 0])
            })
          )
        }
      })
    )
  )

  it.effect("an error of its own while it closes is a failure of clean-up; a cancel stays one (K16)", () =>
    leakChecked(
      Effect.gen(function* () {
        class Broken extends Slow {
          override destroy(error?: Error): void {
            super.destroy(error)
            this.emit("error", new Error("flush failed"))
            this.emit("close")
          }
        }
        const body = NodeResource.use(
          Effect.sync(() => new Broken()),
          () => Effect.never,
          { name: "file" }
        )
        yield* asTask(body, (task) =>
          Effect.gen(function* () {
            yield* settle
            yield* Task.cancel(task, { reason: byAnn })
            const outcome = yield* Task.await(task)
            expect(outcome._tag).toBe("Cancelled")
            expect(outcome.cleanupFailures.map(({ scope, cause }) => [scope, String(Cause.squash(cause))])).toEqual([
              ["file", "Error: flush failed"]
            ])
          })
        )
      })
    )
  )

  it.effect(
    "when it fails beside a user who is blocked, the user reads sibling-failed and the failure stays typed (K19)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const slow = new Slow()
          let read: string | undefined
          const body = NodeResource.use(Effect.succeed(slow), () =>
            Effect.onInterrupt(Effect.never, () =>
              Effect.flatMap(CancelReason.current, (reason) =>
                Effect.sync(() => {
                  read = reason._tag === "None" ? "nothing" : textOf(reason.value)
                })
              )
            )
          )
          const fiber = yield* Effect.forkChild(Effect.flip(body))
          yield* settle
          slow.emit("error", new Error("reset"))
          slow.emit("close")
          expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "ResourceFailed", cause: new Error("reset") })
          expect(read).toBe("sibling-failed by stop of resource")
        })
      )
  )
})

describe("what no cancel could end", () => {
  it.effect("without `destroy` and `close` it is a defect before the user starts, not a wait for ever", () =>
    leakChecked(
      Effect.gen(function* () {
        const use = NodeResource.use(Effect.succeed(new EventEmitter()), () => Effect.die("it started"))
        const exit = yield* Effect.exit(use)
        expect(exit._tag === "Failure" && Cause.squash(exit.cause)).toBeInstanceOf(TypeError)
      })
    )
  )
})

describe("a request under way", () => {
  it.effect(
    "its server sees it aborted, and no socket is left, in real time (S2-57, S1-38)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          let asked = 0
          let aborted = 0
          const sockets = new Set<net.Socket>()
          const server = http.createServer((request) => {
            asked++
            request.on("close", () => aborted++)
          })
          server.on("connection", (socket) => {
            sockets.add(socket)
            socket.on("close", () => sockets.delete(socket))
          })
          yield* Effect.acquireRelease(
            Effect.promise(() => once(server.listen(0, "127.0.0.1"), "listening")),
            () => Effect.promise(() => once(server.close(), "close"))
          )
          const { port } = server.address() as net.AddressInfo
          let signal: AbortSignal | undefined
          const body = Bridge.fromPromise((given) => fetch(`http://127.0.0.1:${port}/`, { signal: (signal = given) }))
          yield* asTask(body, (task) =>
            Effect.gen(function* () {
              yield* until(() => asked === 1)
              const start = performance.now()
              yield* Task.cancel(task, { reason: byAnn })
              yield* until(() => aborted === 1 && sockets.size === 0)
              expect(performance.now() - start).toBeLessThan(100)
              expect(told(signal!.reason)).toBe("request by ann of job")
            })
          )
        })
      ),
    // The bound of 100 ms is the requirement's; a machine that is busy may miss it.
    { retry: 3 }
  )
})

describe("NodeResource.fromReadable", () => {
  it.effect("gives all there is, then ends and has closed", () =>
    leakChecked(
      Effect.gen(function* () {
        const readable = Readable.from(["a", "b", "c"])
        const all = yield* Stream.runCollect(NodeResource.fromReadable<string>(() => readable))
        expect(all).toEqual(["a", "b", "c"])
        expect([readable.closed, readable.errored]).toEqual([true, null])
        expect(listeners(readable).slice(0, 3)).toEqual([0, 0, 0])
        const empty = yield* Stream.runCollect(NodeResource.fromReadable(() => Readable.from([])))
        expect(empty).toEqual([])
      })
    )
  )

  it.effect("a consumer that is cancelled destroys it with the reason and waits for its close (K20, S2-20)", () =>
    leakChecked(
      Effect.gen(function* () {
        const through = new PassThrough()
        const seen: Array<string> = []
        const body = Stream.runForEach(
          NodeResource.fromReadable(() => through),
          (chunk) => Effect.sync(() => seen.push(String(chunk)))
        )
        yield* asTask(body, (task) =>
          Effect.gen(function* () {
            yield* settle
            through.write("one")
            yield* settle
            yield* Task.cancel(task, { reason: byAnn })
            expect(through.closed).toBe(true)
          })
        )
        expect(seen).toEqual(["one"])
        expect(told(through.errored)).toBe("request by ann of job")
        expect(listeners(through)).toEqual(listeners(new PassThrough()))
      })
    )
  )

  it.effect("a consumer that has enough destroys it without an error", () =>
    leakChecked(
      Effect.gen(function* () {
        const readable = Readable.from(["a", "b", "c"], { highWaterMark: 1 })
        const two = yield* Stream.runCollect(
          Stream.take(
            NodeResource.fromReadable<string>(() => readable),
            2
          )
        )
        expect(two).toEqual(["a", "b"])
        expect([readable.closed, readable.errored]).toEqual([true, null])
      })
    )
  )

  it.effect("its error, and a close before its end, are typed failures", () =>
    leakChecked(
      Effect.gen(function* () {
        const failing = new PassThrough()
        const fiber = yield* Effect.forkChild(read(failing))
        yield* settle
        failing.destroy(new Error("disk"))
        expect(yield* Fiber.join(fiber)).toBe("Error: disk")
        const gone = new PassThrough()
        gone.destroy()
        expect(yield* read(gone)).toBe("Error: The readable was closed before its end")
        const broken = new PassThrough()
        broken.destroy(new Error("before"))
        const exit = yield* Effect.exit(Stream.runDrain(NodeResource.fromReadable(() => broken)))
        expect(Exit.isFailure(exit)).toBe(true)
      })
    )
  )

  it.effect("an error of its destroy is one of clean-up, and takes nothing from a consumer that has enough (K16)", () =>
    leakChecked(
      Effect.gen(function* () {
        const broken = new Readable({
          objectMode: true,
          read() {
            this.push("row")
          },
          destroy: (_, done) => done(new Error("destroy"))
        })
        const rows = NodeResource.fromReadable<string>(() => broken, { name: "rows" })
        const first = Stream.runCollect(Stream.take(rows, 1))
        yield* asTask(first, (task) =>
          Effect.gen(function* () {
            expect(yield* Task.join(task)).toEqual(["row"])
            const { cleanupFailures } = yield* Task.await(task)
            expect(cleanupFailures.map(({ cause, scope }) => [scope, Cause.squash(cause)])).toEqual([
              ["rows", new Error("destroy")]
            ])
          })
        )
      })
    )
  )

  it.effect("NodeStream of platform-node destroys it without a reason: beside", () =>
    leakChecked(
      Effect.gen(function* () {
        const through = new PassThrough()
        const body = Stream.runDrain(NodeStream.fromReadable({ evaluate: () => through }))
        yield* asTask(body, (task) => Effect.andThen(settle, Task.cancel(task, { reason: byAnn })))
        expect([through.destroyed, through.errored]).toEqual([true, null])
        yield* settle
      })
    )
  )
})
