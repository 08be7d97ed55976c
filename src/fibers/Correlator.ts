/**
 * A mailbox between fibers that wait and messages that come from outside: a
 * webhook, a click, another service. A fiber waits for a channel and a correlation
 * key; a message goes to exactly one waiter of its channel and key, is kept for a
 * time when nobody waits yet, and otherwise becomes a dead letter that says why.
 * Reach for it where you would keep a map of deferreds by hand: it owns the lines
 * of waiters, the kept messages and one timer, all of which end with its scope.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import * as Channel from "./Channel.ts"
import type { CorrelatorClosed } from "./CorrelatorClosed.ts"
import { type DeadLetter, DeadLetterReason } from "./DeadLetter.ts"
import { Correlation } from "./internal/correlation.ts"
import { CurrentNode } from "./internal/currentNode.ts"
import { Message } from "./internal/messageLine.ts"
import { receive, wait } from "./internal/receiving.ts"
import { validMillis } from "./internal/validDuration.ts"
import type { NoMessage } from "./NoMessage.ts"

/**
 * What became of a message: handed to a waiter (if that one is cancelled before
 * it has the message, the next gets it, or it is kept), kept until then (epoch
 * milliseconds), or dead at once.
 *
 * @category models
 * @since 0.1.0
 */
export const Published = Schema.TaggedUnion({
  Delivered: {},
  Kept: { until: Schema.Number },
  DeadLettered: { reason: DeadLetterReason }
})

/**
 * @category models
 * @since 0.1.0
 */
export type Published = typeof Published.Type

/**
 * Counts: who waits, what is kept or held by a `receive` now, and since the start
 * what was published, taken, given back by a cancelled waiter, and buried. Always
 * `published = taken + kept + held + dead letters`.
 *
 * @category models
 * @since 0.1.0
 */
export interface CorrelatorStats {
  readonly waiting: number
  readonly kept: number
  readonly held: number
  readonly published: number
  readonly taken: number
  readonly returned: number
  readonly deadLetters: { readonly [Reason in DeadLetterReason]: number }
}

/**
 * Who waits, or what is kept, under one channel and key.
 *
 * @category models
 * @since 0.1.0
 */
export interface CorrelatorLine {
  readonly channel: string
  readonly key: string
  /** The paths in the scope tree of those who wait, the next first. */
  readonly waiting: ReadonlyArray<string>
  readonly kept: ReadonlyArray<{ readonly value: unknown; readonly publishedAt: number; readonly until: number }>
}

/**
 * @category models
 * @since 0.1.0
 */
export interface CorrelatorOptions {
  /** How long a message is kept for which nobody waits. Default: 1 hour; 0: not at all; `Infinity`: until the end. */
  readonly ttl?: Duration.Input | undefined
  /** How many messages are kept at most, all keys together. Default: 100,000. */
  readonly maxKept?: number | undefined
  /** How many dead letters can be read, the latest ones. Default: 1,000. */
  readonly deadLetters?: number | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface WaitOptions {
  /** How long to wait before it fails with `NoMessage`; 0: only take what is kept. */
  readonly within: Duration.Input
}

/**
 * @category models
 * @since 0.1.0
 */
export interface PublishOptions {
  /** Of this message, in place of the correlator's. */
  readonly ttl?: Duration.Input | undefined
}

interface Service {
  /**
   * The next message of the channel and key: the oldest that is kept, or the next
   * that comes; who waits longer is served first.
   *
   * **Details**
   *
   * A cancel and a delivery are decided once: until the message has reached what
   * follows `wait` on the same fiber (`flatMap`, `yield*`), an interrupt gives it
   * back, to the next waiter or to its place in the queue.
   *
   * **Gotchas**
   *
   * From there on the message is yours. If `wait` stands inside `Effect.timeout`,
   * `Effect.race` or a forked fiber, its value has one more way to go, to the
   * fiber outside; an interrupt of that one in just this step drops it. Use
   * `within` for a time limit, `receive` for all else. `Race` and `Join` keep such
   * a value in the task's `salvaged`.
   */
  readonly wait: {
    <A>(channel: Channel.Channel<A>, key: string): Effect.Effect<A, CorrelatorClosed>
    <A>(channel: Channel.Channel<A>, key: string, options: WaitOptions): Effect.Effect<A, CorrelatorClosed | NoMessage>
  }
  /**
   * The same with work on the message: it is taken when `use` has succeeded. If
   * `use`, or the wait, is cancelled, the message goes back; if `use` fails, it
   * becomes a dead letter (`failed`) and the failure leaves. So a message is
   * worked on to the end at most once, however races, timeouts and cancels nest
   * around; work that was cancelled halfway is begun again by who gets it next.
   */
  readonly receive: {
    <A, B, E, R>(
      channel: Channel.Channel<A>,
      key: string,
      use: (message: A) => Effect.Effect<B, E, R>
    ): Effect.Effect<B, E | CorrelatorClosed, R>
    <A, B, E, R>(
      channel: Channel.Channel<A>,
      key: string,
      use: (message: A) => Effect.Effect<B, E, R>,
      options: WaitOptions
    ): Effect.Effect<B, E | CorrelatorClosed | NoMessage, R>
  }
  /** Gives a message to who waits longest, or keeps it. Never waits. */
  readonly publish: <A>(
    channel: Channel.Channel<A>,
    key: string,
    message: NoInfer<A>,
    options?: PublishOptions
  ) => Effect.Effect<Published>
  /** Decodes what came from outside, then publishes it; what does not fit the schema wakes nobody. */
  readonly publishUnknown: <S extends Schema.Top>(
    channel: Channel.SchemaChannel<S>,
    key: string,
    message: unknown,
    options?: PublishOptions
  ) => Effect.Effect<Published, Schema.SchemaError, S["DecodingServices"]>
  /** What there is under this key, or under all. */
  readonly inspect: (key?: string) => Effect.Effect<ReadonlyArray<CorrelatorLine>>
  /** Makes dead letters (`cleared`) of what is kept under this key, in one channel or in all; answers how many. */
  readonly clear: (key: string, channel?: Channel.Channel<any>) => Effect.Effect<number>
  /** The latest, oldest first; still readable when the correlator has closed. */
  readonly deadLetters: Effect.Effect<ReadonlyArray<DeadLetter>>
  /** The same, then the new ones as they come, until the correlator closes. A slow reader misses some, and holds up nobody. */
  readonly deadLetterStream: Stream.Stream<DeadLetter>
  readonly stats: Effect.Effect<CorrelatorStats>
}

/**
 * @category services
 * @since 0.1.0
 */
export class Correlator extends Context.Service<Correlator, Service>()("rescind/fibers/Correlator") {
  static readonly channel: typeof Channel.make = Channel.make

