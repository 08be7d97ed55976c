/**
 * `compute`: a loop that never waits. Without its checkpoints no cancel could stop it; with them it also leaves at the
 * next round when it is only asked, within its grace.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Checkpoint from "../../../fibers/Checkpoint.ts"
import * as TaskDefinition from "../../../http/TaskDefinition.ts"

const Rounds = Schema.Struct({ rounds: Schema.Int })

export const Compute = TaskDefinition.make("compute", {
  description: "Counts `rounds` of arithmetic, with a checkpoint after each.",
  payload: Schema.Struct({ rounds: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000_000 })) }),
  success: Schema.Struct({ ...Rounds.fields, sum: Schema.Int }),
  partial: Rounds
})

export const implementation = Compute.of(({ rounds }, self) =>
  Effect.gen(function* () {
    let sum = 0
    for (let round = 1; round <= rounds; round++) {
      for (let step = 0; step < 20_000; step++) sum = (sum * 31 + step) % 1_000_003
      yield* self.partial({ rounds: round })
      yield* Checkpoint.checkpoint
    }
    return { rounds, sum }
  })
)
