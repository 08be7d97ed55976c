/** The combinators of a plan; each writes what it reports. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { DeadlineExceeded } from "../../../combinators/DeadlineExceeded.ts"
import * as Deadline from "../../../combinators/Deadline.ts"
import * as Join from "../../../combinators/Join.ts"
import * as Latest from "../../../combinators/Latest.ts"
import type * as Loser from "../../../combinators/Loser.ts"
import * as Race from "../../../combinators/Race.ts"
import { RaceFailed } from "../../../combinators/RaceFailed.ts"
import * as Task from "../../../fibers/Task.ts"
import type { TaskOutcome } from "../../../fibers/TaskOutcome.ts"
import type { Step } from "../../TaskPlan.ts"
import { memberName } from "./naming.ts"
import { type Notes, patienceOf, textOfCause, textOfReason } from "./notes.ts"

type Run = Effect.Effect<void, unknown, Scope.Scope>
type Of<Tag extends Step["_tag"]> = Extract<Step, { readonly _tag: Tag }>

export const race = (step: Of<"Race">, members: Record<string, Run>, notes: Notes): Run => {
  const { delay, name, needed, rule } = step
  const options = { name, ...patienceOf(step) }
  const report = (winners: ReadonlyArray<string>, losers: Record<string, Loser.Loser<unknown, unknown> | undefined>) =>
    notes.note(name, "report", [`won ${winners.join(", ")}`, ...eachOf(losers, textOfLoser)].join("; "))
  const raced = (): Effect.Effect<void, unknown, Scope.Scope> => {
    switch (rule) {
      case "firstSuccess":
        return Effect.flatMap(Race.firstSuccess(members, options), ({ losers, winner }) => report([winner], losers))
      case "hedge":
        return Effect.flatMap(Race.hedge(members, delay, options), ({ losers, winner }) => report([winner], losers))
      case "firstSettled":
        return Effect.flatMap(Race.firstSettled(members, options), ({ losers, outcome, winner }) =>
          report([`${winner} ${outcome._tag}`], losers)
        )
      case "quorum":
        return Effect.flatMap(Race.quorum(members, needed, options), ({ losers, winners }) =>
          report(
            winners.map(({ winner }) => winner),
            losers
          )
        )
    }
  }
  return Effect.tapError(raced(), (error) =>
    error instanceof RaceFailed && error.race === name
      ? notes.note(
          name,
          "report",
          `failed ${error.failures.map(({ cause, member }) => `${member} ${textOfCause(cause)}`).join(", ")}`
        )
      : Effect.void
  )
}

export const join = (step: Of<"Join">, members: Record<string, Run>, notes: Notes): Run => {
  const { concurrency, each, limit, name, rule } = step
  const options = { name, concurrency, each, ...patienceOf(step) }
  switch (rule) {
    case "all":
      return Effect.asVoid(Join.all(members, options))
    case "settled":
      return Effect.flatMap(Join.settled(members, options), (outcomes) =>
        notes.note(name, "report", eachOf(outcomes, textOfOutcome).join("; "))
      )
    case "within":
      return Effect.flatMap(Join.within(members, limit, options), ({ cancelled, completed, failed, interrupted }) => {
        const parts = [
          ...Object.keys(completed).map((key) => `${key} completed`),
          ...Object.entries(failed).map(([key, cause]) => `${key} failed ${textOfCause(cause!)}`),
          ...Object.entries(cancelled).map(
            ([key, timedOut]) => `${key} timed out ${timedOut!.how}, ${textOfReason(timedOut!.reason)}`
          ),
          ...Object.entries(interrupted).map(([key, ended]) => `${key} interrupted, ${textOfReason(ended!.reason)}`)
        ]
        return notes.note(name, "report", parts.toSorted().join("; "))
      })
  }
}

export const deadline = (step: Of<"Deadline">, body: Run, notes: Notes): Run => {
  const { limit, name } = step
  return Effect.tapError(Deadline.run(body, limit, { name, ...patienceOf(step) }), (error) =>
    error instanceof DeadlineExceeded && error.scope === name
      ? notes.note(name, "report", `exceeded ${error.how}`)
      : Effect.void
  )
}

export const latest = (step: Of<"Latest">, runs: ReadonlyArray<Run>, notes: Notes): Run => {
  const { every, name } = step
  return Effect.scoped(
    Effect.gen(function* () {
      let begun = 0
      // One key, but each run by the name that its member has in the journal.
      const nameOf = () => memberName(step, begun)
      const latest = yield* Latest.make<string>({ name: `${name}.runs`, nameOf, ...patienceOf(step) })
      for (const [index, run] of runs.entries()) {
        if (index > 0) yield* Effect.sleep(every)
        begun = index
        const task = yield* latest.start(name, run)
        if (index === runs.length - 1) {
          const outcome = yield* Task.await(task)
          yield* notes.note(name, "report", textOfOutcome(outcome))
        }
      }
    })
  )
}

export const native = ({ ms, rule }: Of<"Native">, members: ReadonlyArray<Run>): Run => {
  switch (rule) {
    case "race":
      return Effect.raceAll(members)
    case "all":
      return Effect.all(members, { concurrency: "unbounded", discard: true })
    case "timeout":
      return Effect.timeout(members[0] ?? Effect.void, ms)
  }
}

const eachOf = <A>(
  record: Readonly<Record<string, A | undefined>>,
  text: (value: A) => string
): ReadonlyArray<string> => Object.entries(record).map(([key, value]) => `${key} ${text(value!)}`)

const textOfLoser = (loser: Loser.Loser<unknown, unknown>): string => {
  switch (loser._tag) {
    case "NotStarted":
    case "FinishedLate":
      return loser._tag
    case "Cancelled":
      return `Cancelled ${loser.how}, ${textOfReason(loser.reason)}`
    case "Failed":
      return `Failed ${textOfCause(loser.cause)}`
  }
}

const textOfOutcome = (outcome: TaskOutcome<unknown, unknown>): string => {
  switch (outcome._tag) {
    case "Completed":
      return "Completed"
    case "Failed":
      return `Failed ${textOfCause(outcome.cause)}`
    case "Cancelled":
      return `Cancelled ${outcome.how}, ${textOfReason(outcome.reason)}`
  }
}
