/**
 * `countdown`: nothing but time, to watch and cancel. Cancelled, it keeps the number it was at.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TaskDefinition from "../../../http/TaskDefinition.ts"

const whole = (minimum: number, maximum: number): Schema.Int => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Left = Schema.Struct({ left: Schema.Int })

const definition = TaskDefinition.make("countdown", {
  description: "Counts down, with a progress event each tick. Default: from 10, every 1000 milliseconds.",
  payload: Schema.Struct({
    from: Schema.optionalKey(whole(1, 3600)),
    everyMillis: Schema.optionalKey(whole(10, 60_000))
  }),
  progress: Left,
  partial: Left,
  success: Schema.Struct({ from: Schema.Int })
})

export const implementation = definition.of(({ everyMillis = 1000, from = 10 }, self) =>
  Effect.gen(function* () {
    for (let left = from; left > 0; left--) {
      yield* self.partial({ left })
      yield* self.progress({ left })
      yield* Effect.sleep(everyMillis)
    }
    return { from }
  })
)
