/** Each law goes red for an implementation that breaks it, and green for one that does not. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import { Join, Race } from "rescind/combinators"
import { CancelReason, Nursery, Task, TaskOutcome } from "rescind/fibers"
import { Laws, Ledger } from "rescind/testing"
import * as Handmade from "./laws/handmade.ts"

type AnyLaws = ReadonlyArray<Laws.Law>

/** The names of the laws that do not hold. */
const broken = (laws: AnyLaws): ReadonlyArray<string> =>
  laws.filter((law) => messageOf(law) !== undefined).map(({ name }) => name)

const messageOf = ({ check }: Laws.Law): string | undefined => {
  const exit = Effect.runSyncExit(Effect.sync(() => check()))
  return exit._tag === "Success"
    ? undefined
    : String(exit.cause.reasons.map((reason) => "defect" in reason && reason.defect))
}

const named = (laws: AnyLaws, start: string): Laws.Law => {
  const found = laws.filter(({ name }) => name.startsWith(start))
  expect(found.map(({ name }) => name)).toHaveLength(1)
  return found[0]!
}

/** What no native combinator keeps. */
const native = { givesReasons: false, tellsCleanupFailures: false }

describe("Laws.race", () => {
  const firstSuccess = Laws.race((members) => Race.firstSuccess(members), { value: ({ value }) => value })
  it.each(firstSuccess)("Race.firstSuccess keeps $rule: $name", (law) => expect(messageOf(law)).toBeUndefined())

  const quorum = Laws.race((members) => Race.quorum(members, 1), { value: ({ winners }) => winners[0]?.value })
  it.each(quorum)("Race.quorum of one keeps $rule: $name", (law) => expect(messageOf(law)).toBeUndefined())

  const firstSettled = Laws.race(
    (members) => Effect.flatMap(Race.firstSettled(members), ({ outcome }) => TaskOutcome.toExit(outcome)),
    { wins: "end", keepsWinner: false }
  )
  it.each(firstSettled)("Race.firstSettled keeps $rule: $name", (law) => expect(messageOf(law)).toBeUndefined())

  it("a race by hand keeps those that it claims", () => {
    expect(broken(Laws.race(Handmade.race(), { ...native, keepsWinner: false }))).toEqual([])
  })

  const ofRaceAll = [
    "Every loser can read why it was interrupted",
    "Without members it fails, and does not hang",
    "A failure in the clean-up of a loser is told, in the result or in the log",
    "A winner is not lost when the cancel comes while losers clean up"
  ]

  it("Effect.raceAll breaks these four, and no other", () => {
    expect(broken(Laws.race((members) => Effect.raceAll(members)))).toEqual(ofRaceAll)
  })

  it("Effect.raceAllFirst breaks the same four", () => {
    expect(broken(Laws.race((members) => Effect.raceAllFirst(members), { wins: "end" }))).toEqual(ofRaceAll)
  })

  const flaws: ReadonlyArray<readonly [string, Handmade.Flaw]> = [
    ["The first member that succeeds wins", "takes the first member"],
    ["Once there is a winner no loser goes on", "lets losers go on"],
    ["It returns only when every loser has ended", "does not wait for losers"],
    ["Losers are told all at once", "stops one after the other"],
    ["If no member succeeds it fails", "forgets failures"],
    ["Of two that are first at the same instant one wins", "takes all that are there"],
    ["A loser whose clean-up dies does not change the result", "fails with the clean-up of a loser"],
    ["Cancelled at any point, it leaves no fiber", "lets losers go on"],
    ["Cancelled at any point, it ends only when", "does not wait for losers"],
    ["A cancel tells all members at once", "stops one after the other"],
    ["Once it was cancelled it does not return", "swallows the interrupt"],
    ["The clean-up of each member runs once", "lets losers go on"],
    ["A second cancel during clean-up", "stops so that a second cancel cuts it short"],
    ["Cancelled from outside, every member", "runs members in a world of their own"]
  ]
  it.each(flaws)("%s: red for one that %s", (start, flaw) => {
    expect(messageOf(named(Laws.race(Handmade.race(flaw), native), start))).toContain("LawBroken")
  })

  it("every law has an implementation that breaks it", () => {
    const red = [...ofRaceAll, ...flaws.map(([start]) => start)]
    expect(firstSuccess.filter(({ name }) => !red.some((start) => name.startsWith(start)))).toEqual([])
  })

  it("a broken law tells the scenario, what was wrong, and how to see that run alone", () => {
    const law = named(
      Laws.race((members) => Effect.raceAll(members)),
      "Every loser"
    )
    expect(() => law.check()).toThrow(Laws.LawBroken)
    expect(messageOf(law)).toContain(
      "Every loser can read why it was interrupted (K18): not so where the second of three is the first to succeed."
    )
    expect(messageOf(law)).toContain("member 0 was interrupted and could not read why")
    expect(() => law.check({ scenario: 0, checker: "Explore", replay: "-" })).toThrow("Explore: 1 run ")
    expect(() => law.check({ scenario: 99, checker: "Explore", replay: "-" })).not.toThrow()
  })
})

