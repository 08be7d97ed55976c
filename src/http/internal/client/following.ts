/**
 * The events of one task as one stream, over as many connections as it takes.
 * What is torn off, silent for too long or refused for now is asked for again
 * from the last event that was handed on.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import type * as Sse from "effect/encoding/Sse"
import * as Stream from "effect/Stream"
import { steady } from "../../../fibers/internal/steady.ts"
import { isTerminal, type RemoteEvent, type Resync } from "../../RemoteEvent.ts"
import { AnswerUnreadable, ServerUnreachable, type TaskClientError, TaskUnknown } from "../../TaskClientError.ts"
import type { Any } from "../../TaskDefinition.ts"
import type { EventDecoder } from "./eventDecoder.ts"
import { isPossibleId, pathOf } from "./paths.ts"
import { Place } from "./place.ts"
import { whileTransient } from "./retrying.ts"
import { sseEvents } from "./sseEvents.ts"
import { askView } from "./views.ts"
import { refused, send, silent, unreachable, unreadable, type Wire } from "./wire.ts"

type AnyEvent = RemoteEvent<Any>

export interface Followed {
  readonly wire: Wire
  readonly decoder: EventDecoder
  readonly id: string
  readonly attempt: number | undefined
}

/** Every event behind `after`, and in any case the terminal one, which is the last. */
export const following = (
  followed: Followed,
  after: { readonly attempt: number; readonly seq: number } | undefined
): Stream.Stream<AnyEvent, TaskClientError> =>
  Stream.suspend(() => {
    const follower = new Follower(followed, new Place(after?.attempt ?? followed.attempt, after?.seq ?? 0))
    return isPossibleId(followed.id) ? follower.stream : Stream.fail(follower.unknown("not-found"))
  })

/** So long must a connection have lived for its end to be a new trouble, and not more of the last one. */
const steadyMillis = 5_000

class Follower {
  private readonly followed: Followed
  private readonly place: Place
  private readonly call: string
  private opened = Infinity
  private closed = 0

  constructor(followed: Followed, place: Place) {
    this.followed = followed
    this.place = place
    this.call = `watch ${followed.id}`
  }

  get stream(): Stream.Stream<AnyEvent, TaskClientError> {
    const { wire } = this.followed
    const connection = Stream.unwrap(this.connect).pipe(
      Stream.concat(
        Stream.suspend(() => (this.place.ended ? Stream.empty : Stream.fail(this.torn("the stream ended early"))))
      ),
      Stream.onExit(() => Clock.clockWith((clock) => Effect.sync(() => (this.closed = steady(clock)))))
    )
    return Stream.retry(
      connection,
      whileTransient(wire.retry, () => this.closed - this.opened >= steadyMillis)
    )
  }

  unknown(why: TaskUnknown["why"]): TaskUnknown {
    const { lastEventId } = this.place
    return new TaskUnknown({ id: this.followed.id, why, ...(lastEventId === undefined ? {} : { lastEventId }) })
  }

  private torn(detail: string): ServerUnreachable {
    return new ServerUnreachable({ call: this.call, detail })
  }

  private readonly connect = Effect.gen({ self: this }, function* () {
    const { id, wire } = this.followed
    const { lastEventId } = this.place
    this.opened = Infinity
    const request = HttpClientRequest.get(pathOf(id, "/events"), {
      accept: contentType,
      headers: lastEventId === undefined ? {} : { "last-event-id": lastEventId }
    })
    const response = yield* Effect.timeoutOrElse(send(wire, this.call, request), {
      duration: wire.silence,
      orElse: () => Effect.fail(silent(wire, this.call))
    })
    if (response.status === 204) return Stream.fromEffect(this.end)
    if (response.status !== 200) {
      return yield* Effect.catchIf(
        refused(this.call, response),
        (error) => error._tag === "RequestRefused" && error.code === "task-not-found",
        () => Effect.fail(this.unknown("not-found"))
      )
    }
    if (response.headers["content-type"]?.startsWith(contentType) !== true) {
      return yield* Effect.fail(new AnswerUnreadable({ what: this.call, detail: "the answer is no event stream" }))
    }
    this.opened = steady(yield* Clock.Clock)
    return this.read(response)
  })