  /**
   * A correlator that lives as long as the current scope. When that closes, who
   * waits fails with `CorrelatorClosed`, and what is kept, or given back or
   * published later, becomes a dead letter (`closed`).
   */
  static readonly make = (options?: CorrelatorOptions): Effect.Effect<Service, never, Scope.Scope> =>
    Effect.withFiber((fiber) => {
      const ttl = validMillis("ttl", options?.ttl ?? "1 hour")
      const maxKept = validCount("maxKept", options?.maxKept ?? 100_000)
      const deadLetters = validCount("deadLetters", options?.deadLetters ?? 1000)
      return Effect.map(
        Effect.acquireRelease(
          Effect.sync(() => new Correlation(fiber.context, maxKept, deadLetters)),
          (self) => Effect.sync(() => self.close())
        ),
        (self) => service(self, ttl)
      )
    })

  static readonly layer = (options?: CorrelatorOptions): Layer.Layer<Correlator> =>
    Layer.effect(Correlator, Correlator.make(options))
}

const service = (self: Correlation, defaultTtl: number): Service => {
  const publish = ({ name }: Channel.Channel<any>, key: string, message: unknown, options?: PublishOptions) =>
    Effect.sync(() =>
      self.publish(name, key, message, options?.ttl === undefined ? defaultTtl : validMillis("ttl", options.ttl))
    )
  return {
    wait: ({ name }: Channel.Channel<any>, key: string, options?: WaitOptions): Effect.Effect<any, any> =>
      options === undefined
        ? wait(self, name, key, Infinity)
        : Effect.suspend(() => wait(self, name, key, withinOf(options))),
    receive: (
      { name }: Channel.Channel<any>,
      key: string,
      use: (message: any) => Effect.Effect<any, any, any>,
      options?: WaitOptions
    ): Effect.Effect<any, any, any> => Effect.suspend(() => receive(self, name, key, withinOf(options), use)),
    publish,
    publishUnknown: (channel, key, message, options) =>
      Effect.flatMap(Schema.decodeUnknownEffect(channel.schema)(message), (decoded) =>
        publish(channel, key, decoded, options)
      ),
    inspect: (key) => Effect.sync(() => linesOf(self, key)),
    clear: (key, channel) => Effect.sync(() => self.clear(key, channel?.name)),
    deadLetters: Effect.sync(() => {
      self.sweep()
      return self.letters.latest
    }),
    deadLetterStream: self.letters.stream,
    stats: Effect.sync(() => self.stats)
  }
}

const validCount = (option: string, count: number): number => {
  if (count >= 0) return count
  throw new RangeError(`${option} must be zero or more, or left out, but it is ${String(count)}`)
}

const withinOf = (options: WaitOptions | undefined): number =>
  options === undefined ? Infinity : validMillis("within", options.within)

const linesOf = (self: Correlation, key: string | undefined): ReadonlyArray<CorrelatorLine> => {
  self.sweep()
  const found: Array<CorrelatorLine> = []
  for (const [channel, lines] of self.channels) {
    for (const line of key === undefined ? lines.values() : [lines.get(key)]) {
      if (line === undefined) continue
      const waiting: Array<string> = []
      const kept: Array<CorrelatorLine["kept"][number]> = []
      for (const entry of line) {
        if (entry instanceof Message)
          kept.push({ value: entry.value, publishedAt: entry.at, until: self.expiryOf(entry) })
        else waiting.push(entry.fiber!.getRef(CurrentNode).path)
      }
      found.push({ channel, key: line.key, waiting, kept })
    }
  }
  return found
}
