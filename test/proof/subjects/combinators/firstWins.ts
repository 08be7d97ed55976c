/** Merges: the first to arrive decides, from a branch or from outside, and losers undo what they did. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { type Arrival, FirstWins, type Loser, type Visit } from "rescind/combinators"
import { Ledger, type Trial } from "rescind/testing"
import { completes, isLastOf, sourcesReadBy, wasGivenUp } from "../../laws.ts"
import { after, began, endOf, failing, loserAgrees, member } from "../../reports.ts"
import type { Subject } from "../../Subject.ts"

/** With a scope of its own, since that of a winner outlives the visit. */
const left = <A, E, R>(visit: Effect.Effect<A, E, R>) => Effect.ensuring(Effect.scoped(visit), Ledger.note("left"))

type Handle = Visit<string, "manual">

interface Report {
  readonly winner: string
  readonly value: string
  readonly from: string
  readonly losers: Record<string, Loser.Loser<unknown, unknown> | undefined>
  readonly undone: ReadonlyArray<{ readonly path: string; readonly step: string; readonly failure: unknown }>
  readonly stragglers: ReadonlyArray<string>
}

const reportIn = ({ outcome }: Trial.Trial): Report | undefined =>
  outcome?._tag === "Completed" ? (outcome.value as Report) : undefined

const place = ({ ledger }: Trial.Trial, note: string): number =>
  ledger.journal.findIndex((line) => line.endsWith(` ${note}`))

/** Every step that a loser has done is undone, once, last first, and none of the winner. */
const undoesLosers = (trial: Trial.Trial, winner: string | undefined, ...steps: ReadonlyArray<string>): void => {
  const undone = trial.ledger.journal.flatMap((line) => /^\d+ undid (.*)$/.exec(line)?.[1] ?? [])
  assert.equal(new Set(undone).size, undone.length, `undone twice: ${undone.join(", ")}`)
  for (const step of undone) {
    assert.ok(place(trial, `step ${step}`) >= 0, `${step} was undone and not done`)
    assert.ok(winner === undefined || !step.startsWith(winner), `${step} of the winner was undone`)
  }
  for (const step of steps) {
    if (place(trial, `step ${step}`) >= 0 && !(winner !== undefined && step.startsWith(winner))) {
      assert.ok(undone.includes(step), `${step} was not undone`)
    }
  }
}

const step = (visit: Handle, name: string, millis: number) =>
  visit.step(name, Effect.andThen(Effect.sleep(millis), Ledger.note(`step ${name}`)), () =>
    Effect.andThen(Effect.sleep(1), Ledger.note(`undid ${name}`))
  )

const patience = { giveUp: Infinity } as const

const decides: Subject = {
  name: "the first branch decides; the others stop wherever they are and undo their steps, the last one first",
  covers: ["FirstWins.run"],
  laws: ["K1", "K15", "K18", "K24", "K26"],
  program: left(
    FirstWins.run(
      "approval",
      (visit: Handle) => ({
        mail: Effect.gen(function* () {
          yield* step(visit, "mail one", 1)
          yield* step(visit, "mail two", 1)
          return yield* member("mail", Effect.never, 2)
        }),
        form: Effect.andThen(step(visit, "form", 2), member("form", after(3, "yes"), 0)),
        never: member("never", Effect.never)
      }),
      patience
    )
  ),
  invariant: (trial) => {
    isLastOf(trial, "left")
    const report = reportIn(trial)
    if (report === undefined) return assert.ok(trial.cancelled !== undefined)
    undoesLosers(trial, report.winner, "mail one", "mail two", "form")
    for (const [name, loser] of Object.entries(report.losers)) loserAgrees(trial, name, loser)
    if (trial.cancelled !== undefined) return
    assert.deepEqual([report.winner, report.value, report.from], ["form", "yes", "branch"])
    assert.deepEqual(
      report.undone.map(({ step }) => step),
      ["mail two", "mail one"]
    )
    assert.deepEqual(sourcesReadBy(trial, "mail"), ["lost-race"])
    // After everything that the branch holds.
    assert.ok(place(trial, "closed mail's file") < place(trial, "undid mail two"))
  }
}

