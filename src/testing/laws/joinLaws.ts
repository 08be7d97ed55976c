/** What holds for a join. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Trial } from "../Trial.ts"
import { groupLaws } from "./groupLaws.ts"
import { closings, law, type Law, type LawOptions } from "./Law.ts"
import { mentions } from "./mentions.ts"
import {
  allCouldReadWhy,
  allHadEnded,
  cleanupFailureIsTold,
  dies,
  type Examples,
  fails,
  failureOf,
  interruptsItself,
  type Members,
  nameOf,
  playing,
  type Role,
  type Stage,
  succeeds,
  tookAtMost,
  valueOf,
  when
} from "./stage.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface JoinOptions<R> extends LawOptions {
  /** The values in what the join returns. Default: what it returns. */
  readonly values?: ((result: R) => unknown) | undefined
  /** The first failure ends it; else it runs all to their end, whatever they end with. Default: true. */
  readonly failFast?: boolean | undefined
  /** Whoever is interrupted because another failed can read that. Default: true. */
  readonly givesReasons?: boolean | undefined
  /** Failures of the same turn are all in its failure. Default: true. */
  readonly keepsFailures?: boolean | undefined
  /** Values that could not be returned any more are on the outcome of the task around. Default: true. */
  readonly keepsValues?: boolean | undefined
  /** A failure in clean-up is in the result or in the log. Default: true. */
  readonly tellsCleanupFailures?: boolean | undefined
}

const complete: Examples = [
  ["the last is the first to end", [succeeds(20), succeeds(10), succeeds(0)]],
  ["all end without suspending", [succeeds(0), succeeds(0)]],
  ["there is only one", [succeeds(5)]]
]

const failing: Examples = [
  ["the second fails while the others run", [succeeds(1000, 5), fails(10), succeeds(1000, 3)]],
  ["the first fails without suspending", [fails(0), succeeds(1000, 2)]],
  ["one has a value when another fails", [succeeds(5), fails(10), succeeds(1000)]]
]

