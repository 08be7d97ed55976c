/** Small definitions that the tests of this folder serve. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Schema from "effect/Schema"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"

class OutOfPaper extends Schema.TaggedError<OutOfPaper>()("OutOfPaper", { tray: Schema.Int }) {}

/** Says `ready`, then waits until it is cancelled. */
export const Wait = TaskDefinition.make("wait", {
  description: "Waits until it is cancelled",
  payload: Schema.Struct({ label: Schema.optionalKey(Schema.String) }),
  success: Schema.String,
  progress: Schema.String,
  partial: Schema.Struct({ pages: Schema.Int })
})

export const wait = Wait.of((_, self) =>
  Effect.gen(function* () {
    yield* self.progress("ready")
    return yield* Effect.never
  })
)

/** Counts from 1, as fast as it can or with a pause; every number is an output. */
export const Count = TaskDefinition.make("count", {
  payload: Schema.Struct({ to: Schema.Int, everyMillis: Schema.optionalKey(Schema.Int) }),
  success: Schema.Struct({ sum: Schema.Int }),
  output: Schema.Int
})

export const count = Count.of(({ to, everyMillis }, self) =>
  Effect.gen(function* () {
    let sum = 0
    for (let n = 1; n <= to; n++) {
      yield* self.output(n)
      sum += n
      if (everyMillis !== undefined) yield* Effect.sleep(everyMillis)
    }
    return { sum }
  })
)

/** Fails with a typed error. */
export const Print = TaskDefinition.make("print", { success: Schema.Void, error: OutOfPaper })

export const print = Print.of(() => Effect.fail(new OutOfPaper({ tray: 2 })))

/** Fails with a defect that nobody outside may read. */
export const Break = TaskDefinition.make("break", { success: Schema.Void })

export const breaks = Break.of(() => Effect.die(new Error("password=hunter2")))

export const Stubborn = TaskDefinition.make("stubborn", { success: Schema.Void, progress: Schema.String })

export interface Mule extends TaskDefinition.Implementation<never> {
  readonly letGo: Effect.Effect<void>
}

/** Ignores its interrupt until the test lets go of it, which `serving` does at the end in any case. */
export const stubborn = (definition: Pick<typeof Stubborn, "of"> = Stubborn): Mule => {
  const door = Latch.makeUnsafe()
  const mule = definition.of((_, self) => Effect.andThen(self.progress("ready"), Effect.uninterruptible(door.await)))
  return { ...mule, letGo: Effect.asVoid(door.open) }
}

export const isMule = (task: TaskDefinition.Implementation<never>): task is Mule => "letGo" in task
