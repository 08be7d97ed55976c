/** A client of an event stream: what it read so far, and a way to wait for more. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export interface Sent {
  readonly id: string
  readonly event: string
  readonly data: any
}

export interface Follower {
  readonly status: number
  readonly headers: Headers
  /** The bytes as text. */
  readonly raw: () => string
  readonly events: () => ReadonlyArray<Sent>
  /** Waits until this holds of what was read, at most 20 seconds. */
  readonly until: (done: (events: ReadonlyArray<Sent>, raw: string) => boolean) => Effect.Effect<ReadonlyArray<Sent>>
  /** Waits until the server has ended the stream; fails if it was torn off. */
  readonly ended: Effect.Effect<ReadonlyArray<Sent>>
  readonly leave: Effect.Effect<void>
}

export const follow = (
  url: string,
  headers: Record<string, string> = {}
): Effect.Effect<Follower, never, Scope.Scope> =>
  Effect.gen(function* () {
    const controller = new AbortController()
    yield* Effect.addFinalizer(() => Effect.sync(() => controller.abort()))
    const response = yield* Effect.promise(() => fetch(url, { headers, signal: controller.signal }))
    let raw = ""
    let end: "open" | "ended" | "torn" = "open"
    const reading = async () => {
      const decoder = new TextDecoder()
      for await (const bytes of response.body ?? []) raw += decoder.decode(bytes, { stream: true })
    }
    reading().then(
      () => (end = "ended"),
      () => (end = "torn")
    )
    const waitFor = (done: () => boolean, what: string) =>
      Effect.gen(function* () {
        for (let waited = 0; !done(); waited++) {
          if (waited > 20_000) return yield* Effect.die(new Error(`${what} never came; the stream is ${end}:\n${raw}`))
          yield* Effect.sleep(1)
        }
        return eventsOf(raw)
      })
    return {
      status: response.status,
      headers: response.headers,
      raw: () => raw,
      events: () => eventsOf(raw),
      until: (done) => waitFor(() => done(eventsOf(raw), raw), "what was waited for"),
      ended: Effect.tap(
        waitFor(() => end !== "open", "the end"),
        () => (end === "torn" ? Effect.die(new Error(`the stream was torn off:\n${raw}`)) : Effect.void)
      ),
      leave: Effect.sync(() => controller.abort())
    }
  })

export const eventsOf = (raw: string): ReadonlyArray<Sent> =>
  raw
    .split("\n\n")
    .slice(0, -1)
    .filter((block) => !block.startsWith(":"))
    .map((block) => {
      const field = (name: string) =>
        block
          .split("\n")
          .filter((line) => line.startsWith(`${name}: `))
          .map((line) => line.slice(name.length + 2))
      return { id: field("id")[0]!, event: field("event")[0]!, data: JSON.parse(field("data").join("\n")) }
    })

export const names = (events: ReadonlyArray<Sent>): ReadonlyArray<string> => events.map(({ event }) => event)
