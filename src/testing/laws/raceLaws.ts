/** What holds for a race. */
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
  waits,
  when
} from "./stage.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface RaceOptions<R> extends LawOptions {
  /** The value in what the race returns. Default: what it returns. */
  readonly value?: ((result: R) => unknown) | undefined
  /** What wins: the first success, or the first end, however it is. Default: "success". */
  readonly wins?: "success" | "end" | undefined
  /** It returns only when the losers have ended. Default: true. */
  readonly awaitsLosers?: boolean | undefined
  /** Losers can read why they were interrupted. Default: true. */
  readonly givesReasons?: boolean | undefined
  /** A winner that could not be returned any more is on the outcome of the task around. Default: true. */
  readonly keepsWinner?: boolean | undefined
  /** A failure in the clean-up of a loser is in the result or in the log. Default: true. */
  readonly tellsCleanupFailures?: boolean | undefined
}

const decided: Examples = [
  ["the second of three is the first to succeed", [succeeds(30, 3), succeeds(10), waits(5)]],
  ["the first succeeds without suspending", [succeeds(0), waits(), succeeds(5)]],
  ["some fail or die before one succeeds", [fails(0), dies(5), succeeds(20), waits(5)]],
  ["one succeeds when the others have failed", [fails(1), succeeds(4), fails(2)]]
]

const ties: Examples = [
  ["two succeed at the same instant", [succeeds(10, 3), waits(5), succeeds(10, 3)]],
  ["two succeed without suspending", [succeeds(0), succeeds(0)]]
]

const lost: Examples = [
  ["all fail one after the other", [fails(10), fails(5)]],
  ["all fail without suspending", [fails(0), fails(0), fails(0)]],
  ["one dies, one fails and one interrupts itself", [dies(5), fails(10), interruptsItself(1)]],
  ["the only one fails", [fails(3)]]
]

