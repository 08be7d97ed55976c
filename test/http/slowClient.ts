/** A client at the level of TCP, which reads only when it is told to. */
import { connect } from "node:net"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export interface SlowClient {
  /** What has arrived, of what was read; without the framing of chunks. */
  readonly text: () => string
  /** With the framing, and the head. */
  readonly raw: () => string
  readonly resume: Effect.Effect<void>
  /** Waits until the server has closed the connection or this holds, at most 20 seconds. */
  readonly until: (done: (text: string) => boolean) => Effect.Effect<string>
  readonly send: (text: string) => Effect.Effect<void>
  readonly reset: Effect.Effect<void>
  readonly closed: () => boolean
}

export const slowClient = (
  url: string,
  path: string,
  headers: ReadonlyArray<string> = [],
  version = "1.1"
): Effect.Effect<SlowClient, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port) })
    yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
    let raw = ""
    let closed = false
    socket.setEncoding("utf8")
    socket.pause()
    socket.on("data", (data: string) => (raw += data))
    socket.on("error", () => {})
    socket.on("close", () => (closed = true))
    const head = [`GET ${path} HTTP/${version}`, "Host: localhost", ...headers, "", ""].join("\r\n")
    yield* Effect.callback<void>((resume) => void socket.once("connect", () => resume(Effect.void)))
    const text = () => raw.slice(raw.indexOf("\r\n\r\n") + 4).replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n/g, "")
    const client: SlowClient = {
      text,
      raw: () => raw,
      closed: () => closed,
      resume: Effect.sync(() => void socket.resume()),
      send: (text) => Effect.sync(() => void socket.write(text)),
      reset: Effect.sync(() => void socket.resetAndDestroy()),
      until: (done) =>
        Effect.gen(function* () {
          for (let waited = 0; !done(text()) && !client.closed(); waited++) {
            if (waited > 20_000) return yield* Effect.die(new Error(`never came:\n${raw.slice(-2000)}`))
            yield* Effect.sleep(1)
          }
          return text()
        })
    }
    yield* client.send(head)
    return client
  })

/** The numbers of the events, and `resync` with what it says was missed. */
export const numbersOf = (text: string): ReadonlyArray<number | { readonly from: number; readonly to: number }> =>
  text
    .split("\n\n")
    .filter((block) => block.includes("id: "))
    .map((block) => {
      const data = JSON.parse(block.slice(block.indexOf("data: ") + 6))
      return block.includes("event: resync") ? data.missed : data.seq
    })

/** True if the numbers run from 1 to the last without a gap that was not announced, each once. */
export const isWhole = (text: string): boolean => {
  let next = 1
  for (const number of numbersOf(text)) {
    if (typeof number === "number") {
      if (number !== next++) return false
    } else {
      if (number.from !== next || number.to < number.from) return false
      next = number.to + 1
    }
  }
  return true
}
