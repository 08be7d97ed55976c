/** A client of the agent that uses neither our code nor the SDK's: a socket, and what came over it. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import { eventually } from "../server/fetchEventually.ts"

export interface RawFollower {
  /** The id of the task, when its first event has come. */
  readonly first: Effect.Effect<string, Error>
  /** Waits until this stands in what came. */
  readonly until: (text: string) => Effect.Effect<void>
  /** All that came, when the stream has ended. */
  readonly ended: Effect.Effect<string, Error>
}

/** Sends a message by REST, and reads the stream until the scope closes. */
export const follow = (url: string, text: string): Effect.Effect<RawFollower, never, Scope.Scope> =>
  Effect.gen(function* () {
    const first = Promise.withResolvers<string>()
    let read = ""
    const end = Promise.withResolvers<string>()
    const fail = (error: Error) => (first.reject(error), end.reject(error))
    first.promise.catch(() => {})
    end.promise.catch(() => {})
    const request = http.request(
      `${url}/message:stream`,
      { method: "POST", agent: false, headers: { "content-type": "application/json", "a2a-version": "1.0" } },
      (response) => {
        response.on("data", (chunk: Buffer) => {
          read += chunk.toString()
          const id = /"task":\{"id":"([^"]+)"/.exec(read)?.[1]
          if (id !== undefined) first.resolve(id)
        })
        response.on("end", () => end.resolve(read))
        response.on("error", fail)
      }
    )
    request.on("error", fail)
    request.end(JSON.stringify({ message: { messageId: "1", role: "ROLE_USER", parts: [{ text }] } }))
    yield* Effect.addFinalizer(() => Effect.sync(() => request.destroy()))
    const waiting = (promise: Promise<string>) =>
      Effect.tryPromise({ try: () => promise, catch: (error) => error as Error })
    const now = Effect.sync(() => read)
    return {
      first: waiting(first.promise),
      until: (text) => Effect.asVoid(eventually(now, (read) => read.includes(text))),
      ended: waiting(end.promise)
    }
  })

/** The events of a stream as JSON, without its comments. */
export const eventsOf = (text: string): ReadonlyArray<any> =>
  text.split("\n").flatMap((line) => (line.startsWith("data: ") ? [JSON.parse(line.slice(6))] : []))