export const raceLaws = <R>(
  race: (members: Members) => Effect.Effect<R, unknown>,
  options: RaceOptions<R> = {}
): ReadonlyArray<Law> => {
  const { awaitsLosers = true, givesReasons = true, keepsWinner = true, tellsCleanupFailures = true } = options
  const { value = (result: R): unknown => result, wins = "success" } = options
  const bare = (stage: Stage): Effect.Effect<R, unknown> => race(stage.members)

  const counts = (role: Role): boolean => role.after < Infinity && (wins === "end" || role.ends === "value")
  /** Whoever may win. */
  const first = (roles: ReadonlyArray<Role>): ReadonlyArray<number> => {
    const at = Math.min(...roles.filter(counts).map(({ after }) => after))
    return [...roles.keys()].filter((index) => counts(roles[index]!) && roles[index]!.after === at)
  }
  const rightWinner = ({ roles }: Stage, { cancelled, outcome }: Trial): string | undefined => {
    const allowed = first(roles)
    const expected = allowed.map((index) => endOf(roles[index]!, index)).join(" or ")
    if (outcome?._tag === "Completed") {
      const got = value(outcome.value as R)
      return allowed.some((index) => roles[index]!.ends === "value" && got === valueOf(index))
        ? undefined
        : `it returned ${JSON.stringify(got)} instead of ${expected}`
    }
    if (cancelled !== undefined) return undefined
    if (outcome?._tag !== "Failed") return `it was ${String(outcome?._tag)} instead of ${expected}`
    return allowed.some((index) => roles[index]!.ends !== "value" && mentions(outcome.cause, failureOf(index)))
      ? undefined
      : `it failed instead of ${expected}`
  }
  const wonBy = (where: string, roles: ReadonlyArray<Role>) => playing(where, roles, bare, rightWinner)
  const calm = { calm: true }

  return [
    law(
      "K23",
      wins === "success"
        ? "The first member that succeeds wins, whoever started first and whatever failed before"
        : "The first member that ends wins, however it ends",
      [],
      [
        ...decided,
        ...(wins === "success"
          ? [["one interrupts itself", [interruptsItself(5), succeeds(9)]] as const]
          : lost.slice(0, 2))
      ].map(([where, roles]) => wonBy(where, roles)),
      options
    ),
    law(
      "K23",
      "Once there is a winner no loser goes on: each is interrupted",
      closings,
      decided.map(([where, roles]) =>
        playing(
          where,
          roles,
          (stage) => Effect.andThen(Effect.exit(bare(stage)), Effect.sleep(1000)),
          (stage, trial) => {
            const [winner = 0] = first(roles)
            const late = [...roles.keys()].find(
              (index) => roles[index]!.after > roles[winner]!.after && stage.hasFinished(index, trial)
            )
            return late === undefined ? undefined : `${nameOf(late)} went on after ${nameOf(winner)} had won`
          },
          calm
        )
      ),
      options
    ),
    ...when(awaitsLosers, () => [
      law(
        "K25",
        "It returns only when every loser has ended and cleaned up",
        [],
        [...decided, ...ties, ...lost].map(([where, roles]) =>
          playing(where, roles, (stage) => stage.observed(bare(stage)), allHadEnded, calm)
        ),
        options
      ),
      law(
        "K4",
        "Losers are told all at once: it waits as long as the slowest clean-up",
        [],
        [playing("three losers clean up", [waits(5), succeeds(10), waits(5), waits(4)], bare, tookAtMost(15), calm)],
        options
      )
    ]),
    ...when(givesReasons, () => [
      law(
        "K18",
        "Every loser can read why it was interrupted",
        [],
        decided.map(([where, roles]) => playing(where, roles, bare, allCouldReadWhy, calm)),
        options
      )
    ]),
    ...when(wins === "success", () => [
      law(
        "K23",
        "If no member succeeds it fails, with what each failed with",
        [],
        lost.map(([where, roles]) =>
          playing(
            where,
            roles,
            bare,
            (_, { outcome }) => {
              if (outcome?._tag !== "Failed") return `it was ${String(outcome?._tag)}`
              const forgotten = [...roles.keys()].find(
                (index) => roles[index]!.ends !== "interrupt" && !mentions(outcome.cause, failureOf(index))
              )
              return forgotten === undefined ? undefined : `it does not tell the failure of ${nameOf(forgotten)}`
            },
            calm
          )
        ),
        options
      )
    ]),
    law(
      "K23",
      "Without members it fails, and does not hang",
      [],
      [
        playing("there are no members", [], bare, (_, { cancelled, outcome }) =>
          cancelled !== undefined || outcome?._tag === "Failed" ? undefined : `it was ${String(outcome?._tag)}`
        )
      ],
      options
    ),
    law(
      "K27",
      "Of two that are first at the same instant one wins, and the other has cleaned up once",
      closings,
      ties.map(([where, roles]) => wonBy(where, roles)),
      options
    ),
    law(
      "K24",
      "A loser whose clean-up dies does not change the result",
      [],
      [
        wonBy("a loser dies in its clean-up", [waits("dies"), succeeds(10), waits(5)]),
        wonBy("all losers die in their clean-up", [succeeds(30, "dies"), waits("dies"), succeeds(10)])
      ],
      options
    ),
    ...when(tellsCleanupFailures, () => [
      law(
        "K16",
        "A failure in the clean-up of a loser is told, in the result or in the log",
        [],
        [
          playing(
            "a loser dies in its clean-up",
            [waits("dies"), succeeds(10)],
            (stage) => stage.logged(bare(stage)),
            cleanupFailureIsTold(0),
            calm
          )
        ],
        options
      )
    ]),
    ...when(keepsWinner, () => [
      law(
        "K26",
        "A winner is not lost when the cancel comes while losers clean up",
        [],
        [
          playing("losers clean up", [waits(20), succeeds(10), waits(5)], bare, (_, { cancelled, outcome }) =>
            cancelled === undefined || cancelled.at <= 10 || cancelled.at >= 30 || mentions(outcome, valueOf(1))
              ? undefined
              : "the value of the winner is neither returned nor on the outcome of the task"
          )
        ],
        options
      )
    ]),
    ...groupLaws(race, [...decided.slice(0, 3), ...ties.slice(0, 1)], options)
  ]
}

const endOf = ({ ends }: Role, index: number): string =>
  JSON.stringify(ends === "value" ? valueOf(index) : failureOf(index))
