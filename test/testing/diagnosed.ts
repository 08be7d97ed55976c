/** Programs that go wrong in one way each. Their lines are cited by number in the golden messages. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Semaphore from "effect/Semaphore"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Ledger from "../../src/testing/Ledger.ts"

/** Between the two lines nobody closes it. */
export const leak = Effect.gen(function* () {
  const connection = yield* Ledger.opened("connection")
  yield* Effect.ensuring(Effect.sleep("10 millis"), Ledger.closed(connection))
})

/** Without a generator, and made before anybody watches. */
export const leakInPipe = Ledger.opened("connection").pipe(
  Effect.flatMap((connection) => Effect.ensuring(Effect.sleep("10 millis"), Ledger.closed(connection)))
)

export const swallow = Effect.uninterruptibleMask((restore) =>
  Effect.gen(function* () {
    yield* Effect.exit(restore(Effect.sleep("5 millis")))
    yield* Ledger.work("mail")
  })
)

const takeBoth = Effect.fn("takeBoth")(function* (first: Semaphore.Semaphore, second: Semaphore.Semaphore) {
  yield* first.take(1)
  yield* Effect.sleep("10 millis")
  yield* second.take(1)
})

export const deadlock = () => {
  const left = Semaphore.makeUnsafe(1)
  const right = Semaphore.makeUnsafe(1)
  return Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(takeBoth(left, right))
    yield* Effect.forkChild(takeBoth(right, left))
    yield* Fiber.join(fiber)
  })
}

export const stuckTasks = Nursery.run(
  "shop",
  Effect.fnUntraced(function* (nursery: Nursery.Nursery) {
    const paid = yield* Deferred.make<void>()
    yield* nursery.spawn("ship", Deferred.await(paid))
    yield* nursery.spawn("pack", Effect.sleep("10 millis"))
  })
)

const fetchOrder = (id: number) => Effect.promise(() => Promise.resolve(id))

export const promised = Effect.gen(function* () {
  yield* Effect.yieldNow
  return yield* fetchOrder(7)
})

export const realTimer = Effect.callback<void>((resume) => {
  setTimeout(() => resume(Effect.void), 10)
})

/** Only its clean-up waits for a promise. */
export const promisedInCleanUp = Effect.onInterrupt(Effect.sleep("10 millis"), () =>
  Effect.promise(() => Promise.resolve())
)

export const named = Effect.gen(function* () {
  const id = Math.random()
  yield* Ledger.note(`order ${id} of ${Date.now() > 0 ? "today" : "never"}`)
})

/** Shared by all runs. */
let runs = 0
export const shared = Effect.gen(function* () {
  if (runs++ > 0) yield* Effect.yieldNow
})

export const runsApart = Effect.gen(function* () {
  Effect.runFork(Effect.yieldNow)
  yield* Ledger.opened("log")
})

export const endless = Effect.gen(function* () {
  while (true) yield* Effect.yieldNow
})

export const forgotten = Effect.gen(function* () {
  yield* Effect.forkDetach(Effect.sleep("1 minute"))
  yield* Effect.sleep("1 millis")
})

export const slow = Effect.ensuring(
  Effect.sleep("1 millis"),
  Effect.gen(function* () {
    yield* Effect.sleep("2 seconds")
  })
)

export const brokenCleanUp = Effect.gen(function* () {
  yield* Effect.addFinalizer(() => Effect.die(new Error("the socket was gone")))
  yield* Effect.sleep("1 millis")
})

/** Right unless somebody comes between the look and the act. */
export const checkThenAct = () => {
  let free = 1
  const take = Effect.fn("take")(function* () {
    if (free === 0) return
    yield* Effect.void
    yield* Effect.sync(() => free--)
  })
  return {
    program: Effect.all([take(), take()], { concurrency: 2 }),
    invariant: () => (free < 0 ? `${free} are free` : undefined)
  }
}

export const closedTwice = Effect.gen(function* () {
  const file = yield* Ledger.resource("file")
  yield* Effect.sleep("1 millis")
  yield* Ledger.closed(file)
})

export const runsPromise = Effect.promise(() => Effect.runPromise(Effect.yieldNow))