const fromOutside: Subject = {
  name: "who arrives from outside decides as well, once; whoever comes later is told who was first, also after the end",
  covers: ["FirstWins.make"],
  laws: ["K1", "K9", "K19", "K24"],
  program: () => {
    const answers: Array<Arrival.Arrival> = []
    const note = (arrival: Arrival.Arrival): void => {
      answers.push(arrival)
    }
    const merge = FirstWins.make<string, "manual">("approval", patience)
    let handle: Handle | undefined
    const program = Effect.gen(function* () {
      const visiting = yield* Effect.forkChild(
        merge.visit((visit) => {
          handle = visit
          return { mail: Effect.andThen(step(visit, "mail", 1), member("mail", after(9, "mail"), 3)) }
        }),
        { startImmediately: true }
      )
      yield* Effect.sleep(3)
      const open = yield* handle!.state
      yield* Effect.all(
        [Effect.map(handle!.arrive("manual", "one"), note), Effect.map(handle!.arrive("manual", "two"), note)],
        {
          concurrency: "unbounded"
        }
      )
      const report = yield* Fiber.join(visiting)
      yield* Effect.map(handle!.arrive("manual", "late"), note)
      return { ...report, states: [open._tag, (yield* handle!.state)._tag] }
    })
    return {
      program: program as Effect.Effect<unknown, unknown, Scope.Scope>,
      invariant: (trial) => {
        assert.ok(answers.filter(({ _tag }) => _tag === "Decided").length <= 1, "decided twice")
        const report = reportIn(trial)
        if (report === undefined) return assert.ok(trial.cancelled !== undefined)
        undoesLosers(trial, report.winner, "mail")
        if (trial.cancelled !== undefined) return
        assert.deepEqual(answers.map(({ _tag }) => _tag).toSorted(), ["AlreadyDecided", "AlreadyDecided", "Decided"])
        assert.deepEqual([report.winner, report.from], ["manual", "outside"])
        assert.ok(["one", "two"].includes(report.value))
        assert.deepEqual((report as Report & { readonly states: unknown }).states, ["Open", "Decided"])
      }
    }
  }
}

const ownPath: Subject = {
  name: "who arrives for a branch decides in its place: the branch stops, and its steps stay done",
  covers: ["FirstWins.run"],
  laws: ["K1", "K19"],
  program: left(
    FirstWins.run(
      "approval",
      (visit: Visit<string, "mail">) => ({
        mail: Effect.andThen(
          visit.step("mail", Ledger.note("step mail"), () => Ledger.note("undid mail")),
          member("mail", Effect.never, 2)
        ),
        form: Effect.andThen(
          visit.step("form", Ledger.note("step form"), () => Ledger.note("undid form")),
          Effect.andThen(Effect.andThen(Effect.sleep(3), visit.arrive("mail", "yes")), Effect.never)
        )
      }),
      patience
    )
  ),
  invariant: (trial) => {
    isLastOf(trial, "left")
    const report = reportIn(trial)
    if (report === undefined) return assert.ok(trial.cancelled !== undefined)
    undoesLosers(trial, report.winner, "mail", "form")
    assert.deepEqual([report.winner, report.value, report.from], ["mail", "yes", "outside"])
    if (trial.cancelled === undefined) assert.deepEqual(sourcesReadBy(trial, "mail"), ["scope-closed"])
  }
}

