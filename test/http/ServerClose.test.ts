import { createServer, type RequestListener } from "node:http"
import { connect, type Socket } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as ServerClose from "../../src/http/ServerClose.ts"

const listening = (answer: RequestListener, within?: Duration.Input) =>
  Effect.gen(function* () {
    const server = ServerClose.promptly(createServer(answer), { within })
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
    return { opened, closed }
  })

const get = "GET / HTTP/1.1\r\nhost: x\r\n\r\n"

describe("ServerClose", () => {
  it.live("a connection on which nothing was asked does not hold a closing server open", () =>
    Effect.gen(function* () {
      const { closed, opened } = yield* listening((_, response) => response.end("x"))
      yield* opened
      yield* Effect.sleep(10)
      expect(yield* closed).toBeLessThan(1000)
    })
  )

  it.live("a request that runs gets its whole answer, and is not waited for longer", () =>
    Effect.gen(function* () {
      const { closed, opened } = yield* listening(
        (_, response) => void setTimeout(() => response.end("x".repeat(200_000)), 60)
      )
      const asking = yield* opened
      let answer = ""
      asking.on("data", (data) => (answer += data.toString()))
      asking.write(get)
      yield* Effect.sleep(20)
      const took = yield* closed
      while (!asking.closed) yield* Effect.sleep(1)
      expect(answer).toContain("x".repeat(200_000))
      expect(took).toBeGreaterThan(20)
      expect(took).toBeLessThan(1000)
    })
  )

  it.live("a slow client gets an answer that was written before the close", () =>
    Effect.gen(function* () {
      const { closed, opened } = yield* listening((_, response) => response.end("x".repeat(20_000_000)))
      const slow = yield* opened
      slow.pause()
      slow.write(get)
      yield* Effect.sleep(20)
      const closing = yield* Effect.forkChild(closed)
      yield* Effect.sleep(40)
      let received = 0
      slow.on("data", (data) => (received += data.length))
      slow.resume()
      expect(yield* Fiber.join(closing)).toBeLessThan(2000)
      while (!slow.closed) yield* Effect.sleep(1)
      expect(received).toBeGreaterThan(20_000_000)
    })
  )

  it.live("a client that does not read its answer is cut in the end", () =>
    Effect.gen(function* () {
      const { closed, opened } = yield* listening((_, response) => response.end("x".repeat(20_000_000)), "60 millis")
      const deaf = yield* opened
      deaf.pause()
      deaf.write(get)
      yield* Effect.sleep(20)
      const took = yield* closed
      expect(took).toBeGreaterThan(50)
      expect(took).toBeLessThan(1000)
    })
  )
})