describe("Laws.join", () => {
  const all = Laws.join((members) => Join.all(members))
  it.each(all)("Join.all keeps $rule: $name", (law) => expect(messageOf(law)).toBeUndefined())

  const settled = Laws.join((members) => Join.settled(members), {
    failFast: false,
    values: (outcomes) => outcomes.map((outcome) => outcome._tag === "Completed" && outcome.value)
  })
  it.each(settled)("Join.settled keeps $rule: $name", (law) => expect(messageOf(law)).toBeUndefined())

  const bestEffort = Laws.join((members) => Join.bestEffort(members), {
    failFast: false,
    values: ({ values }) => Object.values(values)
  })
  it.each(bestEffort)("Join.bestEffort keeps $rule: $name", (law) => expect(messageOf(law)).toBeUndefined())

  it("a join by hand keeps those that it claims", () => {
    const options = { ...native, keepsFailures: false, keepsValues: false }
    expect(broken(Laws.join(Handmade.join(), options))).toEqual([])
  })

  const ofAll = [
    "A clean-up that dies does not make a defect of a typed failure",
    "Failures of the same turn are all kept, in the order of the members",
    "Whoever is interrupted because another failed can read why",
    "Values that are there are not lost when it is cancelled"
  ]

  it("Effect.all breaks these four, and no other", () => {
    expect(broken(Laws.join((members) => Effect.all(members, { concurrency: "unbounded" })))).toEqual(ofAll)
  })

  const flaws: ReadonlyArray<readonly [string, Handmade.Flaw]> = [
    ["All values in the order of the members", "reverses the values"],
    ["Without members it returns at once", "takes the first member"],
    ["The first failure fails it, and stays typed", "makes defects of failures"],
    ["Once one has failed no other goes on", "lets losers go on"],
    ["It fails only when everybody has ended", "does not wait for losers"],
    ["After a failure all others are told at once", "stops one after the other"],
    ["A member that dies fails it", "returns without a failed member"],
    ["A member that interrupts itself fails it", "returns without a failed member"],
    // The handmade join drops it: nobody reads the exits of those that it stopped.
    ["A failure in clean-up is told", "reverses the values"],
    ["Cancelled at any point, it leaves no fiber", "lets losers go on"],
    ["Cancelled at any point, it ends only when", "does not wait for losers"],
    ["A cancel tells all members at once", "stops one after the other"],
    ["Once it was cancelled it does not return", "swallows the interrupt"],
    ["The clean-up of each member runs once", "lets losers go on"],
    ["A second cancel during clean-up", "stops so that a second cancel cuts it short"],
    ["Cancelled from outside, every member", "runs members in a world of their own"]
  ]
  it.each(flaws)("%s: red for one that %s", (start, flaw) => {
    expect(messageOf(named(Laws.join(Handmade.join(flaw)), start))).toContain("LawBroken")
  })

  it("Nobody is interrupted because another failed: red for one that ends at the first failure", () => {
    const laws = Laws.join((members) => Join.all(members), { failFast: false })
    expect(messageOf(named(laws, "Nobody is interrupted"))).toContain("did not come to its end")
  })

  it("every law has an implementation that breaks it", () => {
    const red = [...ofAll, ...flaws.map(([start]) => start), "Nobody is interrupted"]
    expect([...all, ...settled].filter(({ name }) => !red.some((start) => name.startsWith(start)))).toEqual([])
  })
})

