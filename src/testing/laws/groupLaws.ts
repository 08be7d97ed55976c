/** What holds for everything that runs several members and is cancelled from outside. */
import type * as Effect from "effect/Effect"
import { closings, law, type Law, type LawOptions, leftovers } from "./Law.ts"
import { type Examples, type Members, playing, type Role, type Stage, succeeds } from "./stage.ts"

type Run = (members: Members) => Effect.Effect<unknown, unknown>

export const groupLaws = (run: Run, examples: Examples, options: LawOptions): ReadonlyArray<Law> => {
  const bare = (stage: Stage): Effect.Effect<unknown, unknown> => run(stage.members)
  const waiting: ReadonlyArray<Role> = [succeeds(1000, 5), succeeds(1000), succeeds(1000, 3)]
  const all = [...examples, ["nobody ends for a long time", waiting] as const]
  const everywhere = all.map(([where, roles]) => playing(where, roles, bare))
  return [
    law("K1", "Cancelled at any point, it leaves no fiber, timer or scope behind", leftovers, everywhere, options),
    law(
      "K1",
      "Cancelled at any point, it ends only when every member has ended",
      [],
      all.map(([where, roles]) =>
        playing(
          where,
          roles,
          (stage) => stage.observed(bare(stage)),
          ({ openAtReturn = [] }, { cancelled }) =>
            cancelled === undefined || openAtReturn.length === 0
              ? undefined
              : `it had ended while these still ran: ${openAtReturn.join(", ")}`
        )
      ),
      options
    ),
    law(
      "K4",
      "A cancel tells all members at once: it takes as long as the slowest clean-up",
      ["slow"],
      [playing("nobody ends for a long time", waiting, bare, undefined, { options: { within: 5 } })],
      options
    ),
    law("K9", "Once it was cancelled it does not return a value", ["completed-after-cancel"], everywhere, options),
    law("K15", "The clean-up of each member runs once, and to its end", closings, everywhere, options),
    law(
      "K15",
      "A second cancel during clean-up cuts none of it short, and does not change the reason",
      [...closings, ...leftovers, "reason-changed"],
      [playing("nobody ends for a long time", [succeeds(1000, 5), succeeds(1000)], bare, undefined, { again: true })],
      options
    ),
    law(
      "K18",
      "Cancelled from outside, every member that is interrupted by that reads the reason",
      [],
      [
        playing("nobody ends for a long time", waiting, bare, (_, { cancelled, ledger }) => {
          if (cancelled === undefined || cancelled.at >= 1000) return undefined
          const other = ledger.ended.find(
            ({ interrupted, reason }) => interrupted && reason?.message !== cancelled.reason.message
          )
          return other === undefined
            ? undefined
            : `${other.name} was told "${other.reason?.message ?? "nothing"}" instead of "${cancelled.reason.message}"`
        })
      ],
      options
    )
  ]
}
