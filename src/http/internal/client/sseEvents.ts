/** The events of one connection, of a server that may fall silent or say more at once than is read. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as Stream from "effect/Stream"

export interface SseOptions<E> {
  /** Asked before each wait: a connection need not be as quiet at its beginning as later. */
  readonly silence: () => Duration.Duration
  readonly onSilence: () => E
  /** In characters. */
  readonly maxEventSize: number
  readonly onTooLarge: (error: Error) => E
}

export const sseEvents = <E>(
  bytes: Stream.Stream<Uint8Array, E>,
  { maxEventSize, onSilence, onTooLarge, silence }: SseOptions<E>
): Stream.Stream<Sse.Event, E> =>
  Stream.transformPull(bytes, (pull) =>
    Effect.succeed(
      Effect.suspend(() => Effect.timeoutOrElse(pull, { duration: silence(), orElse: () => Effect.fail(onSilence()) }))
    )
  ).pipe(
    Stream.decodeText,
    Stream.mapAccumArrayEffect(
      () => {
        const events: Array<Sse.Event> = []
        // A `retry:` line is for clients without a schedule of their own.
        const parser = Sse.makeParser((event) => event._tag === "Event" && events.push(event), { maxEventSize })
        return { events, parser }
      },
      (state, texts) =>
        Effect.suspend(() => {
          for (const text of texts) {
            const error = state.parser.feed(text)
            if (error !== undefined) return Effect.fail(onTooLarge(error))
          }
          return Effect.succeed([state, state.events.splice(0)] as const)
        })
    )
  )
