/** A race and a join written by hand on Effect's fibers, right but for the flaw that is asked for. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { CurrentNode, RootNode } from "../../../src/fibers/internal/currentNode.ts"

export type Flaw =
  | "takes the first member"
  | "takes all that are there"
  | "lets losers go on"
  | "does not wait for losers"
  | "stops one after the other"
  | "stops so that a second cancel cuts it short"
  | "fails with the clean-up of a loser"
  | "forgets failures"
  | "swallows the interrupt"
  | "runs members in a world of their own"
  | "reverses the values"
  | "makes defects of failures"
  | "returns without a failed member"

type Members = ReadonlyArray<Effect.Effect<string, string>>
type Fibers = ReadonlyArray<Fiber.Fiber<string, string>>

/** Below no scope of anybody: whoever is interrupted there can read no reason. */
export const alone = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.clockWith((clock) => Effect.provideService(effect, CurrentNode, new RootNode(clock)))

const start = (members: Members, flaw: Flaw | undefined): Effect.Effect<Fibers> =>
  Effect.forEach(members, (member) =>
    Effect.forkDetach(flaw === "runs members in a world of their own" ? alone(member) : member)
  )

const stop = (fibers: Fibers, flaw: Flaw | undefined): Effect.Effect<void> => {
  if (flaw === "lets losers go on") return Effect.void
  if (flaw === "stops one after the other")
    return Effect.forEach(fibers, (fiber) => Fiber.interrupt(fiber), { discard: true })
  if (flaw === "stops so that a second cancel cuts it short") return Effect.interruptible(Fiber.interruptAll(fibers))
  if (flaw === "does not wait for losers") {
    return Effect.sync(() => {
      for (const fiber of fibers) fiber.interruptUnsafe()
    })
  }
  const stopped = Fiber.interruptAll(fibers)
  return flaw === "fails with the clean-up of a loser" ? Effect.andThen(stopped, diesWithAny(fibers)) : stopped
}

const diesWithAny = (fibers: Fibers): Effect.Effect<void> =>
  Effect.suspend(() =>
    fibers.some((fiber) => {
      const exit = fiber.pollUnsafe()
      return exit?._tag === "Failure" && Cause.hasDies(exit.cause)
    })
      ? Effect.die(new Error("a loser died"))
      : Effect.void
  )

const run = <A>(
  members: Members,
  flaw: Flaw | undefined,
  wait: (fibers: Fibers) => Effect.Effect<A, string>
): Effect.Effect<A, string> => {
  const whole = Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(start(members, flaw), (fibers) => Effect.onExit(restore(wait(fibers)), () => stop(fibers, flaw)))
  )
  if (flaw !== "swallows the interrupt") return whole
  return Effect.withFiber((fiber) => {
    Object.assign(fiber, { interruptible: false })
    return Effect.catchCause(whole, () => Effect.succeed("anyway" as A))
  })
}

export const race =
  (flaw?: Flaw) =>
  (members: Members): Effect.Effect<string, string> =>
    run(members, flaw, (fibers) => {
      if (flaw === "takes the first member") {
        return fibers[0] === undefined ? Effect.fail("no members") : Fiber.join(fibers[0])
      }
      return Effect.flatMap(Deferred.make<string, string>(), (won) => {
        const failed: Array<Cause.Cause<string>> = []
        const allFailed = (): Exit.Exit<never, string> =>
          flaw === "forgets failures"
            ? Exit.fail("all failed")
            : Exit.failCause(Cause.fromReasons(failed.flatMap(({ reasons }) => reasons)))
        if (fibers.length === 0) return Effect.fail("no members")
        for (const fiber of fibers) {
          fiber.addObserver((exit) => {
            if (exit._tag === "Success") return Deferred.doneUnsafe(won, exit)
            if (failed.push(exit.cause) === fibers.length) Deferred.doneUnsafe(won, allFailed())
          })
        }
        if (flaw !== "takes all that are there") return Deferred.await(won)
        const values = () =>
          fibers.flatMap((fiber) => {
            const exit = fiber.pollUnsafe()
            return exit?._tag === "Success" ? [exit.value] : []
          })
        return Effect.andThen(
          Effect.andThen(Deferred.await(won), Effect.yieldNow),
          Effect.sync(() => values().join())
        )
      })
    })

export const join =
  (flaw?: Flaw) =>
  (members: Members): Effect.Effect<ReadonlyArray<string>, string> =>
    run(members, flaw, (fibers) =>
      Effect.flatMap(Deferred.make<ReadonlyArray<string>, string>(), (ended) => {
        const all = (): ReadonlyArray<string> =>
          fibers.flatMap((fiber) => {
            const exit = fiber.pollUnsafe()
            return exit?._tag === "Success" ? [exit.value] : []
          })
        let left = fibers.length
        const tell = (): void => {
          const values = all()
          Deferred.doneUnsafe(ended, Effect.succeed(flaw === "reverses the values" ? values.toReversed() : values))
        }
        if (left === 0) return flaw === "takes the first member" ? Effect.never : Effect.succeed([])
        for (const fiber of fibers) {
          fiber.addObserver((exit) => {
            if (exit._tag === "Failure" && flaw !== "returns without a failed member") {
              const cause = flaw === "makes defects of failures" ? Cause.die(Cause.squash(exit.cause)) : exit.cause
              Deferred.doneUnsafe(ended, Exit.failCause(cause))
            } else if (--left === 0) tell()
          })
        }
        return Deferred.await(ended)
      })
    )
