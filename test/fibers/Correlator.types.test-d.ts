import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { describe, expectTypeOf, it } from "vitest"
import { Correlator } from "../../src/fibers/Correlator.ts"
import type { CorrelatorClosed } from "../../src/fibers/CorrelatorClosed.ts"
import type { NoMessage } from "../../src/fibers/NoMessage.ts"
import type { PollTimedOut } from "../../src/fibers/PollTimedOut.ts"
import * as Wait from "../../src/fibers/Wait.ts"

declare const correlator: Correlator["Service"]
const text = Correlator.channel<string>("text")
const day = Correlator.channel("day", Schema.DateFromString)

class Down {
  readonly _tag = "Down"
}

// @ts-expect-error the channel says what may be published
const wrongMessage = () => correlator.publish(text, "k", 1)
// @ts-expect-error nothing can be decoded without a schema
const noSchema = () => correlator.publishUnknown(text, "k", 1)
// @ts-expect-error a condition is an effect, not a promise (S3x-15)
const notAnEffect = () => Wait.poll(async () => true)
// @ts-expect-error what is neither true nor false is no condition
const notACondition = () => Wait.poll(Effect.succeed("yes"))

describe("Correlator and Wait, types", () => {
  it("a channel types what is waited for and what is published", () => {
    expectTypeOf(correlator.wait(text, "k")).toEqualTypeOf<Effect.Effect<string, CorrelatorClosed>>()
    expectTypeOf(correlator.wait(day, "k", { within: 5 })).toEqualTypeOf<
      Effect.Effect<Date, CorrelatorClosed | NoMessage>
    >()
    expectTypeOf(correlator.receive(text, "k", (message) => Effect.succeed(message.length))).toEqualTypeOf<
      Effect.Effect<number, CorrelatorClosed>
    >()
    for (const wrong of [wrongMessage, noSchema, notAnEffect, notACondition]) expectTypeOf(wrong).toBeFunction()
  })

  it("poll gives the value found, and only errors that can come", () => {
    const flag = {} as Effect.Effect<boolean, Down, Scope.Scope>
    const found = {} as Effect.Effect<Option.Option<Date>, Down>
    expectTypeOf(Wait.poll(flag)).toEqualTypeOf<Effect.Effect<void, Down | PollTimedOut>>()
    expectTypeOf(Wait.poll(found)).toEqualTypeOf<Effect.Effect<Date, Down | PollTimedOut>>()
    expectTypeOf(Wait.poll(found, { onError: "retry" })).toEqualTypeOf<Effect.Effect<Date, PollTimedOut<Down>>>()
    expectTypeOf(Wait.poll(flag, { onError: "retry" })).toEqualTypeOf<Effect.Effect<void, PollTimedOut<Down>>>()
  })
})
