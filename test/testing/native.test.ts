/** Effect's own operators are safe to cancel: a checker that says otherwise is wrong itself. */
import * as Cache from "effect/Cache"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Pool from "effect/Pool"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as RcMap from "effect/RcMap"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { describe, expect, it } from "vitest"
import * as CancelEverywhere from "../../src/testing/CancelEverywhere.ts"
import * as Explore from "../../src/testing/Explore.ts"
import * as Ledger from "../../src/testing/Ledger.ts"

class Db extends Context.Service<Db, { readonly query: Effect.Effect<number> }>()("test/Db") {}

const dbLayer = Layer.effect(
  Db,
  Effect.as(Ledger.resource("db", Effect.sleep(2)), { query: Effect.as(Effect.sleep(3), 1) })
)

const held = (name: string, millis: number) =>
  Effect.scoped(Effect.andThen(Ledger.resource(name), Effect.sleep(millis)))

const programs: { readonly [name: string]: Effect.Effect<unknown, unknown, Scope.Scope> } = {
  "a stream with concurrent steps": Stream.range(1, 5).pipe(
    Stream.mapEffect((n) => Effect.as(Effect.sleep(n), n), { concurrency: 2 }),
    Stream.runCollect
  ),
  "merged streams": Stream.runDrain(Stream.merge(Stream.fromEffect(held("a", 3)), Stream.fromEffect(held("b", 5)))),
  "a stream with a buffer": Stream.range(1, 6).pipe(
    Stream.buffer({ capacity: 2 }),
    Stream.mapEffect(() => Effect.sleep(1)),
    Stream.runDrain
  ),
  "a debounced stream": Stream.fromIterable([1, 2, 3]).pipe(Stream.debounce(5), Stream.runDrain),
  "a queue": Effect.gen(function* () {
    const queue = yield* Queue.bounded<number>(1)
    yield* Effect.forkChild(Queue.offerAll(queue, [1, 2, 3]))
    for (let count = 0; count < 3; count++) yield* Queue.take(queue)
  }),
  "a hub": Effect.gen(function* () {
    const hub = yield* PubSub.unbounded<number>()
    const subscription = yield* PubSub.subscribe(hub)
    yield* PubSub.publish(hub, 1)
    yield* PubSub.take(subscription)
  }),
  "changes of a reference": Effect.gen(function* () {
    const ref = yield* SubscriptionRef.make(0)
    yield* Effect.forkChild(Effect.forEach([1, 2], (n) => Effect.andThen(Effect.sleep(1), SubscriptionRef.set(ref, n))))
    yield* SubscriptionRef.changes(ref).pipe(
      Stream.takeUntil((n) => n === 2),
      Stream.runDrain
    )
  }),
  "a map of fibers": Effect.gen(function* () {
    const map = yield* FiberMap.make<string>()
    yield* FiberMap.run(map, "a", held("first", 5))
    yield* FiberMap.run(map, "a", held("second", 4))
    yield* FiberMap.awaitEmpty(map)
  }),
  "a set of fibers": Effect.gen(function* () {
    const set = yield* FiberSet.make()
    yield* FiberSet.run(set, held("a", 5))
    yield* Effect.timeoutOption(FiberSet.join(set), 3)
  }),
  retries: Effect.exit(
    Effect.retry(
      Effect.andThen(held("try", 2), Effect.fail("no")),
      Schedule.max([Schedule.jittered(Schedule.exponential(5)), Schedule.recurs(3)])
    )
  ),
  "a layer": Effect.provide(
    Effect.flatMap(Db, ({ query }) => query),
    dbLayer
  ),
  "a map of counted references": Effect.gen(function* () {
    const map = yield* RcMap.make({
      lookup: (key: string) => Ledger.resource(key, Effect.sleep(1)),
      idleTimeToLive: 10
    })
    yield* Effect.scoped(Effect.andThen(RcMap.get(map, "a"), Effect.sleep(3)))
    yield* Effect.sleep(20)
  }),
  "a cache": Effect.gen(function* () {
    const cache = yield* Cache.make({ capacity: 10, lookup: (key: string) => Effect.as(Effect.sleep(5), key) })
    yield* Effect.all([Cache.get(cache, "a"), Cache.get(cache, "a")], { concurrency: "unbounded" })
  }),
  "a pool": Effect.gen(function* () {
    const pool = yield* Pool.make({ acquire: Ledger.resource("connection", Effect.sleep(1)), size: 2 })
    yield* Effect.scoped(Effect.andThen(Pool.get(pool), Effect.sleep(3)))
  }),
  "a semaphore": Effect.gen(function* () {
    const semaphore = yield* Semaphore.make(1)
    yield* Effect.forEach([1, 2, 3], (n) => semaphore.withPermits(1)(Effect.sleep(n)), { concurrency: "unbounded" })
  }),
  "a timeout": Effect.exit(Effect.timeout(held("slow", 100), 5)),
  "a value that is computed once": Effect.gen(function* () {
    const once = yield* Effect.cached(Effect.sleep(3))
    yield* Effect.all([once, once], { concurrency: 2 })
  })
}

describe("Effect's own operators", () => {
  it.each(Object.entries(programs))("%s: nothing is found", (_, program) => {
    expect(CancelEverywhere.run(program, { again: true, maxRuns: 600 }).failures).toEqual([])
    expect(Explore.run(program, { cancel: true, runs: 300 }).failures).toEqual([])
  })
})
