/**
 * One start, from before its first byte until somebody holds the task or nobody
 * wants it: a start whose answer is lost is neither repeated nor forgotten. The
 * client chooses the id, so that it can ask for the task, and cancel it, without
 * having been told.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type { CancelReason, Draft } from "../../../fibers/CancelReason.ts"
import * as Shield from "../../../fibers/Shield.ts"
import { StartedTask } from "../../TaskApi.ts"
import type { TaskClientError } from "../../TaskClientError.ts"
import { askCancel, type CancelOptions } from "./cancelling.ts"
import { deadlineHeader } from "./deadlineHeader.ts"
import { randomId } from "./randomId.ts"
import { isUnsendable, whileTransient } from "./retrying.ts"
import { askView } from "./views.ts"
import { ask, decoder, type Wire } from "./wire.ts"

export interface Wanted {
  readonly name: string
  readonly payload: Schema.Json
  readonly id: string | undefined
  readonly labels: ReadonlyArray<string>
  readonly replace: boolean
  readonly deadline: Duration.Duration | undefined
}

const decodeStarted = decoder(StartedTask)

export class Starting {
  readonly id: string
  private readonly wire: Wire
  private readonly wanted: Wanted
  private readonly call: string
  /** Of the run that an answer told of, ours. */
  private attempt: number | undefined = undefined
  /** A start went out, and it is not known what became of it. */
  private lost = false
  /** The newest run under the id before ours. */
  private before = 0

  static make(wire: Wire, wanted: Wanted): Effect.Effect<Starting> {
    return Effect.map(wanted.id === undefined ? randomId(wanted.name) : Effect.succeed(wanted.id), (id) => {
      return new Starting(wire, wanted, id)
    })
  }

  private constructor(wire: Wire, wanted: Wanted, id: string) {
    this.wire = wire
    this.wanted = wanted
    this.id = id
    this.call = `start ${wanted.name}`
  }

  get isStarted(): boolean {
    return this.attempt !== undefined
  }

  /** The attempt that runs. */
  get run(): Effect.Effect<number, TaskClientError> {
    return Effect.andThen(
      this.wanted.replace ? this.lookBefore : Effect.void,
      Effect.retry(this.once, whileTransient(this.wire.retry))
    )
  }

  /**
   * Nobody waits for the task any more, if there is one: it is told to stop, and awaited, for as long as a clean-up of
   * this client may take.
   */
  withdraw(reason: CancelReason | Draft, options: Omit<CancelOptions, "reason"> | undefined): Effect.Effect<void> {
    const { cancelWithin } = this.wire
    return Effect.suspend(() => {
      if (this.attempt === undefined && !this.lost) return Effect.void
      const { by, detail, message } = reason
      const cancel = this.cancelOwn({
        ...options,
        reason: { message, ...(by === undefined ? {} : { by }), ...(detail === undefined ? {} : { detail }) }
      })
      const bounded = Effect.timeoutOrElse(cancel, {
        duration: cancelWithin,
        orElse: () => this.warn(`the server did not answer within ${Duration.format(cancelWithin)}`)
      })
      return Shield.run(
        `cancel ${this.id}`,
        Effect.catch(bounded, (error) => this.warn(error.message))
      )
    })
  }

  private get once(): Effect.Effect<number, TaskClientError> {
    return Effect.flatMap(deadlineHeader(this.wanted.deadline), (header) => {
      let answer: Effect.Effect<number, TaskClientError> = Effect.never
      // Told past the shield: to a caller that was interrupted meanwhile a refusal is no failed clean-up.
      const sent = Effect.map(Effect.exit(this.send(header)), (exit) => {
        answer = exit
      })
      // What was sent off is waited for: an interrupt between the start and its answer would leave a task behind.
      return Effect.andThen(
        Shield.run(this.call, sent, { budget: this.wire.cancelWithin }),
        Effect.suspend(() => answer)
      )
    })
  }

  private send(header: Record<string, string>): Effect.Effect<number, TaskClientError> {
    const { labels, name, payload, replace } = this.wanted
    const request = HttpClientRequest.post(`/tasks/${name}`, {
      headers: header,
      urlParams: [
        ["id", this.id],
        ...(replace ? [["replace", "true"] as const] : []),
        ...labels.map((label) => ["label", label] as const)
      ]
    })
    return Effect.gen({ self: this }, function* () {
      const again = this.lost
      // To replace twice would be two runs.
      if (again && replace && (yield* this.recognise)) return this.attempt!
      this.lost = true
      const started = ask(this.wire, this.call, HttpClientRequest.bodyJsonUnsafe(request, payload), decodeStarted)
      return yield* Effect.matchEffect(started, {
        onSuccess: ({ attempt }) => Effect.succeed((this.attempt = attempt)),
        onFailure: (error) => {
          if (!isDecided(error)) return Effect.fail(error)
          // This time it has started nothing.
          this.lost = again
          return again && isTaken(error)
            ? Effect.flatMap(this.recognise, (ours) => (ours ? Effect.succeed(this.attempt!) : Effect.fail(error)))
            : Effect.fail(error)
        }
      })
    })
  }

  private get lookBefore(): Effect.Effect<void, TaskClientError> {
    return Effect.map(Effect.retry(askView(this.wire, this.call, this.id), whileTransient(this.wire.retry)), (view) => {
      this.before = view?.attempt ?? 0
    })
  }

  /** Whether the task under our id is the one that we asked for: then the lost answer was "started". */
  private get recognise(): Effect.Effect<boolean, TaskClientError> {
    return Effect.map(askView(this.wire, this.call, this.id), (view) => {
      if (view === undefined || view.attempt <= this.before || view.name !== this.wanted.name) return false
      // An id of our own making nobody else has.
      if (this.wanted.id !== undefined && !Equal.equals(view.payload, this.wanted.payload)) return false
      this.attempt = view.attempt
      return true
    })
  }

  private cancelOwn(options: CancelOptions): Effect.Effect<void, TaskClientError> {
    const cancel = Effect.retry(askCancel(this.wire, this.id, options), whileTransient(hasty))
    if (this.attempt !== undefined) return Effect.asVoid(cancel)
    if (this.wanted.id === undefined) {
      // What has not arrived yet may still arrive.
      return Effect.asVoid(Effect.repeat(cancel, { schedule: hasty, while: ({ _tag }) => _tag === "NotFound" }))
    }
    const recognised = Effect.retry(this.recognise, whileTransient(hasty))
    return Effect.flatMap(recognised, (ours) => (ours ? Effect.asVoid(cancel) : Effect.void))
  }

  private warn(why: string): Effect.Effect<void> {
    return Effect.logWarning(`The task "${this.id}" may still run: nobody waits for it, but its cancel failed: ${why}`)
  }
}

/** In clean-up: four tries more in a second. */
const hasty = Schedule.upTo(Schedule.spaced("250 millis"), { times: 4 })

/**
 * Whether it is sure that nothing was started. A problem document is from the server itself; what a proxy says leaves
 * open what happened behind it.
 */
const isDecided = (error: TaskClientError): boolean =>
  error._tag === "RequestRefused"
    ? error.code !== undefined || (error.status >= 400 && error.status < 500 && error.status !== 408)
    : error._tag === "ServerUnreachable" && isUnsendable(error.cause)

const isTaken = (error: TaskClientError): boolean =>
  error._tag === "RequestRefused" && (error.code === "already-running" || error.code === "already-ended")
