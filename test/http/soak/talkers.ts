/** The tasks of the soak: many that chat, and a few that are so loud that a reader who stalls falls behind. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TaskDefinition from "../../../src/http/TaskDefinition.ts"

const Talk = {
  /** `every` is in milliseconds; it ends by itself after `count` events, each of so many bytes. */
  payload: Schema.Struct({ every: Schema.Int, count: Schema.Int, bytes: Schema.Int }),
  success: Schema.Struct({ said: Schema.Int }),
  output: Schema.Struct({ n: Schema.Int, text: Schema.String })
}

const talk = (
  { bytes, count, every }: (typeof Talk.payload)["Type"],
  output: (value: (typeof Talk.output)["Type"]) => Effect.Effect<void>
) =>
  Effect.gen(function* () {
    const text = "x".repeat(bytes)
    for (let n = 1; n <= count; n++) {
      yield* output({ n, text })
      // Now and then some in one go.
      if (n % 5 !== 0) yield* Effect.sleep(every)
    }
    return { said: count }
  })

export const chatter = TaskDefinition.make("chatter", Talk).of((payload, self) => talk(payload, self.output))

/** Keeps few events, so that its readers fall off the end of the log. */
export const shout = TaskDefinition.make("shout", { ...Talk, history: 32 }).of((payload, self) =>
  talk(payload, self.output)
)