const fails: Subject = {
  name: "a failure before the decision fails the visit, which undoes all where that is asked for; nobody arrives then",
  covers: ["FirstWins.run"],
  laws: ["K1", "K19"],
  allow: ["clean-up-failed"],
  program: () => {
    let late: Arrival.Arrival | undefined
    let handle: Handle | undefined
    const visit = FirstWins.run(
      "approval",
      (visit: Handle) => {
        handle = visit
        return {
          mail: Effect.andThen(step(visit, "mail", 1), member("mail", Effect.never, 2)),
          bad: member("bad", failing(3, "bad"), 0)
        }
      },
      { ...patience, undo: "always" }
    )
    return {
      program: left(
        Effect.gen(function* () {
          const error: unknown = yield* Effect.flip(visit)
          late = yield* handle!.arrive("manual", "late")
          return error
        })
      ),
      invariant: (trial) => {
        isLastOf(trial, "left")
        if (trial.outcome !== undefined && !wasGivenUp(trial)) undoesLosers(trial, undefined, "mail")
        if (trial.cancelled !== undefined) return
        completes(trial, "bad")
        assert.equal(late?._tag, "Undecided")
        assert.deepEqual(sourcesReadBy(trial, "mail"), ["sibling-failed"])
      }
    }
  }
}

const handled: Subject = {
  name: "a branch that fails is out, or a handler arrives in its place; one that is cancelled alone is out as well",
  covers: ["FirstWins.run"],
  laws: ["K1", "K24"],
  allow: ["clean-up-failed"],
  program: left(
    Effect.gen(function* () {
      const dropped = yield* FirstWins.run(
        "one",
        () => ({ bad: member("bad", failing(1, "bad"), 0), good: member("good", after(4, "good"), 0) }),
        { ...patience, onFailure: "fail-branch" }
      )
      const handled = yield* FirstWins.run(
        "two",
        () => ({ worse: member("worse", failing(1, "worse"), 0), slow: member("slow", after(9, "slow"), 2) }),
        { ...patience, onFailure: ({ path }) => after(1, `instead of ${path}`) }
      )
      const alone = yield* FirstWins.run(
        "three",
        (visit: Handle) => ({
          first: Effect.andThen(member("first", Effect.never, 1), Effect.succeed("first")),
          second: Effect.andThen(
            Effect.andThen(Effect.sleep(1), visit.cancel("first")),
            member("second", after(2, "second"), 0)
          )
        }),
        patience
      )
      return [dropped.winner, handled.value, alone.winner, alone.losers.first?._tag]
    })
  ),
  invariant: (trial) => {
    completes(trial, ["good", "instead of worse", "second", "Cancelled"])
    isLastOf(trial, "left")
    if (trial.cancelled === undefined) assert.deepEqual(sourcesReadBy(trial, "first"), ["request"])
  }
}

const early: Subject = {
  name: "by default the winner leaves a tenth of a second after the decision, and names who had not ended",
  covers: ["FirstWins.run"],
  laws: ["K12", "K25"],
  program: FirstWins.run("approval", () => ({
    fast: after(1, "fast"),
    stubborn: Effect.uninterruptible(after(300, "stubborn"))
  })),
  invariant: (trial) => {
    if (trial.cancelled !== undefined) return
    const report = reportIn(trial)
    assert.deepEqual([report!.winner, report!.stragglers], ["fast", ["stubborn"]])
    assert.equal(trial.took, 101)
  }
}

const loops: Subject = {
  name: "a loop passes the same merge again, and each visit has a state of its own",
  covers: ["FirstWins.make"],
  laws: ["K1", "K24"],
  program: () => {
    const merge = FirstWins.make<string>("review", patience)
    const once = (round: number) =>
      Effect.map(
        merge.visit({
          slow: member(`slow ${round}`, after(9, `slow ${round}`), 1),
          fast: member(`fast ${round}`, after(2, `fast ${round}`), 0)
        }),
        ({ value }) => value
      )
    return {
      program: left(Effect.forEach([1, 2], once)),
      invariant: (trial) => {
        completes(trial, ["fast 1", "fast 2"])
        isLastOf(trial, "left")
        if (began(trial, "fast 2")) assert.equal(endOf(trial, "fast 1"), "done")
      }
    }
  }
}

export const subjects: ReadonlyArray<Subject> = [decides, fromOutside, ownPath, fails, handled, early, loops]
