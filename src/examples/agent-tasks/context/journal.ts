/**
 * A file in which an agent notes which ids it gave to its tasks and what its decisions came to, so that a new run of the
 * same agent takes the same ones: the same tasks, the same winner, the same list of cancelled ids. One line of JSON an
 * entry, written and flushed before the agent goes on; a torn last line is as if it had not been written.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"

export interface Journal {
  readonly find: (key: string) => Schema.Json | undefined
  readonly write: (key: string, value: Schema.Json) => void
}

/** Forgets everything with the agent. */
export const none: Journal = { find: () => undefined, write: () => {} }

const Entry = Schema.fromJsonString(Schema.Struct({ key: Schema.String, value: Schema.Json }))
const decodeEntry = Schema.decodeUnknownResult(Entry)

/** One agent, one file, one process at a time. A file that cannot be read or written is a defect. */
export const inFile = (path: string): Effect.Effect<Journal> =>
  Effect.sync(() => {
    // oxlint-disable-next-line rescind/no-blocking-call -- once, before the agent begins
    const text = fs.existsSync(path) ? fs.readFileSync(path, "utf8") : ""
    const entries = new Map<string, Schema.Json>()
    for (const line of text.split("\n")) {
      const entry = decodeEntry(line)
      if (Result.isSuccess(entry)) entries.set(entry.success.key, entry.success.value)
    }
    // What is torn must not be glued to what comes.
    // oxlint-disable-next-line rescind/no-blocking-call -- once, before the agent begins
    if (text !== "" && !text.endsWith("\n")) fs.appendFileSync(path, "\n")
    return {
      find: (key) => entries.get(key),
      write: (key, value) => {
        entries.set(key, value)
        // oxlint-disable-next-line rescind/no-blocking-call -- a line must be on the disk before the next step, and no cancel may come between
        fs.appendFileSync(path, `${JSON.stringify({ key, value })}\n`, { flush: true })
      }
    }
  })

/** The value of an earlier run, or the effect's, which is noted in the step in which it is there. */
export const once = <A, E, R>(
  journal: Journal,
  key: string,
  schema: Schema.Codec<A, any>,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => {
  const codec = Schema.toCodecJson(schema) as Schema.Codec<A, Schema.Json>
  return Effect.suspend(() => {
    const found = journal.find(key)
    if (found !== undefined) return Effect.orDie(Schema.decodeUnknownEffect(codec)(found))
    return Effect.uninterruptibleMask((restore) =>
      Effect.tap(restore(effect), (value) =>
        Effect.map(Effect.orDie(Schema.encodeEffect(codec)(value)), (encoded) => journal.write(key, encoded))
      )
    )
  })
}
