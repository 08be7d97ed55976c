/** A closing server with connections of every kind that clients leave behind, over real sockets in real time. */
import { readFileSync } from "node:fs"
import { Agent, createServer, request, type RequestListener, type Server } from "node:http"
import { createServer as createSecureServer } from "node:https"
import { connect, createServer as createTcpServer, type Socket } from "node:net"
import * as path from "node:path"
import * as tls from "node:tls"
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
const listening = (server: Server, within: Duration.Input = "1 hour") =>
  Effect.gen(function* () {
    let connected = 0
    let asked = 0
    ServerClose.promptly(server, { within })
    server.on("connection", () => connected++)
    for (const event of ["request", "checkContinue", "upgrade"]) {
      if (server.listenerCount(event) > 0) server.on(event, () => asked++)
    }
    yield* Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
    const { port } = server.address() as { port: number }
    const opened = open(port)
    const close = Effect.map(
      Effect.timed(Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))),
      ([took]) => Duration.toMillis(took)
    )
    return {
      port,
      opened,
      close,
      connected: (count: number) => until(() => connected >= count),
      asked: (count: number) => until(() => asked >= count)
    }
  })

const open = (port: number, options?: { readonly allowHalfOpen: boolean }) =>
  Effect.acquireRelease(
    Effect.callback<Client>((resume) => {
      const socket = connect({ port, host: "127.0.0.1", ...options }, () => resume(Effect.succeed(client)))
      const client = clientOf(socket)
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

interface Client {
  readonly socket: Socket
  readonly read: () => string
  /** Waits until the server has ended the connection: without a reset. */
  readonly ended: Effect.Effect<void>
}

const clientOf = (socket: Socket): Client => {
  let read = ""
  let end: "open" | "ended" | "reset" = "open"
  socket.on("data", (data) => (read += data.toString("latin1")))
  socket.on("end", () => (end = end === "open" ? "ended" : end))
  socket.on("error", () => (end = "reset"))
  return {
    socket,
    read: () => read,
    ended: Effect.flatMap(
      until(() => end !== "open" || socket.closed),
      () => Effect.sync(() => expect(end).toBe("ended"))
    )
  }
}

const kept = (answer: RequestListener) => createServer({ keepAliveTimeout: 600_000, requestTimeout: 0 }, answer)

const get = "GET / HTTP/1.1\r\nhost: x\r\n\r\n"

/** Holds each answer until the test sends it. */
const held = () => {
  const answers: Array<(text: string) => void> = []
  const hold: RequestListener = (_, response) => void answers.push((text) => response.end(text))
  return { answers, hold }
}

describe("ServerClose", () => {
  it.live("connections that an agent keeps alive do not hold it, whether they were just used or not", () =>
    Effect.gen(function* () {
      const { close, port } = yield* listening(kept((_, response) => response.end("x")))
      const agent = yield* Effect.acquireRelease(
        Effect.sync(() => new Agent({ keepAlive: true, maxSockets: 3 })),
        (agent) => Effect.sync(() => agent.destroy())
      )
      const call = Effect.callback<number>((resume) => {
        request({ port, host: "127.0.0.1", agent }, (response) => {
          response.resume().on("end", () => resume(Effect.succeed(response.statusCode!)))
        }).end()
      })
      yield* Effect.all(
        Array.from({ length: 9 }, () => call),
        { concurrency: "unbounded" }
      )
      expect(yield* call).toBe(200)
      yield* close
    })
  )

  it.live("all answers to requests that came at once on one connection are sent", () =>
    Effect.gen(function* () {
      const { answers, hold } = held()
      const { asked, close, opened } = yield* listening(kept(hold))
      const client = yield* opened
      client.socket.write(get.repeat(3))
      yield* asked(3)
      const closing = yield* Effect.forkChild(close)
      for (const [index, answer] of answers.entries()) {
        yield* Effect.sleep(10)
        expect(closing.pollUnsafe()).toBeUndefined()
        answer(`answer ${index}`)
      }
      yield* Fiber.join(closing)
      yield* client.ended
      expect(client.read().match(/answer \d/g)).toEqual(["answer 0", "answer 1", "answer 2"])
    })
  )

  it.live("an answer that is on its way arrives whole, though the client goes on asking", () =>
    Effect.gen(function* () {
      const size = 2_000_000
      let sent = false
      let asked = 0
      const server = kept((_, response) => {
        asked++
        response.once("close", () => (sent = true)).end("x".repeat(size))
      })
      const { close, opened } = yield* listening(server)
      const { read, socket } = yield* opened
      socket.pause()
      socket.write(get)
      yield* until(() => sent)
      const closing = yield* Effect.forkChild(close)
      yield* Effect.sleep(20)
      socket.write(get)
      yield* Effect.sleep(20)
      socket.resume()
      yield* Fiber.join(closing)
      yield* until(() => socket.closed)
      expect(read().length).toBeGreaterThan(size)
      expect(asked).toBe(1)
    })
  )

  it.live("an answer to a request that expects 100-continue is not torn, where the server answers that itself", () =>
    Effect.gen(function* () {
      const { answers, hold } = held()
      const server = kept(() => {}).on("checkContinue", hold)
      const { asked, close, opened } = yield* listening(server)
      const client = yield* opened
      client.socket.write("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n")
      yield* asked(1)
      const closing = yield* Effect.forkChild(close)
      yield* Effect.sleep(20)
      answers[0]!("too late")
      yield* Fiber.join(closing)
      yield* client.ended
      expect(client.read()).toContain("too late")
    })
  )

  it.live("where nobody answers 100-continue or upgrades, Node goes on doing what it does", () =>
    Effect.gen(function* () {
      const { close, opened } = yield* listening(
        kept((request, response) => void request.resume().on("end", () => response.end("done")))
      )
      const client = yield* opened
      client.socket.write("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n")
      yield* until(() => client.read().includes("100 Continue"))
      client.socket.write("abc")
      yield* until(() => client.read().includes("done"))
      client.socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n")
      yield* until(() => client.read().match(/done/g)?.length === 2)
      yield* close
      yield* client.ended
    })
  )

  it.live("an answer to a request that asked for an upgrade and got none is not torn", () =>
    Effect.gen(function* () {
      let answer: (() => void) | undefined
      const server = kept(() => {}).on("upgrade", (_, socket) => {
        answer = () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine")
      })
      const { asked, close, opened } = yield* listening(server)
      const client = yield* opened
      client.socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n")
      yield* asked(1)
      const closing = yield* Effect.forkChild(close)
      yield* Effect.sleep(20)
      expect(closing.pollUnsafe()).toBeUndefined()
      answer!()
      yield* Fiber.join(closing)
      yield* client.ended
      expect(client.read()).toContain("fine")
    })
  )

  it.live("a connection that speaks another protocol does not hold it, nor one that was upgraded and is deaf", () =>
    Effect.gen(function* () {
      const server = kept(() => {}).on("upgrade", (_, socket) => {
        socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")
      })
      const { asked, close, opened, port } = yield* listening(server)
      const client = yield* opened
      const deaf = yield* open(port, { allowHalfOpen: true })
      for (const { socket } of [client, deaf]) {
        socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")
      }
      yield* asked(2)
      yield* until(() => client.read().includes("101") && deaf.read().includes("101"))
      yield* close
      yield* client.ended
    })
  )

  it.live("an upgrade that is never answered is cut in the end", () =>
    Effect.gen(function* () {
      const { asked, close, opened } = yield* listening(
        kept(() => {}).on("upgrade", () => {}),
        "60 millis"
      )
      const { socket } = yield* opened
      socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n")
      yield* asked(1)
      expect(yield* close).toBeGreaterThanOrEqual(59)
    })
  )

  it.live(
    "a client that closed its half, one in the middle of its headers and one that never closes do not hold it",
    () =>
      Effect.gen(function* () {
        const { close, connected, port } = yield* listening(kept((_, response) => response.end("x")))
        const half = yield* open(port, { allowHalfOpen: true })
        half.socket.write(get)
        yield* until(() => half.read().endsWith("x"))
        half.socket.end()
        const slowloris = yield* open(port, { allowHalfOpen: true })
        slowloris.socket.write("GET / HTTP/1.1\r\nhost: x\r\nx-slow: ")
        const stays = yield* open(port, { allowHalfOpen: true })
        stays.socket.write(get)
        yield* until(() => stays.read().endsWith("x"))
        yield* connected(3)
        expect(yield* close).toBeLessThan(20_000)
      })
  )

  it.live("a client that went away without a word, in the middle of its answer too, is cut in the end", () =>
    Effect.gen(function* () {
      const { asked, close, port } = yield* listening(
        kept((_, response) => response.end("x".repeat(20_000_000))),
        "100 millis"
      )
      const cable = yield* cut(port)
      const idle = yield* open(cable.port)
      const reading = yield* open(cable.port)
      reading.socket.write(get)
      yield* asked(1)
      yield* until(() => reading.read().length > 0)
      cable.cut()
      idle.socket.destroy()
      reading.socket.destroy()
      expect(yield* close).toBeGreaterThanOrEqual(99)
    })
  )

  it.live("the same holds over TLS", () =>
    Effect.gen(function* () {
      const { answers, hold } = held()
      const pem = readFileSync(path.join(import.meta.dirname, "fixtures/localhost.pem"))
      const server = createSecureServer({ cert: pem, key: pem, keepAliveTimeout: 600_000 }, hold) as unknown as Server
      const { asked, close, connected, opened, port } = yield* listening(server)
      yield* opened
      const client = yield* Effect.acquireRelease(
        Effect.callback<Client>((resume) => {
          const socket = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () =>
            resume(Effect.succeed(client))
          )
          const client = clientOf(socket)
        }),
        ({ socket }) => Effect.sync(() => socket.destroy())
      )
      client.socket.write(get)
      yield* asked(1)
      yield* connected(2)
      const closing = yield* Effect.forkChild(close)
      yield* Effect.sleep(20)
      expect(closing.pollUnsafe()).toBeUndefined()
      answers[0]!("over TLS")
      yield* Fiber.join(closing)
      yield* client.ended
      expect(client.read()).toContain("over TLS")
    })
  )
})

/** A cable to `port` that can be cut: from then on nothing comes through, not even the end of a connection. */
const cut = (port: number) =>
  Effect.gen(function* () {
    const far: Array<Socket> = []
    let isCut = false
    const cable = createTcpServer({ allowHalfOpen: true }, (near) => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
      far.push(socket)
      near.on("data", (data) => isCut || socket.write(data)).on("error", () => {})
      socket.on("data", (data) => (isCut ? socket.pause() : near.write(data))).on("error", () => {})
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void cable.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () => Effect.sync(() => (cable.close(), far.forEach((socket) => socket.destroy())))
    )
    return { port: (cable.address() as { port: number }).port, cut: () => void (isCut = true) }
  })