describe("Laws.task", () => {
  const good = Effect.gen(function* () {
    yield* Ledger.resource("file", Effect.sleep(2))
    yield* Effect.all([Effect.sleep(3), Effect.sleep(5)], { concurrency: "unbounded" })
    yield* Ledger.work("mail")
  }).pipe(Ledger.watch("body"))
  it.each(Laws.task(good))("a good body keeps $rule: $name", (law) => expect(messageOf(law)).toBeUndefined())

  const swallowing = Effect.withFiber((fiber) => {
    Object.assign(fiber, { interruptible: false })
    return Effect.andThen(Effect.sleep(1), Effect.succeed(42))
  })
  const working = Effect.uninterruptible(Effect.andThen(Effect.sleep(5), Ledger.work("mail")))
  const bodies: ReadonlyArray<readonly [string, Laws.Body<unknown, unknown>]> = [
    ["It comes to an end", Effect.forkDetach(Effect.sleep(5))],
    [
      "Cancelled at any point, it leaves no fiber",
      Effect.acquireUseRelease(
        Effect.forkDetach(Effect.sleep(5)),
        (fiber) => Fiber.await(fiber),
        () => Effect.void
      )
    ],
    ["Cancelled at any point, its first step included", Effect.uninterruptible(Effect.sleep(5000))],
    ["Once it was cancelled it does not return", swallowing],
    ["Once it was cancelled it begins no work", working],
    [
      "What it opens is closed once",
      Effect.flatMap(Ledger.opened("file"), (file) => Effect.andThen(Effect.sleep(1), Ledger.closed(file)))
    ],
    [
      "A second cancel cuts no clean-up short",
      Effect.acquireRelease(Ledger.opened("file"), (file) =>
        Effect.interruptible(Effect.andThen(Effect.sleep(3), Ledger.closed(file)))
      ).pipe(Effect.andThen(Effect.sleep(5)))
    ],
    ["Its clean-up does not fail", Effect.onInterrupt(Effect.sleep(5), () => Effect.die(new Error("broken")))],
    [
      "Whatever in it is interrupted can read why",
      Effect.flatMap(Effect.forkDetach(Handmade.alone(Ledger.watch("child")(Effect.sleep(5)))), (fiber) =>
        Effect.onInterrupt(Fiber.await(fiber), () => Fiber.interrupt(fiber))
      )
    ],
    [
      "A second cancel does not change the reason",
      () => {
        // What its clean-up reads is whatever it was told last.
        let told = 0
        return Effect.onInterrupt(Effect.sleep(5), () =>
          Effect.andThen(
            Effect.sleep(3),
            Effect.map(Ledger.Current, (ledger) => {
              const message = ledger!.journal.some((line) => line.includes("again")) ? "cancelled a second time" : ""
              const reason = CancelReason.stamp(CancelReason.request({ message }), "task", told++)
              ledger!.end("body", Exit.interrupt(), reason)
            })
          )
        )
      }
    ]
  ]
  it.each(bodies)("%s: red for a body that does not", (start, body) => {
    expect(messageOf(named(Laws.task(body), start))).toContain("LawBroken")
  })

  it("every law has a body that breaks it", () => {
    expect(Laws.task(good).filter(({ name }) => !bodies.some(([start]) => name.startsWith(start)))).toEqual([])
  })
})

const close = (socket: Ledger.Opened) => Effect.andThen(Effect.sleep(1), Ledger.closed(socket))
const dying = () => Effect.die(new Error("broken release"))

const shared = () => {
  let socket: Ledger.Opened | undefined
  return Effect.acquireRelease(
    Effect.tap(Ledger.opened("socket"), (opened) => Effect.sync(() => (socket = opened))),
    () => Ledger.closed(socket!)
  )
}

describe("Laws.resource", () => {
  const open = Effect.andThen(Effect.sleep(2), Ledger.opened("socket"))
  const good = Effect.acquireRelease(open, close)
  const failing = Effect.andThen(good, Effect.fail("no handshake"))
  const laws = Laws.resource(good, { failing, broken: Effect.acquireRelease(open, dying) })
  it.each(laws)("a good resource keeps $rule: $name", (law) => expect(messageOf(law)).toBeUndefined())

  const resources: ReadonlyArray<readonly [string, AnyLaws]> = [
    ["It tells the ledger what it opens", Laws.resource(Effect.void)],
    [
      "Interrupted at any point of its acquisition it leaks nothing",
      Laws.resource(Effect.flatMap(open, (socket) => Effect.addFinalizer(() => close(socket))))
    ],
    [
      "It is released exactly once",
      Laws.resource(Effect.tap(good, (socket) => Effect.addFinalizer(() => Ledger.closed(socket))))
    ],
    ["It is open for as long as its scope is", Laws.resource(Effect.scoped(good))],
    [
      "It is released after its user has cleaned up",
      Laws.resource(
        Effect.tap(open, (socket) => Effect.forkChild(Effect.andThen(Task.awaitRequest, Ledger.closed(socket))))
      )
    ],
    [
      "A second cancel cuts neither acquisition nor release short",
      Laws.resource(Effect.acquireRelease(open, (socket) => Effect.interruptible(close(socket))))
    ],
    ["Two of them side by side", Laws.resource(Effect.suspend(sharedOnce(shared)))],
    [
      "It leaves no fiber, timer or scope behind",
      Laws.resource(Effect.tap(good, () => Effect.forkDetach(Effect.never)))
    ],
    [
      "A cancel ends within its bound",
      Laws.resource(Effect.acquireRelease(open, (socket) => Effect.andThen(Effect.sleep(5000), close(socket))))
    ],
    [
      "If its acquisition fails",
      Laws.resource(good, { failing: Effect.andThen(Ledger.opened("socket"), Effect.fail("no handshake")) })
    ],
    [
      "A release that fails is told",
      Laws.resource(good, { broken: Effect.acquireRelease(open, () => Effect.ignore(Effect.sandbox(dying()))) })
    ]
  ]
  it.each(resources)("%s: red for a resource that does not", (start, laws) => {
    expect(messageOf(named(laws, start))).toContain("LawBroken")
  })

  it("every law has a resource that breaks it", () => {
    expect(laws.filter(({ name }) => !resources.some(([start]) => name.startsWith(start)))).toEqual([])
  })
})