  private read(response: HttpClientResponse.HttpClientResponse): Stream.Stream<AnyEvent, TaskClientError> {
    const { wire } = this.followed
    const { maxEventSize, silence } = wire
    const bytes = Stream.mapError(response.stream, (error) => unreachable(this.call, error))
    return sseEvents<TaskClientError>(bytes, {
      silence: () => silence,
      onSilence: () => silent(wire, this.call),
      maxEventSize,
      onTooLarge: (error) => {
        const behind = this.place.lastEventId ?? "the beginning"
        const what = `event behind ${behind} of ${this.followed.id}`
        return new AnswerUnreadable({ what, detail: error.message, cause: error })
      }
    }).pipe(
      Stream.mapEffect((event) => this.take(event)),
      Stream.flattenIterable,
      Stream.takeUntil(isTerminal)
    )
  }

  /** What the event is to whoever follows: itself, with word of a gap before it, or nothing. */
  private take(sent: Sse.Event): Effect.Effect<ReadonlyArray<AnyEvent>, TaskClientError> {
    const { place } = this
    const match = /^(\d{1,15})-(\d{1,15})$/.exec(sent.id ?? "")
    // Not one of ours.
    if (match === null) return Effect.succeed([])
    const [attempt, seq] = [Number(match[1]), Number(match[2])]
    const isResync = sent.event === "resync"
    const at = isResync ? undefined : /"at":"([^"]*)"/.exec(sent.data)?.[1]
    const verdict = place.verdict(attempt, seq, at)
    if (verdict === "other-run") return Effect.fail(this.unknown("replaced"))
    if (verdict === "seen") return Effect.succeed([])
    const missed = { from: place.seq + 1, to: isResync ? seq : seq - 1 }
    place.moveTo(attempt, seq, at)
    const decode = this.followed.decoder.events.get(sent.event)
    // Of a newer server: what it says nobody here waits for.
    if (decode === undefined) return Effect.succeed([])
    const stamp = { task: this.followed.id, attempt, seq }
    return Effect.map(
      Effect.mapError(decode(sent.data, stamp), (error) =>
        unreadable(`event ${sent.id} (${sent.event}) of ${stamp.task}`, error)
      ),
      (event) => {
        place.ended = isTerminal(event)
        if (event._tag === "Resync") return [{ ...event, missed }]
        return verdict === "next" ? [event] : [{ ...gap, ...stamp, seq: missed.to, at: event.at, missed }, event]
      }
    )
  }

  /** The server has nothing more to send: the end is told by the task itself, under the number that was seen last. */
  private get end(): Effect.Effect<AnyEvent, TaskClientError> {
    return Effect.gen({ self: this }, function* () {
      const { decoder, id, wire } = this.followed
      const view = yield* askView(wire, this.call, id)
      if (view === undefined) return yield* Effect.fail(this.unknown("not-found"))
      const { attempt = view.attempt, seq } = this.place
      if (view.attempt !== attempt) return yield* Effect.fail(this.unknown("replaced"))
      const { endedAt, outcome } = view
      if (outcome === undefined || endedAt === undefined) {
        return yield* Effect.fail(this.torn("the stream has ended, the task has not"))
      }
      const event = yield* Effect.mapError(decoder.end(outcome, { task: id, attempt, seq }, endedAt), (error) =>
        unreadable(`outcome of ${id}`, error)
      )
      this.place.ended = true
      return event
    })
  }
}

const contentType = "text/event-stream"

/** The server did not say what it left out. */
const gap: Pick<Resync, "_tag" | "info"> = { _tag: "Resync", info: undefined }
