/** What reports of combinators must say of members that note what they do in the ledger. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import type { Loser } from "rescind/combinators"
import { Ledger, type Trial } from "rescind/testing"

/** Acquires, works and cleans up; whoever made it looks up in the journal how it ended. */
export const member = <A, E, R>(name: string, work: Effect.Effect<A, E, R>, cleanup = 2) =>
  Effect.gen(function* () {
    yield* Ledger.resource(`${name}'s file`)
    yield* Ledger.finalizer(`${name}'s clean-up`, cleanup === 0 ? Effect.void : Effect.sleep(cleanup))
    return yield* Ledger.watch(name)(work)
  })

export const after = <A>(millis: number, value: A): Effect.Effect<A> => Effect.as(Effect.sleep(millis), value)

export const failing = <E>(millis: number, error: E): Effect.Effect<never, E> =>
  Effect.andThen(Effect.sleep(millis), Effect.fail(error))

type End = "done" | "interrupted" | "failed"

/** How the work of a member ended; undefined if it did not begin, or was stopped before it was watched. */
export const endOf = ({ ledger }: Trial.Trial, name: string): End | undefined => {
  const ends = ledger.journal.flatMap((line) => {
    const [, who, how] = /^\d+ (.*?) (done|interrupted|failed)\b/.exec(line) ?? []
    return who === name ? [how as End] : []
  })
  assert.ok(ends.length <= 1, `${name} ended ${ends.length} times: ${ends.join(", ")}`)
  return ends[0]
}

export const began = ({ ledger }: Trial.Trial, name: string): boolean =>
  ledger.opened.some((opened) => opened.name === `${name}'s file`)

/** K24: what a report says of a loser is what the loser did. */
export const loserAgrees = (
  trial: Trial.Trial,
  name: string,
  loser: Loser.Loser<unknown, unknown> | Loser.Running<unknown, unknown> | undefined
): void => {
  const end = endOf(trial, name)
  assert.ok(loser !== undefined, `${name} is missing in the report`)
  switch (loser._tag) {
    case "NotStarted":
      return assert.ok(!began(trial, name), `${name} had started`)
    case "Cancelled":
      assert.ok(loser.reason !== undefined)
      return assert.ok(
        end === undefined || end === "interrupted" || loser.how === "abandoned",
        `${name} was ${end}, not cancelled`
      )
    case "Failed":
      return assert.equal(end, "failed", `${name} was ${end}, not failed`)
    case "FinishedLate":
      return assert.equal(end, "done", `${name} was ${end}, not late`)
    case "Running":
      return
  }
}

/** The keys of the input, in its order, each exactly once. */
export const hasExactly = (entries: ReadonlyArray<string>, ...parts: ReadonlyArray<object>): void => {
  for (const part of parts) {
    const keys = Object.keys(part)
    assert.deepEqual(
      keys,
      entries.filter((key) => keys.includes(key)),
      "the order of the record is lost"
    )
  }
  assert.deepEqual(parts.flatMap((part) => Object.keys(part)).toSorted(), [...entries].toSorted())
}

const timeOf = (line: string): number => Number(line.slice(0, line.indexOf(" ")))

/** Whether the cancel came after the winner was done, at a later instant, and while somebody who did not win cleaned up. */
const cameDuringCleanup = ({ ledger }: Trial.Trial, winner: string, winners: ReadonlyArray<string>): boolean => {
  const { journal } = ledger
  const won = journal.findIndex((line) => line.endsWith(` ${winner} done`))
  const cut = journal.findIndex((line) => line.includes(" cancelled at point "))
  if (won < 0 || cut < 0 || timeOf(journal[cut]!) <= timeOf(journal[won]!)) return false
  return journal
    .slice(cut)
    .some((line) => line.includes(" closed ") && !winners.some((name) => line.includes(` closed ${name}'s`)))
}

/** K26: somewhere below is that value. */
export const stillHas = (value: unknown, wanted: unknown): boolean => {
  if (value === wanted) return true
  if (typeof value !== "object" || value === null) return false
  return Object.values(value).some((below) => stillHas(below, wanted))
}

/** K26: a value that was decided when the cancel came is returned, or stands on the outcome. */
export const isNotLost = (
  trial: Trial.Trial,
  winner: string,
  value: unknown,
  winners: ReadonlyArray<string> = [winner]
): void => {
  const { outcome } = trial
  if (!cameDuringCleanup(trial, winner, winners) || outcome === undefined) return
  if (outcome._tag === "Cancelled" && outcome.how === "abandoned") return
  assert.ok(
    outcome._tag === "Completed" || stillHas(outcome.salvaged, value),
    `${winner} had won, and its value is neither returned nor salvaged`
  )
}