/** One variable for all that are acquired from it. */
const sharedOnce =
  <A, E, R>(make: () => Effect.Effect<A, E, R>): (() => Effect.Effect<A, E, R>) =>
  () => {
    once ??= make()
    return once as Effect.Effect<A, E, R>
  }
let once: unknown

const join = <A, E>(task: Task.Task<A, E>) => Effect.onInterrupt(Task.join(task), () => Task.cancel(task))

const good: Laws.Server = (handle) =>
  Effect.map(
    Nursery.make<never>("server"),
    (nursery) => (request) => Effect.flatMap(nursery.spawn(`${request}`, Effect.exit(handle(request))), join)
  )

describe("Laws.server", () => {
  it.each(Laws.server(good))("a nursery keeps $rule: $name", (law) => expect(messageOf(law)).toBeUndefined())

  type Handler = (request: number) => Effect.Effect<string, string>
  /** Handlers on fibers of the scope of the server. */
  const natively =
    (
      serve: (handle: Handler, scope: Scope.Scope) => (request: number) => Effect.Effect<unknown, unknown>
    ): Laws.Server =>
    (handle) =>
      Effect.map(Effect.scope, (scope) => serve(handle, scope))
  const servers: ReadonlyArray<readonly [string, Laws.Server]> = [
    ["A request is answered with what", natively((handle) => (request) => Effect.as(handle(request), "ok"))],
    [
      "A handler that fails or dies leaves the other requests alone",
      (handle) =>
        Effect.map(
          Nursery.make<string>("server"),
          (nursery) => (request) =>
            Effect.flatMap(nursery.spawn(`${request}`, handle(request)), (task) =>
              Effect.tapCause(join(task), () => nursery.cancel())
            )
        )
    ],
    [
      "Every request gets an answer",
      natively(
        (handle, scope) => (request) =>
          Effect.flatMap(Effect.forkIn(handle(request), scope), (fiber) =>
            Effect.flatMap(Fiber.await(fiber), (exit) => (exit._tag === "Success" ? exit : Effect.never))
          )
      )
    ],
    [
      "Closing its scope cancels every request in flight",
      natively((handle, scope) => (request) => Effect.flatMap(Effect.forkIn(handle(request), scope), Fiber.join))
    ],
    [
      "When it has closed every handler has ended",
      natively(
        (handle, scope) => (request) =>
          Effect.flatMap(Effect.forkDetach(handle(request)), (fiber) =>
            Effect.andThen(
              Scope.addFinalizer(
                scope,
                Effect.sync(() => fiber.interruptUnsafe())
              ),
              Fiber.join(fiber)
            )
          )
      )
    ],
    [
      "Closing tells all handlers at once",
      natively((handle, scope) => (request) => Effect.flatMap(Effect.forkIn(handle(request), scope), Fiber.join))
    ],
    ["Once it has closed no handler starts", natively((handle) => (request) => handle(request))],
    [
      "A client that leaves cancels the handler",
      (handle) =>
        Effect.map(
          Nursery.make<never>("server"),
          (nursery) => (request) => Effect.flatMap(nursery.spawn(`${request}`, Effect.exit(handle(request))), Task.join)
        )
    ],
    [
      "Cancelled at any point, while it starts",
      natively((handle) => (request) => Effect.flatMap(Effect.forkDetach(handle(request)), Fiber.join))
    ],
    [
      "A second cancel cuts no clean-up of a handler short",
      natively(
        (handle, scope) => (request) =>
          Effect.flatMap(Effect.forkDetach(handle(request)), (fiber) =>
            Effect.andThen(Scope.addFinalizer(scope, Effect.interruptible(Fiber.interrupt(fiber))), Fiber.join(fiber))
          )
      )
    ]
  ]
  it.each(servers)("%s: red for a server that does not", (start, server) => {
    expect(messageOf(named(Laws.server(server), start))).toContain("LawBroken")
  })

  it("every law has a server that breaks it", () => {
    expect(Laws.server(good).filter(({ name }) => !servers.some(([start]) => name.startsWith(start)))).toEqual([])
  })
})
