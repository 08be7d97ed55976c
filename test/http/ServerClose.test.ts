import { createServer, type RequestListener } from "node:http"
import { connect, type Socket } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as ServerClose from "../../src/http/ServerClose.ts"

const until = (holds: () => boolean) =>
  Effect.gen(function* () {
    while (!holds()) yield* Effect.sleep(1)
  })

/** What would be waited for without us is waited for until the test has timed out. */
const listening = (answer: RequestListener, within: Duration.Input = "1 hour") =>
  Effect.gen(function* () {
    let connected = 0
    let asked = 0
    const server = ServerClose.promptly(createServer({ keepAliveTimeout: 600_000 }, answer), { within })
    server.on("connection", () => connected++).on("request", () => asked++)
    yield* Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
    const { port } = server.address() as { port: number }
    const opened = Effect.acquireRelease(
      Effect.callback<Socket>((resume) => {
        const socket = connect(port, "127.0.0.1", () => resume(Effect.succeed(socket)))
        socket.on("error", () => {})
      }),
      (socket) => Effect.sync(() => socket.destroy())
    )
    const closed = Effect.map(
      Effect.timed(Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))),
      ([took]) => Duration.toMillis(took)
    )
    return { opened, closed, connected: until(() => connected > 0), asked: until(() => asked > 0) }
  })

const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length

const get = "GET / HTTP/1.1\r\nhost: x\r\n\r\n"

describe("ServerClose", () => {
  it.live("a connection on which nothing was asked does not hold a closing server open", () =>
    Effect.gen(function* () {
      const { closed, connected, opened } = yield* listening((_, response) => response.end("x"))
      yield* opened
      yield* connected
      yield* closed
    })
  )

  it.live("a request that runs gets its whole answer, and is not waited for longer", () =>
    Effect.gen(function* () {
      let answer: (() => void) | undefined
      const { asked, closed, opened } = yield* listening((_, response) => {
        answer = () => void response.end("x".repeat(200_000))
      })
      const asking = yield* opened
      let received = ""
      asking.on("data", (data) => (received += data.toString()))
      asking.write(get)
      yield* asked
      const closing = yield* Effect.forkChild(closed)
      yield* Effect.sleep(20)
      expect(closing.pollUnsafe()).toBeUndefined()
      answer!()
      yield* Fiber.join(closing)
      while (!asking.closed) yield* Effect.sleep(1)
      expect(received).toContain("x".repeat(200_000))
    })
  )

  it.live("a slow client gets an answer that was written before the close", () =>
    Effect.gen(function* () {
      const { asked, closed, opened } = yield* listening((_, response) => response.end("x".repeat(20_000_000)))
      const slow = yield* opened
      slow.pause()
      slow.write(get)
      yield* asked
      const closing = yield* Effect.forkChild(closed)
      yield* Effect.sleep(40)
      let received = 0
      slow.on("data", (data) => (received += data.length))
      slow.resume()
      yield* Fiber.join(closing)
      while (!slow.closed) yield* Effect.sleep(1)
      expect(received).toBeGreaterThan(20_000_000)
    })
  )

  it.live("a client that does not read its answer is cut in the end", () =>
    Effect.gen(function* () {
      const { asked, closed, opened } = yield* listening(
        (_, response) => response.end("x".repeat(20_000_000)),
        "60 millis"
      )
      const deaf = yield* opened
      deaf.pause()
      deaf.write(get)
      yield* asked
      expect(yield* closed).toBeGreaterThanOrEqual(59)
    })
  )

  it.live("while it goes on, a server keeps connections alive, and once closed it leaves no timer (K45)", () =>
    Effect.gen(function* () {
      const before = timers()
      const { closed, opened } = yield* listening((_, response) => response.end("x"))
      const asking = yield* opened
      let answers = 0
      asking.on("data", () => answers++)
      for (const count of [1, 2, 3]) {
        asking.write(get)
        yield* until(() => answers === count || asking.closed)
      }
      expect([answers, asking.closed]).toEqual([3, false])
      yield* closed
      yield* until(() => timers() <= before)
    })
  )
})
