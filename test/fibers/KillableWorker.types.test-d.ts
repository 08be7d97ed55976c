/** The types of input and result come from the type of the script, or the result's from a schema. */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { describe, expectTypeOf, it } from "vitest"
import * as KillableWorker from "../../src/fibers/KillableWorker.ts"
import type primes from "./scripts/primes.ts"
import type { Primes } from "./scripts/primes.ts"

const script = new URL("file:///script.js")

describe("KillableWorker", () => {
  it("takes input and result from the script", () => {
    expectTypeOf(KillableWorker.run<typeof primes>({ script, input: { below: 3 } })).toEqualTypeOf<
      Effect.Effect<Primes, KillableWorker.WorkerFailed>
    >()
    // @ts-expect-error -- the script wants a number
    void KillableWorker.run<typeof primes>({ script, input: { below: "3" } })
    type Waits = (input: string, context: KillableWorker.ScriptContext) => Promise<number>
    expectTypeOf(KillableWorker.run<Waits>({ script, input: "" })).toEqualTypeOf<
      Effect.Effect<number, KillableWorker.WorkerFailed>
    >()
  })

  it("takes the result from the schema, and adds its error", () => {
    expectTypeOf(KillableWorker.run({ script, input: 1, schema: Schema.NumberFromString })).toEqualTypeOf<
      Effect.Effect<number, KillableWorker.WorkerFailed | Schema.SchemaError>
    >()
  })

  it("knows nothing of a script that it is not told of", () => {
    expectTypeOf(KillableWorker.run({ script, input: 1 })).toEqualTypeOf<
      Effect.Effect<unknown, KillableWorker.WorkerFailed>
    >()
  })
})