export const joinLaws = <R>(
  join: (members: Members) => Effect.Effect<R, unknown>,
  options: JoinOptions<R> = {}
): ReadonlyArray<Law> => {
  const { failFast = true, givesReasons = true, keepsFailures = true, keepsValues = true } = options
  const { tellsCleanupFailures = true, values = (result: R): unknown => result } = options
  const bare = (stage: Stage): Effect.Effect<R, unknown> => join(stage.members)
  const calm = { calm: true }

  const allThere = ({ roles }: Stage, { cancelled, outcome }: Trial): string | undefined => {
    if (outcome?._tag !== "Completed") return cancelled === undefined ? `it was ${String(outcome?._tag)}` : undefined
    const expected = JSON.stringify(roles.map((_, index) => valueOf(index)))
    const got = JSON.stringify(values(outcome.value as R))
    return got === expected ? undefined : `it returned ${got} instead of ${expected}`
  }

  return [
    law(
      "K29",
      "All values in the order of the members, whoever ended first",
      [],
      complete.map(([where, roles]) => playing(where, roles, bare, allThere)),
      options
    ),
    law(
      "K29",
      "Without members it returns at once",
      [],
      [playing("there are no members", [], bare, allThere)],
      options
    ),
    ...when(failFast, () => [
      law(
        "K29",
        "The first failure fails it, and stays typed",
        [],
        failing.map(([where, roles]) =>
          playing(where, roles, bare, failsWith(roles.findIndex(({ ends }) => ends === "failure")))
        ),
        options
      ),
      law(
        "K29",
        "Once one has failed no other goes on: each is interrupted",
        closings,
        failing.map(([where, roles]) =>
          playing(
            where,
            roles,
            (stage) => Effect.andThen(Effect.exit(bare(stage)), Effect.sleep(2000)),
            (stage, trial) => {
              const late = [...roles.keys()].find((at) => roles[at]!.after === 1000 && stage.hasFinished(at, trial))
              return late === undefined ? undefined : `${nameOf(late)} went on after the failure`
            },
            calm
          )
        ),
        options
      ),
      law(
        "K29",
        "It fails only when everybody has ended and cleaned up",
        [],
        [...failing, ["one dies", [succeeds(1000, 4), dies(5)]] as const].map(([where, roles]) =>
          playing(where, roles, (stage) => stage.observed(bare(stage)), allHadEnded, calm)
        ),
        options
      ),
      law(
        "K4",
        "After a failure all others are told at once: it waits as long as the slowest clean-up",
        [],
        [
          playing(
            "three others clean up",
            [succeeds(1000, 5), fails(10), succeeds(1000, 5), succeeds(1000, 4)],
            bare,
            tookAtMost(15),
            calm
          )
        ],
        options
      ),
      law(
        "K16",
        "A clean-up that dies does not make a defect of a typed failure",
        [],
        [playing("another dies in its clean-up", [succeeds(1000, "dies"), fails(10)], bare, failsWith(1), calm)],
        options
      ),
      law(
        "K29",
        "A member that dies fails it",
        [],
        [playing("one dies", [succeeds(1000, 4), dies(5)], bare, diesWith(1), calm)],
        options
      ),
      law(
        "K32",
        "A member that interrupts itself fails it: there is no value for its place",
        [],
        [
          playing(
            "one interrupts itself",
            [succeeds(3), interruptsItself(5), succeeds(20)],
            bare,
            (_, { outcome }) => (outcome?._tag === "Completed" ? "it returned all the same" : undefined),
            calm
          )
        ],
        options
      ),
      ...when(keepsFailures, () => [
        law(
          "K29",
          "Failures of the same turn are all kept, in the order of the members",
          [],
          [
            playing(
              "two fail without suspending",
              [fails(0), succeeds(1000), fails(0)],
              bare,
              (_, { outcome }) => {
                const text = outcome?._tag === "Failed" ? Cause.pretty(outcome.cause) : ""
                const first = text.indexOf(failureOf(0))
                return first >= 0 && first < text.indexOf(failureOf(2)) ? undefined : `it failed with ${text}`
              },
              calm
            )
          ],
          { runs: 1 }
        )
      ]),
      ...when(givesReasons, () => [
        law(
          "K18",
          "Whoever is interrupted because another failed can read why",
          [],
          failing.map(([where, roles]) => playing(where, roles, bare, allCouldReadWhy, calm)),
          options
        )
      ]),
      ...when(tellsCleanupFailures, () => [
        law(
          "K16",
          "A failure in clean-up is told, in the result or in the log",
          [],
          [
            playing(
              "another dies in its clean-up",
              [succeeds(1000, "dies"), fails(10)],
              (stage) => stage.logged(bare(stage)),
              cleanupFailureIsTold(0),
              calm
            )
          ],
          options
        )
      ])
    ]),
    ...when(!failFast, () => [
      law(
        "K30",
        "Nobody is interrupted because another failed: all run to their end, and it returns",
        [],
        [
          [
            "one fails, one dies, and one interrupts itself",
            [succeeds(20), fails(5), dies(0), interruptsItself(3)]
          ] as const
        ].map(([where, roles]: readonly [string, ReadonlyArray<Role>]) =>
          playing(
            where,
            roles,
            bare,
            (stage, trial) => {
              const stopped = [...roles.keys()].find(
                (at) => roles[at]!.ends !== "interrupt" && !stage.hasFinished(at, trial)
              )
              if (stopped !== undefined) return `${nameOf(stopped)} did not come to its end`
              return trial.outcome?._tag === "Completed" ? undefined : `it was ${String(trial.outcome?._tag)}`
            },
            calm
          )
        ),
        options
      )
    ]),
    ...when(keepsValues, () => [
      law(
        "K26",
        "Values that are there are not lost when it is cancelled",
        [],
        [
          playing("one has a value and others run", [succeeds(10), succeeds(20), succeeds(50, 5)], bare, (_, trial) => {
            const { cancelled, outcome } = trial
            return cancelled === undefined || cancelled.at <= 10 || cancelled.at >= 50 || mentions(outcome, valueOf(0))
              ? undefined
              : `the value of ${nameOf(0)} is neither returned nor on the outcome of the task`
          })
        ],
        options
      )
    ]),
    ...groupLaws(join, [...complete.slice(0, 2), ...(failFast ? failing.slice(0, 1) : [])], options)
  ]
}

const diesWith =
  (index: number) =>
  (_: Stage, { outcome }: Trial): string | undefined =>
    outcome?._tag === "Failed" && Cause.hasDies(outcome.cause) && mentions(outcome.cause, failureOf(index))
      ? undefined
      : `it was ${String(outcome?._tag)} without the defect of ${nameOf(index)}`

/** Fails with that failure as a typed one, where nobody cancelled it. */
const failsWith =
  (index: number) =>
  (_: Stage, { cancelled, outcome }: Trial): string | undefined => {
    if (outcome?._tag === "Completed") return "it returned as if nothing had failed"
    if (outcome?._tag !== "Failed") return cancelled === undefined ? `it was ${String(outcome?._tag)}` : undefined
    const typed = outcome.cause.reasons.filter(Cause.isFailReason)
    if (!typed.some(({ error }) => mentions(error, failureOf(index))))
      return `the failure of ${nameOf(index)} is not among its typed failures`
    return typed.length === outcome.cause.reasons.length ? undefined : "a defect stands beside its typed failure"
  }
